/*
 * ctx.c - make and free a context, its settings, and its memory.
 */
#include "ctx/ctx_internal.h"

#include <string.h>

#define DEFAULT_NESTING_LIMIT 64
#define DEFAULT_CACHED_BLOCKS 16
#define DEFAULT_CACHED_BYTES (3 * (size_t)DEFAULT_MARK_BYTES)
#define DEFAULT_MARK_BYTES 65536
#define DEFAULT_MARK_OBJECTS 16

static cst_status new_cache(cst_ctx *ctx, unsigned cached_blocks)
{
    if (cached_blocks)
        return cst__block_cache_new(&ctx->cache, ctx->allocator, cached_blocks, 0);
    return cst__block_cache_new(&ctx->cache, ctx->allocator, DEFAULT_CACHED_BLOCKS,
                                DEFAULT_CACHED_BYTES);
}

static uint32_t nesting_limit(const cst_ctx_opts *opts)
{
    if (opts->nesting_limit == 0)
        return DEFAULT_NESTING_LIMIT;
    return opts->nesting_limit < CST__MOST_NESTED ? opts->nesting_limit : CST__MOST_NESTED;
}

/* Set what does not need memory. The rest of the context is zero. */
static void apply_options(cst_ctx *ctx, const cst_ctx_opts *opts)
{
    ctx->nesting_limit = nesting_limit(opts) * CST__NESTED;
    ctx->default_mark[false] = DEFAULT_MARK_BYTES;
    ctx->default_mark[true] = DEFAULT_MARK_OBJECTS;
    ctx->wake = opts->wake;
    ctx->wake_arg = opts->wake_arg;
    ctx->host = opts->host;
    ctx->host_kind = opts->host_kind;
    ctx->clock = opts->clock;
    ctx->clock_arg = opts->clock_arg;
    ctx->timer_order = 1;
    if (opts->now_ns)
        cst__tell_time(ctx, opts->now_ns);
    ctx->told_due_ns = CST_NEVER;
    ctx->bytes_left = SIZE_MAX;
    cst__posted_sleep(ctx);
}

/* Make the cache of blocks, the pool and the first block of the queue of tasks. */
static cst_status make_memory(cst_ctx *ctx, const cst_ctx_opts *opts)
{
    if (new_cache(ctx, opts->cached_blocks) < 0)
        return CST_E_NOMEM;
    ctx->copies = (struct cst__copies){ .cache = ctx->cache, .allocator = ctx->allocator };
    cst__pool_init(&ctx->pool, ctx->allocator);
    ctx->first_block = ctx->last_block = cst__alloc(ctx, sizeof(*ctx->first_block));
    if (!ctx->first_block) {
        cst__block_cache_close(ctx->cache);
        return CST_E_NOMEM;
    }
    ctx->next_task = ctx->next_room = ctx->first_block->tasks;
    ctx->room_end = ctx->next_room + CST__TASKS_A_BLOCK;
    return CST_OK;
}

cst_status cst_ctx_new(cst_ctx **out, const cst_allocator *allocator, const cst_ctx_opts *opts)
{
    static const cst_ctx_opts defaults = { .wake = NULL };
    cst_ctx *ctx;

    if (!out || !allocator)
        return CST_E_INVALID_ARG;
    if (!opts)
        opts = &defaults;
    ctx = allocator->alloc(allocator->user, sizeof(*ctx));
    if (!ctx)
        return CST_E_NOMEM;
    memset(ctx, 0, sizeof(*ctx));
    ctx->allocator = allocator;
    apply_options(ctx, opts);
    if (make_memory(ctx, opts) < 0) {
        allocator->free(allocator->user, ctx, sizeof(*ctx));
        return CST_E_NOMEM;
    }
    *out = ctx;
    return CST_OK;
}

/* --- freeing ---------------------------------------------------------------------------------- */

/* visit may free the child that it is called for, but no other. */
static void for_each_child(cst_ctx *ctx, void (*visit)(struct cst__child *child))
{
    struct cst__child *child, *next;

    for (child = ctx->children; child; child = next) {
        next = child->next;
        visit(child);
    }
}

cst_status cst_ctx_free(cst_ctx *ctx)
{
    const cst_allocator *allocator;

    if (!ctx)
        return CST_OK;
    if (cst__is_running(ctx))
        return CST_E_NESTED;
    /* From here on no child is added or reaped, so the walks are safe, and the work ends. */
    ctx->closing = true;
    ctx->awake = true;
    ctx->frames = 1;
    cst__timers_stop_all(ctx);
    if (ctx->child_ops) {
        for_each_child(ctx, ctx->child_ops->end);
        cst__run_all(ctx);
        for_each_child(ctx, ctx->child_ops->settle);
        cst__run_all(ctx);
        for_each_child(ctx, ctx->child_ops->drop);
    }
    cst__run_all(ctx);
    ctx->frames = 0;
    cst__reap(ctx);
    allocator = ctx->allocator;
    cst__copies_fini(&ctx->copies);
    cst__block_cache_close(ctx->cache);
    cst__free(ctx, ctx->first_block, sizeof(*ctx->first_block));
    cst__pool_fini(&ctx->pool);
    allocator->free(allocator->user, ctx, sizeof(*ctx));
    return CST_OK;
}

cst_status cst_ctx_set_default_high_water_mark(cst_ctx *ctx, bool object_mode, size_t value)
{
    if (!ctx)
        return CST_E_INVALID_ARG;
    ctx->default_mark[object_mode] = value;
    return CST_OK;
}

size_t cst_ctx_default_high_water_mark(const cst_ctx *ctx, bool object_mode)
{
    return ctx ? ctx->default_mark[object_mode] : 0;
}

void *cst_ctx_host(const cst_ctx *ctx, const char *kind)
{
    if (!ctx || !ctx->host_kind || !kind || strcmp(ctx->host_kind, kind) != 0)
        return NULL;
    return ctx->host;
}

/* --- memory ----------------------------------------------------------------------------------- */

const cst_allocator *cst_ctx_allocator(const cst_ctx *ctx)
{
    return ctx ? ctx->allocator : NULL;
}

cst_status cst_buf_new_cached(cst_buf *out, cst_ctx *ctx, size_t cap)
{
    if (!out || !ctx)
        return CST_E_INVALID_ARG;
    return cst__block_cache_buf(ctx->cache, out, cap);
}
