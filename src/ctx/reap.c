/*
 * reap.c - the reap list and the deferred frees: what is freed as soon as no user code can look at
 * it any more. ctx_internal.h has the rule.
 */
#include "ctx/ctx_internal.h"

void cst__reap_later(cst_ctx *ctx, struct cst__child *child)
{
    CST__ASSERT(!ctx->room.express);
    if (ctx->closing)
        return; /* cst_ctx_free drops all children at its end */
    if (child->prev)
        child->prev->next = child->next;
    else
        ctx->children = child->next;
    if (child->next)
        child->next->prev = child->prev;
    child->next = ctx->reap_list;
    ctx->reap_list = child;
    ctx->reap_due = true;
    if (!ctx->frames)
        cst__reap(ctx);
}

void cst__free_later(cst_ctx *ctx, struct cst__deferred_free *block, size_t size)
{
    CST__ASSERT(!ctx->room.express);
    block->size = size;
    block->next = ctx->deferred_frees;
    ctx->deferred_frees = block;
    ctx->reap_due = true;
    if (!ctx->frames)
        cst__reap(ctx);
}

/*
 * Reaping runs callbacks, which may do anything. So this is a frame of its own, and each round
 * reads its list again.
 */
void cst__reap(cst_ctx *ctx)
{
    ctx->frames++;
    while (ctx->reap_list) {
        struct cst__child *child = ctx->reap_list;

        ctx->reap_list = child->next;
        if (!ctx->child_ops->reap(child))
            cst__child_add(ctx, child, ctx->child_ops);
    }
    while (ctx->deferred_frees) {
        struct cst__deferred_free *block = ctx->deferred_frees;

        ctx->deferred_frees = block->next;
        cst__free(ctx, block, block->size);
    }
    ctx->reap_due = false;
    ctx->frames--;
}
