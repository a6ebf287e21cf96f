/*
 * abort.h - one switch that destroys any number of streams with CST_E_ABORT.
 *
 * Node: AbortController and addAbortSignal.
 */
#ifndef CSTREAM_ABORT_H
#define CSTREAM_ABORT_H

#include "stream.h"

typedef struct cst_abort cst_abort;

/** A switch, not yet thrown. CST_OK (*out is the caller's, to be let go of before its context is freed), CST_E_NOMEM,
 * CST_E_INVALID_ARG. */
CST_API cst_status cst_abort_new(cst_abort **out, cst_ctx *ctx);

/** Lets go of the caller's reference. What is attached stays attached. NULL is fine. */
CST_API void cst_abort_unref(cst_abort *abort);

/**
 * Destroys s with CST_E_ABORT when the switch is thrown, now if it was thrown before; not when s has ended by then.
 * Node: addAbortSignal.
 *
 * CST_OK, CST_E_NOMEM (nothing has changed), CST_E_INVALID_ARG (NULL, or of another context)
 */
CST_API cst_status cst_abort_attach(cst_abort *abort, cst_stream *s);

/** Throws the switch; again it does nothing. Re-entrancy: runs destroy slots before it returns. */
CST_API cst_status cst_abort_fire(cst_abort *abort);

/** Whether it was thrown. Node: signal.aborted. */
CST_API bool cst_abort_fired(const cst_abort *abort);

#endif
