/*
 * host.h - what the adapters of this directory share. A program includes the adapter of its loop.
 *
 *     uv.h         a cst_loop under libuv              uv_stream.h  handles of libuv as streams
 *     libevent.h   ... under libevent
 *     glib.h       ... under a GMainContext
 *     libev.h      ... under libev
 *     sd_event.h   ... under sd-event
 *
 * An adapter is a header of plain functions: it is compiled with the program, beside the header of
 * the program's loop. So the libraries need none of these loops, and the program links with the one
 * that it uses.
 */
#ifndef CSTREAM_HOST_HOST_H
#define CSTREAM_HOST_HOST_H

#include "../base.h"

/** Convert to this type, in C and in C++. */
#ifdef __cplusplus
#define CST_HOST_CAST(type, value) static_cast<type>(value)
#else
#define CST_HOST_CAST(type, value) ((type)(value))
#endif

/**
 * Tells how a turn came out.
 *
 * CST_E_UNHANDLED  an 'error' event had no listener. The turn was completed.
 * CST_E_NOMEM      no memory in the host's loop
 * CST_OS(n)        the system refused to wait, or the host's library failed
 * CST_IDLE         nothing is left. Only from adapters that say so: their loop does not end by
 *                  itself.
 *
 * It runs on the thread of the loop, outside the turn, and may call everything, detach included.
 */
typedef void cst_host_status_fn(cst_status status, void *arg);

/**
 * Return ns in units of unit_ns, rounded up, and `most` if there are more. A time that were rounded
 * down would end before the timer is due.
 */
static inline uint64_t cst_host_round_up(uint64_t ns, uint64_t unit_ns, uint64_t most)
{
    uint64_t units = ns / unit_ns + (ns % unit_ns != 0);

    return units < most ? units : most;
}

#endif
