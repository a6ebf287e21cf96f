/*
 * pipeline_internal.h - what a stage of a pipeline can tell it.
 */
#ifndef CSTREAM_PIPELINE_INTERNAL_H
#define CSTREAM_PIPELINE_INTERNAL_H

#include "cstream/join.h"

/**
 * s needs no more input, though its source has not ended. Where it is a stage of a pipeline, what comes before it is
 * unpiped and destroyed with CST_E_ABORT, as Node does with the source of an iteration that is left early, and
 * neither that nor how the writable side of s comes out counts against the pipeline any more: s goes on with its
 * readable side, if it has one, and closes when it likes. A stream that is in no pipeline, or comes first, is left as
 * it is.
 *
 * Cannot fail. Re-entrancy: runs destroy slots before it returns.
 */
void cst__enough(cst_stream *s);

#endif
