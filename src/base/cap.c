/*
 * cap.c - an allocator that has no more than a number of bytes of another one, and counts.
 */
#include "cstream/arena.h"

static void *cap_alloc(void *user, size_t size)
{
    cst_cap *cap = user;
    void *ptr = NULL;

    if (size <= cap->max_bytes - cap->live_bytes)
        ptr = cap->under->alloc(cap->under->user, size);
    if (!ptr) {
        cap->failures++;
        return NULL;
    }
    cap->live_bytes += size;
    if (cap->live_bytes > cap->peak_bytes)
        cap->peak_bytes = cap->live_bytes;
    return ptr;
}

static void cap_free(void *user, void *ptr, size_t size)
{
    cst_cap *cap = user;

    cap->live_bytes -= size;
    cap->under->free(cap->under->user, ptr, size);
}

const cst_allocator *cst_cap_init(cst_cap *cap, const cst_allocator *under, size_t max_bytes)
{
    if (!cap || !under)
        return NULL;
    *cap = (cst_cap){ .allocator = { cap_alloc, cap_free, cap },
                      .under = under,
                      .max_bytes = max_bytes };
    return &cap->allocator;
}
