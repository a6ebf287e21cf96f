/*
 * outputs.h - for stages that make several outputs of one chunk, and for stages whose sides have
 * different modes.
 */
#ifndef CSTREAM_OUTPUTS_H
#define CSTREAM_OUTPUTS_H

#include "cstream/duplex.h"

/*
 * Return whether a slot that has more to push has to return after an output was pushed, and with
 * what: the output is full, or its stream was destroyed.
 */
static inline bool cst__has_to_stop(cst_status *answer, cst_stream *s, cst_status pushed)
{
    *answer = pushed == CST_FULL ? CST_AGAIN : CST_OK;
    return pushed == CST_FULL || cst_is_destroyed(s);
}

/*
 * Copy the options of a stage that has bytes on a side for each true argument; on the others it has
 * messages. Return false if they ask for messages on a side of bytes.
 */
static inline bool cst__set_modes(cst_opts *out, const cst_opts *opts, bool bytes_in,
                                  bool bytes_out)
{
    *out = opts ? *opts : (cst_opts){ .object_mode = false };
    if ((out->object_mode && (bytes_in || bytes_out)) || (out->writable_object_mode && bytes_in) ||
        (out->readable_object_mode && bytes_out))
        return false;
    out->writable_object_mode = !bytes_in;
    out->readable_object_mode = !bytes_out;
    return true;
}

#endif
