/*
 * pair.c - duplex.h: two duplexes, back to back. It is written with the public slots, except for
 * one call.
 *
 * What one side writes is pushed on the other side, which completes the write when its read slot is
 * called: so one chunk is in transit at a time. A side that is destroyed answers nothing any more,
 * as in Node. The calls of the other side that wait for it are forgotten (cst__call_forget), or the
 * other side would live as long as the context. The other side's EOF still reaches it.
 */
#include "stream/stream_internal.h"

struct side {
    cst_stream *own;
    cst_stream *other; /* a reference, held until this side is destroyed and the other knows */
    cst_call kept;     /* the other side's write, completed by the next read of this side */
    cst_call empty;    /* this side's write of nothing, completed by a task */
    cst_call final;    /* this side's final, completed by the other side's 'end' */
    cst_task empty_task;
    cst_task destroy_task;
    bool is_kept;
    bool is_ending; /* final is to be completed */
    bool failed;    /* destroyed with an error */
};

static cst_status pair_read(cst_stream *s, void *self, size_t size)
{
    struct side *side = self;

    (void)s;
    (void)size;
    if (side->is_kept) {
        side->is_kept = false;
        cst_complete(side->kept, CST_OK);
    }
    return CST_OK;
}

static void complete_empty(void *arg)
{
    struct side *side = arg;
    cst_stream *own = side->own;

    cst_complete(side->empty, CST_OK);
    cst_unref(own);
}

static bool has_let_go(const struct side *side)
{
    return side->other == NULL;
}

static cst_status pair_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct side *side = self, *other = cst_stream_self(side->other);
    cst_call call = cst_this_call(s);

    if (chunk->len == 0) {
        side->empty = call;
        cst_ref(s);
        cst_defer(cst_stream_ctx(s), &side->empty_task, complete_empty, side);
        return CST_PENDING;
    }
    if (has_let_go(other)) {
        cst__call_forget(call);
        return CST_PENDING;
    }
    cst_push(side->other, cst_slice_ref(chunk));
    other->kept = call;
    other->is_kept = true;
    return CST_PENDING;
}

static void complete_final(cst_stream *s, const cst_event *event, void *arg)
{
    struct side *side = arg;

    (void)s;
    (void)event;
    side->is_ending = false;
    cst_complete(side->final, CST_OK);
}

static cst_status pair_final(cst_stream *s, void *self)
{
    struct side *side = self;

    side->final = cst_this_call(s);
    if (has_let_go(cst_stream_self(side->other))) {
        cst__call_forget(side->final); /* there will be no 'end' */
    } else {
        cst_status st = cst_on(side->other, CST_END, complete_final, side);

        if (st < 0)
            return st;
        side->is_ending = true;
    }
    cst_push_eof(side->other);
    return CST_PENDING;
}

static void forget_calls_of_other(struct side *side)
{
    struct side *other = cst_stream_self(side->other);

    if (side->is_kept)
        cst__call_forget(side->kept);
    if (other->is_ending) {
        cst_off(side->own, CST_END, complete_final, other);
        cst__call_forget(other->final);
    }
}

static void let_go_of_other(struct side *side)
{
    cst_stream *other = side->other;

    forget_calls_of_other(side);
    side->other = NULL;
    cst_unref(other);
}

static void tell_other(void *arg)
{
    struct side *side = arg;
    cst_stream *own = side->own;

    if (!cst_is_destroyed(side->other)) {
        if (side->failed)
            cst_destroy(side->other, CST_OK);
        else
            cst_push_eof(side->other);
    }
    let_go_of_other(side);
    cst_unref(own);
}

static cst_status pair_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct side *side = self;

    if (cst_is_destroyed(side->other)) {
        let_go_of_other(side);
    } else {
        side->failed = error != NULL;
        cst_ref(s);
        cst_defer(cst_stream_ctx(s), &side->destroy_task, tell_other, side);
    }
    return CST_OK;
}

static const cst_ops pair_ops = {
    .name = "pair",
    .self_size = sizeof(struct side),
    .read = pair_read,
    .write = pair_write,
    .final = pair_final,
    .destroy = pair_destroy,
};

static void face(cst_stream *s, cst_stream *other)
{
    struct side *side = cst_stream_self(s);

    side->own = s;
    side->other = cst_ref(other);
}

cst_status cst_duplex_pair_new(cst_stream **a, cst_stream **b, cst_ctx *ctx, const cst_opts *opts)
{
    cst_stream *first, *second;
    cst_status st;

    if (!a || !b)
        return CST_E_INVALID_ARG;
    st = cst_duplex_new(&first, ctx, &pair_ops, NULL, opts);
    if (st < 0)
        return st;
    st = cst_duplex_new(&second, ctx, &pair_ops, NULL, opts);
    if (st < 0) {
        struct side *side = cst_stream_self(first);

        side->own = first;
        side->other = cst_ref(first); /* its own other side: destroy finds that one destroyed */
        cst_destroy(first, CST_OK);
        cst_unref(first);
        return st;
    }
    face(first, second);
    face(second, first);
    *a = first;
    *b = second;
    return CST_OK;
}
