/*
 * stream.c - making, freeing and looking at streams.
 */
#include "stream/stream_internal.h"

#include <string.h>

/* --- life --------------------------------------------------------------------------------------------------------- */

static cst_stream *stream_of(const struct cst__resident *resident)
{
    return cst__container_of((uintptr_t)resident, cst_stream, resident);
}

static size_t sides_size(uint64_t flags)
{
    return ((flags & HAS_WRITABLE) ? sizeof(struct writable) : 0) + sizeof(cst_stream) +
           ((flags & HAS_READABLE) ? sizeof(struct readable) : 0);
}

static void end_stream(struct cst__resident *resident)
{
    cst__destroy(stream_of(resident), NULL);
}

static void settle_stream(struct cst__resident *resident)
{
    cst_stream *s = stream_of(resident);

    if (s->flags & HAS_WRITABLE)
        cst__writable_settle(s);
}

/* The callbacks of its last moment may have named it again. */
static bool stream_is_wanted(const struct cst__resident *resident)
{
    cst_stream *s = stream_of(resident);

    if (!s->refs)
        return false;
    s->flags &= ~DYING;
    return true;
}

static void drop_stream(struct cst__resident *resident)
{
    cst_stream *s = stream_of(resident);
    size_t size = sides_size(s->flags) + s->ops->self_size;
    char *base = (char *)s - ((s->flags & HAS_WRITABLE) ? sizeof(struct writable) : 0);

    if (s->flags & HAS_READABLE)
        cst__readable_fini(s);
    if (s->flags & HAS_WRITABLE)
        cst__writable_fini(s);
    cst__listeners_free(s);
    cst__free(s->ctx, base, size);
}

static const struct cst__resident_ops resident_ops = {
    .end = end_stream, .settle = settle_stream, .wanted = stream_is_wanted, .drop = drop_stream
};

void cst__stream_check_life(cst_stream *s)
{
    if (s->refs || s->owed || (s->flags & (CLOSE_EMITTED | DYING)) != CLOSE_EMITTED)
        return;
    s->flags |= DYING;
    cst__resident_die(s->ctx, &s->resident);
}

#ifdef CST_CHECK
void cst__stream_check(const cst_stream *s)
{
    if (s->flags & HAS_READABLE)
        cst__readable_check(s);
    if (s->flags & HAS_WRITABLE)
        cst__writable_check(s);
}
#endif

void cst__release(cst_stream *s)
{
    assert(s->refs > 0);
    cst__stream_check(s);
    if (--s->refs == 0)
        cst__stream_check_life(s);
}

cst_stream *cst_ref(cst_stream *s)
{
    if (s)
        s->refs++;
    return s;
}

void cst_unref(cst_stream *s)
{
    if (s)
        cst__release(s);
}

/* --- making ------------------------------------------------------------------------------------------------------- */

static uint64_t option_flags(const cst_opts *opts)
{
    uint64_t flags = 0;

    if (!opts->no_auto_destroy)
        flags |= AUTO_DESTROY;
    if (!opts->no_emit_close)
        flags |= EMIT_CLOSE;
    if (!opts->no_half_open)
        flags |= HALF_OPEN;
    return flags;
}

cst_status cst__stream_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                           const cst_opts *opts, uint64_t flags)
{
    static const cst_opts defaults = { .high_water_mark = 0 };
    bool both = (flags & (HAS_READABLE | HAS_WRITABLE)) == (HAS_READABLE | HAS_WRITABLE);
    cst_stream *s;
    char *base;

    if (!out || !ctx || !ops)
        return CST_E_INVALID_ARG;
    if (ctx->closing)
        return CST_E_DESTROYED;
    if (ops->self_size > SIZE_MAX / 2)
        return CST_E_NOMEM;
    base = cst__alloc(ctx, sides_size(flags) + ops->self_size);
    if (!base)
        return CST_E_NOMEM;
    memset(base, 0, sides_size(flags) + ops->self_size);
    s = (cst_stream *)(void *)(base + ((flags & HAS_WRITABLE) ? sizeof(struct writable) : 0));
    if (!opts)
        opts = &defaults;
    s->flags = flags | option_flags(opts) | CONSTRUCTED;
    s->ctx = ctx;
    s->ops = ops;
    s->refs = 1;
    if (flags & HAS_READABLE)
        cst__readable_init(s, opts, both);
    if (flags & HAS_WRITABLE)
        cst__writable_init(s, opts, both);
    if (ops->self_size && self)
        memcpy(cst__self(s), self, ops->self_size);
    cst__resident_add(ctx, &s->resident, &resident_ops);
    if (ops->construct)
        cst__construct_start(s);
    *out = s;
    return CST_OK;
}

cst_status cst_readable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                            const cst_opts *opts)
{
    return cst__stream_new(out, ctx, ops, self, opts, HAS_READABLE);
}

cst_status cst_writable_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                            const cst_opts *opts)
{
    if (!ops || (!ops->write && !ops->writev))
        return CST_E_INVALID_ARG;
    return cst__stream_new(out, ctx, ops, self, opts, HAS_WRITABLE);
}

cst_status cst_duplex_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                          const cst_opts *opts)
{
    if (!ops || (!ops->write && !ops->writev && !(opts && opts->no_writable)))
        return CST_E_INVALID_ARG;
    return cst__stream_new(out, ctx, ops, self, opts, HAS_READABLE | HAS_WRITABLE);
}

cst_status cst_transform_new(cst_stream **out, cst_ctx *ctx, const cst_ops *ops, const void *self,
                             const cst_opts *opts)
{
    if (!ops || !ops->transform)
        return CST_E_INVALID_ARG;
    return cst__stream_new(out, ctx, ops, self, opts, HAS_READABLE | HAS_WRITABLE | IS_TRANSFORM);
}

cst_status cst_passthrough_new_with(cst_stream **out, cst_ctx *ctx, const cst_ops *ops,
                                    const void *self, const cst_opts *opts)
{
    if (!ops || ops->transform)
        return CST_E_INVALID_ARG;
    return cst__stream_new(out, ctx, ops, self, opts,
                           HAS_READABLE | HAS_WRITABLE | IS_TRANSFORM | IS_PASSTHROUGH);
}

cst_status cst_passthrough_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts)
{
    static const cst_ops passthrough_ops = { .name = "passthrough" };

    return cst_passthrough_new_with(out, ctx, &passthrough_ops, NULL, opts);
}

/* --- tasks that may be queued several times ----------------------------------------------------------------------- */

static void run_extra(cst_task_link *link)
{
    struct cst__extra_task *task = cst__container_of(link, struct cst__extra_task, link);
    cst_stream *s = task->stream;
    void (*run)(cst_stream *, cst_status) = task->run;
    cst_status status = task->status;

    cst__free(s->ctx, task, sizeof(*task));
    run(s, status);
    cst__release(s);
}

struct cst__extra_task *cst__extra_new(cst_stream *s)
{
    struct cst__extra_task *task = cst__alloc(s->ctx, sizeof(*task));

    if (task) {
        task->link.run = NULL;
        task->stream = s;
    }
    return task;
}

void cst__extra_post(struct cst__extra_task *task, void (*run)(cst_stream *s, cst_status status),
                     cst_status status)
{
    task->run = run;
    task->status = status;
    cst__post_for(task->stream, &task->link, run_extra);
}

cst_status cst__post_extra(cst_stream *s, void (*run)(cst_stream *s, cst_status status),
                           cst_status status)
{
    struct cst__extra_task *task = cst__extra_new(s);

    if (!task)
        return CST_E_NOMEM;
    cst__extra_post(task, run, status);
    return CST_OK;
}

/* --- looking ------------------------------------------------------------------------------------------------------ */

cst_ctx *cst_stream_ctx(const cst_stream *s)
{
    return s ? s->ctx : NULL;
}

const cst_ops *cst_stream_ops(const cst_stream *s)
{
    return s ? s->ops : NULL;
}

void *cst_stream_self(const cst_stream *s)
{
    return s ? cst__self(s) : NULL;
}

const char *cst_stream_name(const cst_stream *s)
{
    return s && s->ops->name ? s->ops->name : "";
}

bool cst_has_readable(const cst_stream *s)
{
    return s && (s->flags & HAS_READABLE);
}

bool cst_has_writable(const cst_stream *s)
{
    return s && (s->flags & HAS_WRITABLE);
}

bool cst_is_destroyed(const cst_stream *s)
{
    return s && (s->flags & DESTROYED);
}

bool cst_is_closed(const cst_stream *s)
{
    return s && (s->flags & CLOSED);
}

const cst_error *cst_errored(const cst_stream *s)
{
    return s && (s->flags & ERRORED) ? &s->error : NULL;
}
