/*
 * compose.c - join.h: several streams behind one.
 *
 * A record stands between the duplex and two of the streams that it hides, the first (head) and the
 * last (tail). It listens to all three and is freed when all three have been; a pointer of it is
 * NULL from when its stream is freed.
 *
 *      write, final  ----> head ... pipeline ... tail ----> push
 *                          |                      |  ^
 *      on_head: drain, close                      |  read: resume, if a push has paused it
 *      on_tail: data, end, error <----------------+
 *      as_tail: finished, which answers final
 *
 * Compositions may contain one another. What goes from one to the next would go through all of them
 * on the stack: a write, an end and a destroy inwards, a 'drain' outwards. So each of these counts
 * as nested, and beyond the context's limit it is put off to a task.
 *
 * The pipeline's done holds a reference to the duplex. Node answers a destroy of the duplex when
 * the pipeline is done, so the reference keeps nothing longer than is due. A pipeline that never
 * calls done in Node calls it here when its streams are freed.
 */
#include "cstream/join.h"

#include "pipeline/finished_internal.h"
#include "pipeline/pipeline_internal.h"

struct compose {
    struct cst__deferred_free deferred_free;
    cst_ctx *ctx;
    cst_stream *duplex, *head, *tail;
    struct cst__fn_listener on_duplex, on_head, on_tail;
    struct cst__finished as_tail;
    cst_call write, final, destroy; /* calls of the duplex that wait for an answer */
    bool write_waits, final_waits, destroy_waits;
    cst_task_link put_off_task;
    cst_slice chunk;         /* of the write that is put off: its bytes stay until it is answered */
    cst_error error;         /* of the destroy that is put off; status 0: none */
    unsigned put_off;        /* of enum put_off */
    bool writable, readable; /* the sides in use */
    bool done;               /* the pipeline is */
    bool has_enough;         /* head was destroyed early: no more input is needed */
    bool write_is_lost;      /* it waited when the duplex was destroyed: no 'drain' answers it */
};

/* What the duplex carries: NULL until all is connected. */
struct handle {
    struct compose *compose;
};

static void check_compose(const struct compose *compose)
{
#ifdef CST_CHECK
    assert(compose->duplex || compose->head || compose->tail);
    assert(!compose->put_off || compose->duplex);
    assert(!compose->write_is_lost || !compose->duplex || cst_is_destroyed(compose->duplex));
    assert(!compose->has_enough || compose->writable);
    assert(!compose->destroy_waits || !compose->done);
#else
    (void)compose;
#endif
}

/* --- compositions inside one another ---------------------------------------------------------- */

enum put_off { PUT_OFF_WRITE = 1, PUT_OFF_END = 2, PUT_OFF_DRAIN = 4, PUT_OFF_DESTROY = 8 };

/* A call that goes one composition further in, or out, stands between these two. */
static void enter_nested(cst_ctx *ctx)
{
    CST__ASSERT(!ctx->room.express);
    ctx->frames += CST__NESTED;
}

static void leave_nested(cst_ctx *ctx)
{
    ctx->frames -= CST__NESTED;
}

static void run_put_off(cst_task_link *link);

/*
 * Return whether this goes too deep and is put off to a task. The duplex is kept for the task.
 */
static bool puts_off(struct compose *compose, enum put_off what)
{
    if (cst__may_nest(compose->ctx))
        return false;
    if (!compose->put_off_task.run)
        cst__post_link(compose->duplex, &compose->put_off_task, run_put_off);
    compose->put_off |= what;
    return true;
}

/* --- answering what waits --------------------------------------------------------------------- */

static void answer_write(struct compose *compose, cst_status status)
{
    if (!compose->write_waits)
        return;
    compose->write_waits = false;
    cst_complete(compose->write, status);
}

static void answer_final(struct compose *compose, cst_status status)
{
    if (!compose->final_waits)
        return;
    compose->final_waits = false;
    cst_complete(compose->final, status);
}

/*
 * Tell the write and the end that are open that the duplex is destroyed, which is no error of the
 * duplex itself.
 */
static void answer_open(struct compose *compose)
{
    bool has_failed = cst_errored(compose->duplex) != NULL;

    answer_write(compose, CST_E_DESTROYED);
    answer_final(compose, CST_E_DESTROYED);
    if (!has_failed)
        cst__forget_error(compose->duplex);
}

/*
 * Answer the destroy of the duplex with the pipeline's outcome: the error with the stage it names.
 */
static void answer_destroy(struct compose *compose, const cst_error *error)
{
    compose->destroy_waits = false;
    answer_open(compose);
    if (error)
        cst__destroy_for(compose->duplex, error);
    cst_complete(compose->destroy, error ? CST_OK : CST_SWALLOW);
}

/* --- an early exit inside --------------------------------------------------------------------- */

/* Return whether the first stream was destroyed although nothing has failed. */
static bool head_has_enough(const struct compose *compose)
{
    const cst_error *error = cst_errored(compose->head);

    return error && error->status == CST_E_ABORT && !cst_is_destroyed(compose->duplex) &&
           !cst_errored(compose->tail);
}

static void notice_enough(struct compose *compose)
{
    if (compose->has_enough || !compose->writable || !head_has_enough(compose))
        return;
    compose->has_enough = true;
    (void)cst__let_feeders_go(compose->duplex);
}

/* Return whether the pipeline is done and nothing more can be read from the duplex. */
static bool compose_is_over(const struct compose *compose)
{
    return compose->done && (!compose->readable || cst_readable_ended(compose->duplex));
}

static void close_if_enough(struct compose *compose)
{
    if (!compose->has_enough || !compose_is_over(compose))
        return;
    if (cst_writable_ended(compose->duplex))
        answer_write(compose, CST_OK);
    else
        cst__destroy(compose->duplex, NULL);
}

/* --- the slots of the duplex ------------------------------------------------------------------ */

static struct compose *compose_of(void *self)
{
    const struct handle *handle = self;

    return handle->compose;
}

static cst_status hold_write(cst_stream *s, struct compose *compose)
{
    compose->write = cst_this_call(s);
    compose->write_waits = true;
    return CST_PENDING;
}

/* Write a chunk to the first stream. Return CST_PENDING if the write is answered later. */
static cst_status write_to_head(struct compose *compose, const cst_slice *chunk)
{
    cst_status st;

    notice_enough(compose);
    if (compose->has_enough)
        return compose_is_over(compose) ? CST_OK : CST_PENDING;
    if (!compose->head)
        return CST_PENDING; /* as for a stream that was destroyed */
    enter_nested(compose->ctx);
    st = cst_write(compose->head, cst_slice_ref(chunk), NULL, NULL);
    leave_nested(compose->ctx);
    notice_enough(compose);
    if (st == CST_E_NOMEM || st == CST_E_OUT_OF_RANGE)
        return st;
    /* It is full, or it has refused. Then the pipeline fails, and the duplex ends with it. */
    return st == CST_OK || compose->has_enough ? CST_OK : CST_PENDING;
}

static cst_status compose_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct compose *compose = compose_of(self);
    cst_status st = CST_PENDING;

    cst__enter(s->ctx); /* the chunk may have come through stages, and goes through more */
    if (puts_off(compose, PUT_OFF_WRITE))
        compose->chunk = *chunk;
    else
        st = write_to_head(compose, chunk);
    check_compose(compose);
    cst__leave(s->ctx);
    return st == CST_PENDING ? hold_write(s, compose) : st;
}

static void end_head(struct compose *compose)
{
    if (!compose->head)
        return;
    enter_nested(compose->ctx);
    cst_end(compose->head, NULL, NULL);
    leave_nested(compose->ctx);
}

static cst_status compose_final(cst_stream *s, void *self)
{
    struct compose *compose = compose_of(self);

    notice_enough(compose);
    if (compose->has_enough)
        return CST_OK;
    compose->final = cst_this_call(s);
    compose->final_waits = true;
    if (!puts_off(compose, PUT_OFF_END))
        end_head(compose);
    return CST_PENDING;
}

static cst_status compose_read(cst_stream *s, void *self, size_t hint)
{
    struct compose *compose = compose_of(self);

    (void)s;
    (void)hint;
    if (compose->tail && cst_is_paused(compose->tail))
        cst_resume(compose->tail);
    return CST_OK;
}

static bool tail_is_finished(const struct compose *compose)
{
    const cst_stream *tail = compose->tail;

    return (!cst__readable_is_there(tail) || cst_readable_ended(tail)) &&
           (!cst__writable_is_there(tail) || cst_writable_finished(tail));
}

static void destroy_tail(struct compose *compose, const cst_error *error)
{
    const cst_error abort = cst__error_here(compose->duplex, CST_E_ABORT, CST_NO_DIRECTION);

    if (!compose->tail || cst_is_destroyed(compose->tail))
        return;
    if (!error && compose->done && compose->tail->w_stays_open)
        return; /* it stays open for the next */
    if (!error && (!compose->done || !tail_is_finished(compose)))
        error = &abort;
    enter_nested(compose->ctx);
    cst__destroy(compose->tail, error);
    leave_nested(compose->ctx);
}

static cst_status compose_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct compose *compose = compose_of(self);

    if (!compose)
        return CST_OK; /* it was never connected */
    compose->destroy_waits = !compose->done;
    compose->destroy = cst_this_call(s);
    compose->write_is_lost = compose->write_waits;
    if (!puts_off(compose, PUT_OFF_DESTROY))
        destroy_tail(compose, error);
    else if (error)
        compose->error = *error;
    if (!compose->done)
        return CST_PENDING;
    answer_open(compose);
    return CST_OK;
}

static const cst_ops compose_ops = {
    .name = "compose",
    .self_size = sizeof(struct handle),
    .read = compose_read,
    .write = compose_write,
    .final = compose_final,
    .destroy = compose_destroy,
};

/* --- going on --------------------------------------------------------------------------------- */

/* Answer the write that waits: the first stream has room again. */
static void pass_drain(struct compose *compose)
{
    if (compose->has_enough || compose->write_is_lost || !compose->write_waits ||
        puts_off(compose, PUT_OFF_DRAIN))
        return;
    enter_nested(compose->ctx);
    answer_write(compose, CST_OK);
    leave_nested(compose->ctx);
}

/* If the duplex was destroyed meanwhile, the write is answered with that in the end. */
static void write_put_off(struct compose *compose)
{
    cst_status st = CST_PENDING;

    if (!compose->write_is_lost)
        st = write_to_head(compose, &compose->chunk);
    compose->put_off &= ~(unsigned)PUT_OFF_WRITE;
    if (st != CST_PENDING)
        answer_write(compose, st);
}

/*
 * The write comes first. It stays marked until it is made, so that no earlier 'drain' answers it.
 */
static void run_put_off(cst_task_link *link)
{
    struct compose *compose = cst__container_of(link, struct compose, put_off_task);
    cst_stream *duplex = compose->duplex;
    unsigned what = compose->put_off;

    compose->put_off &= PUT_OFF_WRITE;
    if (what & PUT_OFF_WRITE)
        write_put_off(compose);
    if ((what & PUT_OFF_END) && compose->final_waits)
        end_head(compose);
    if (what & PUT_OFF_DRAIN)
        pass_drain(compose);
    if (what & PUT_OFF_DESTROY)
        destroy_tail(compose, compose->error.status < 0 ? &compose->error : NULL);
    check_compose(compose);
    cst__release(duplex);
}

/* --- what the record hears -------------------------------------------------------------------- */

static void stream_gone(struct compose *compose, cst_stream **which)
{
    *which = NULL;
    if (!compose->duplex && !compose->head && !compose->tail)
        cst__free_later(compose->ctx, &compose->deferred_free, sizeof(*compose));
}

static void on_duplex(cst_stream *s, const cst_event *event, void *arg)
{
    struct compose *compose = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        stream_gone(compose, &compose->duplex);
    else
        close_if_enough(compose);
}

static void on_head(cst_stream *s, const cst_event *event, void *arg)
{
    struct compose *compose = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED)
        stream_gone(compose, &compose->head);
    else if (!compose->duplex)
        return;
    else if (event->type == CST_CLOSE)
        notice_enough(compose);
    else if (!(compose->put_off & PUT_OFF_WRITE))
        pass_drain(compose);
}

static void pass_chunk(struct compose *compose, const cst_slice *chunk)
{
    if (cst_push(compose->duplex, cst_slice_ref(chunk)) != CST_OK && compose->tail)
        cst_pause(compose->tail);
}

/* The pipeline listened earlier, so it hears first what both hear. */
static void on_tail(cst_stream *s, const cst_event *event, void *arg)
{
    struct compose *compose = arg;

    (void)s;
    if (event->type == CST__EVENT_FREED) {
        stream_gone(compose, &compose->tail);
        return;
    }
    if (!compose->duplex)
        return;
    if (event->type == CST_DATA)
        pass_chunk(compose, event->chunk);
    else if (event->type == CST_END)
        cst_push_eof(compose->duplex);
    else if (compose->done)
        cst__destroy(compose->duplex, event->error);
    check_compose(compose);
}

static void tail_finished(struct cst__finished *finished, const cst_error *error)
{
    struct compose *compose = cst__container_of(finished, struct compose, as_tail);

    (void)error;
    if (compose->duplex && !cst_is_destroyed(compose->duplex))
        answer_final(compose, CST_OK);
}

static void tail_finished_gone(struct cst__finished *finished)
{
    (void)finished; /* on_tail hears that the stream is freed */
}

static void finish_with(struct compose *compose, const cst_error *error)
{
    notice_enough(compose);
    compose->done = true;
    if (!error && compose->tail && compose->tail->w_stays_open)
        answer_final(compose, CST_OK); /* the tail stays open: no 'finish' answers it */
    if (compose->destroy_waits)
        answer_destroy(compose, error);
    else if (error)
        cst__destroy(compose->duplex, error);
    else if (!compose->readable && !compose->writable)
        cst__destroy(compose->duplex, NULL);
    else
        close_if_enough(compose);
    check_compose(compose);
}

/* A pipeline that was refused may call this too: the duplex has no record then. */
static void pipeline_done(const cst_error *error, void *arg)
{
    cst_stream *duplex = arg;
    struct compose *compose = compose_of(cst_stream_self(duplex));

    if (compose)
        finish_with(compose, error);
    cst_unref(duplex);
}

/* --- setting it up ---------------------------------------------------------------------------- */

static void compose_listen(struct compose *compose, cst_stream *s, struct cst__fn_listener *l,
                           cst_listener_fn *fn, unsigned events)
{
    l->fn = fn;
    l->arg = compose;
    cst__listen_fn(s, l, events | EVENT_BIT(CST__EVENT_FREED), 0);
}

/* Listen to the three streams, after the pipeline has connected. Cannot fail. */
static void connect(struct compose *compose)
{
    cst_stream *tail = compose->tail;
    struct cst__finished_sides sides = { .readable = cst__readable_is_there(tail),
                                         .writable = cst__writable_is_there(tail),
                                         .error = true };
    unsigned flow = EVENT_BIT(CST_DATA) | EVENT_BIT(CST_END);

    compose_listen(compose, compose->duplex, &compose->on_duplex, on_duplex, EVENT_BIT(CST_END));
    compose_listen(compose, compose->head, &compose->on_head, on_head,
                   EVENT_BIT(CST_CLOSE) | EVENT_BIT(CST_DRAIN));
    if (compose->writable)
        cst__finished_start(&compose->as_tail, tail, sides, tail_finished, tail_finished_gone);
    compose_listen(compose, tail, &compose->on_tail, on_tail,
                   EVENT_BIT(CST_ERROR) | (compose->readable ? flow : 0u));
    if (compose->readable)
        cst__data_listener_added(tail);
}

static bool can_compose(cst_stream *const *streams, size_t count)
{
    if (!streams || count == 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!streams[i] || streams[i]->ctx != streams[0]->ctx)
            return false;
        if ((i + 1 < count && !cst_is_readable(streams[i])) ||
            (i > 0 && !cst_is_writable(streams[i])))
            return false;
    }
    return true;
}

static cst_status duplex_new(struct compose *compose, const cst_opts *opts)
{
    cst_opts settled = { .high_water_mark = 0 };

    if (opts)
        settled = *opts;
    settled.object_mode = false;
    settled.writable_object_mode = cst_writable_object_mode(compose->head);
    settled.readable_object_mode = cst_readable_object_mode(compose->tail);
    settled.no_writable = !compose->writable;
    settled.no_readable = !compose->readable;
    return cst_duplex_new(&compose->duplex, compose->ctx, &compose_ops, NULL, &settled);
}

static struct compose *compose_new(cst_stream *head, cst_stream *tail)
{
    struct compose *compose = cst__alloc(head->ctx, sizeof(*compose));

    if (compose)
        *compose = (struct compose){ .ctx = head->ctx,
                                     .head = head,
                                     .tail = tail,
                                     .writable = cst_is_writable(head),
                                     .readable = cst_is_readable(tail) };
    return compose;
}

/* Make the duplex first, since that can be undone: nobody has seen it yet. */
static cst_status compose_streams(struct compose *compose, cst_stream *const *streams, size_t count,
                                  const cst_opts *opts)
{
    struct handle *handle;
    cst_status st = duplex_new(compose, opts);

    if (st < 0)
        return st;
    st = cst_pipeline(streams, count, NULL, pipeline_done, cst_ref(compose->duplex));
    if (st < 0) {
        if (st != CST_E_UNABLE_TO_PIPE)
            cst_unref(compose->duplex); /* done is not called */
        cst_destroy(compose->duplex, CST_OK);
        cst_unref(compose->duplex);
        return st;
    }
    handle = cst_stream_self(compose->duplex);
    handle->compose = compose;
    connect(compose);
    return CST_OK;
}

cst_status cst_compose_new(cst_stream **out, cst_stream *const *streams, size_t count,
                           const cst_opts *opts)
{
    struct compose *compose;
    cst_status st;

    if (!out || !can_compose(streams, count))
        return CST_E_INVALID_ARG;
    if (count == 1) {
        *out = cst_ref(streams[0]);
        return CST_OK;
    }
    compose = compose_new(streams[0], streams[count - 1]);
    if (!compose)
        return CST_E_NOMEM;
    cst__enter(compose->ctx);
    st = compose_streams(compose, streams, count, opts);
    if (st < 0)
        cst__free_later(compose->ctx, &compose->deferred_free, sizeof(*compose));
    else
        *out = compose->duplex;
    cst__leave(streams[0]->ctx);
    return st;
}
