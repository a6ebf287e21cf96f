/*
 * run.c - run.h: streams that are run to their end in one call.
 */
#include "cstream/run.h"

#include "stream/stream_internal.h"

/* --- turns ------------------------------------------------------------------------------------ */

static bool is_nested(const cst_ctx *ctx, const cst_driver *driver)
{
    return cst__is_running(ctx) ||
           (driver && driver->is_running && driver->is_running(driver->arg));
}

/*
 * Run one turn. CST_E_UNHANDLED is for the program's own turns: *unheard remembers it.
 */
static cst_status run_turn(cst_ctx *ctx, const cst_driver *driver, bool *unheard)
{
    cst_status st = driver ? driver->turn(driver->arg) : cst_ctx_run(ctx, NULL);

    if (st != CST_E_UNHANDLED)
        return st;
    *unheard = true;
    return CST_MORE;
}

/* --- pipelines -------------------------------------------------------------------------------- */

/* The outcome of a pipeline, for a call that may have returned before it comes. */
struct run {
    const cst_allocator *allocator;
    cst_error error;
    bool is_over;
    bool is_left; /* the call has returned: done frees the record */
};

static void free_run(struct run *run)
{
    run->allocator->free(run->allocator->user, run, sizeof(*run));
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct run *run = arg;

    run->is_over = true;
    if (error)
        run->error = *error;
    if (run->is_left)
        free_run(run);
}

/* Return the first stage that owes an answer; if none does, the source. */
static const char *stage_that_owes(cst_stream *const *streams, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (cst__owes_answer(streams[i]))
            return cst_stream_name(streams[i]);
    return cst_stream_name(streams[0]);
}

/* Turn until the outcome has come. */
static cst_status wait_for(struct run *run, cst_stream *const *streams, size_t count,
                           const cst_driver *driver)
{
    cst_ctx *ctx = streams[0]->ctx;
    cst_status st = CST_MORE;
    bool unheard = false;

    while (!run->is_over && st >= 0 && st != CST_IDLE)
        st = run_turn(ctx, driver, &unheard);
    if (unheard)
        ctx->unhandled = true;
    if (run->is_over)
        return run->error.status;
    run->error = (cst_error){ .stage = "", .status = st == CST_IDLE ? CST_E_STALL : st };
    if (st == CST_IDLE)
        run->error.stage = stage_that_owes(streams, count);
    return run->error.status;
}

/* Return what refuses the pipeline before anything has happened, or CST_OK. */
static cst_status check(cst_stream *const *streams, size_t count, const cst_driver *driver)
{
    if (!streams || count < 2)
        return CST_E_INVALID_ARG;
    for (size_t i = 0; i < count; i++)
        if (!streams[i] || streams[i]->ctx != streams[0]->ctx ||
            (i > 0 && !streams[i]->has_writable) || (i + 1 < count && !streams[i]->has_readable))
            return CST_E_INVALID_ARG;
    if (is_nested(streams[0]->ctx, driver))
        return CST_E_NESTED;
    for (size_t i = 1; i < count; i++)
        if (cst_is_destroyed(streams[i]))
            return CST_E_UNABLE_TO_PIPE;
    return CST_OK;
}

/*
 * A listener to 'pipe' may have destroyed a stream. Return whether cst_pipeline calls done all the
 * same (join.h).
 */
static bool tells_though_unable(cst_stream *const *streams, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (cst_is_destroyed(streams[i]))
            return i >= 3;
    return false;
}

static cst_status run_pipeline(cst_error *error, cst_stream *const *streams, size_t count,
                               const cst_pipeline_opts *opts, const cst_driver *driver)
{
    const cst_allocator *allocator = cst_ctx_allocator(streams[0]->ctx);
    struct run *run = allocator->alloc(allocator->user, sizeof(*run));
    cst_status st;

    if (!run)
        return CST_E_NOMEM;
    *run = (struct run){ .allocator = allocator };
    st = cst_pipeline(streams, count, opts, on_outcome, run);
    if (st == CST_OK) {
        st = wait_for(run, streams, count, driver);
        *error = run->error;
        run->is_left = !run->is_over;
    } else if (st == CST_E_UNABLE_TO_PIPE) {
        run->is_left = tells_though_unable(streams, count);
    }
    if (!run->is_left)
        free_run(run);
    return st;
}

cst_status cst_pipeline_run(cst_error *error, cst_stream *const *streams, size_t count,
                            const cst_pipeline_opts *opts, const cst_driver *driver)
{
    cst_error outcome = { .stage = "", .status = CST_OK };
    cst_status st = check(streams, count, driver);

    if (st == CST_OK)
        st = run_pipeline(&outcome, streams, count, opts, driver);
    outcome.status = st;
    if (st < 0 && error)
        *error = outcome;
    return st;
}

/* --- copy ------------------------------------------------------------------------------------- */

static void count_bytes(cst_stream *s, const cst_event *event, void *arg)
{
    uint64_t *bytes = arg;

    (void)s;
    *bytes += event->chunk->len;
}

cst_status cst_copy(uint64_t *bytes, cst_stream *from, cst_stream *to, const cst_driver *driver)
{
    cst_stream *const streams[] = { from, to };
    uint64_t counted = 0;
    cst_status st = check(streams, 2, driver);

    if (st == CST_OK && bytes)
        st = cst_on(from, CST_DATA, count_bytes, &counted);
    if (st == CST_OK) {
        st = cst_pipeline_run(NULL, streams, 2, NULL, driver);
        if (bytes)
            cst_off(from, CST_DATA, count_bytes, &counted);
        if (bytes && st == CST_E_NOMEM)
            cst_pause(from); /* the listener has made it flow, and nobody may be there to take it */
    }
    if (bytes)
        *bytes = counted;
    return st;
}

/* --- reading ---------------------------------------------------------------------------------- */

/*
 * The turn that has nothing to do may be the first, so the stream is asked once more after it.
 */
cst_status cst_next_wait(cst_slice *out, cst_stream *s, const cst_driver *driver)
{
    cst_status st = CST_MORE, next;
    bool unheard = false;

    if (!out || !s || !s->has_readable)
        return CST_E_INVALID_ARG;
    if (is_nested(s->ctx, driver))
        return CST_E_NESTED;
    for (;;) {
        next = cst_next(out, s);
        if (next != CST_EMPTY || st < 0 || (st == CST_IDLE && !cst_ctx_has_work(s->ctx)))
            break;
        st = run_turn(s->ctx, driver, &unheard);
    }
    if (unheard)
        s->ctx->unhandled = true;
    if (next != CST_EMPTY)
        return next;
    return st < 0 ? st : CST_E_STALL;
}

/* Append all chunks of s. CST_OK: EOF has come. */
static cst_status gather(cst_chain *chain, cst_stream *s, size_t max_bytes,
                         const cst_driver *driver)
{
    cst_slice chunk;
    cst_status st;

    while ((st = cst_next_wait(&chunk, s, driver)) == CST_OK) {
        if (chunk.len > max_bytes - cst_chain_bytes(chain)) {
            cst_slice_unref(&chunk);
            return CST_E_OUT_OF_RANGE;
        }
        st = cst_chain_append(chain, chunk);
        if (st < 0)
            return st;
    }
    return st == CST_EOF ? CST_OK : st;
}

cst_status cst_read_all(cst_slice *out, cst_stream *s, size_t max_bytes, const cst_driver *driver)
{
    cst_chain chain;
    cst_status st;

    if (!out || !s || !max_bytes)
        return CST_E_INVALID_ARG;
    cst_chain_init(&chain, cst_ctx_allocator(s->ctx));
    st = gather(&chain, s, max_bytes, driver);
    if (st == CST_OK && cst_chain_bytes(&chain) == 0)
        *out = cst_slice_empty();
    else if (st == CST_OK)
        st = cst_chain_read(out, &chain, cst_chain_bytes(&chain));
    cst_chain_fini(&chain);
    return st;
}
