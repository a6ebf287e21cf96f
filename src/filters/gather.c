/* gather.c - see gather.h. */
#include "filters/gather.h"

#include <string.h>

/* The least room of a block: sizes that are few find their blocks in the context's cache. */
enum { LEAST_ROOM = 64, ROUND_UP_TO = 4096 };

static size_t room_for(size_t len)
{
    size_t room = LEAST_ROOM;

    if (len > ROUND_UP_TO)
        return len;
    while (room < len)
        room *= 2;
    return room;
}

static const uint8_t *held_bytes(const struct cst__gather *gather)
{
    return gather->buf.data ? gather->buf.data : gather->view.data;
}

static void copy_to(uint8_t *to, const void *from, size_t n)
{
    if (n > 0)
        memcpy(to, from, n);
}

/* Move what is held into a buffer with room for `room` bytes. */
static cst_status move_held(struct cst__gather *gather, cst_ctx *ctx, size_t room)
{
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, ctx, room_for(room));

    if (st < 0)
        return st;
    copy_to(buf.data, held_bytes(gather), gather->len);
    cst_slice_unref(&gather->view);
    cst_buf_free(&gather->buf);
    gather->buf = buf;
    return CST_OK;
}

/* Return a size of at least `needed` that is twice what is there, if that is not above most. */
static size_t next_room(size_t needed, size_t most)
{
    size_t twice = needed <= SIZE_MAX / 2 ? 2 * needed : SIZE_MAX;

    if (twice > most)
        twice = most;
    return twice > needed ? twice : needed;
}

cst_status cst__gather_add(struct cst__gather *gather, cst_ctx *ctx, const cst_slice *chunk,
                           size_t from, size_t n, size_t most)
{
    size_t needed = gather->len + n;
    cst_status st;

    if (n == 0)
        return CST_OK;
    if (gather->len == 0) {
        cst__gather_drop(gather);
        gather->view = cst_slice_sub(chunk, from, n);
        gather->len = n;
        return CST_OK;
    }
    if (needed < n)
        return CST_E_NOMEM;
    if (!gather->buf.data || gather->buf.cap < needed) {
        st = move_held(gather, ctx, next_room(needed, most));
        if (st < 0)
            return st;
    }
    copy_to(gather->buf.data + gather->len, chunk->data + from, n);
    gather->len = needed;
    return CST_OK;
}

cst_status cst__gather_take(cst_slice *out, struct cst__gather *gather, cst_ctx *ctx,
                            const cst_slice *chunk, size_t from, size_t len)
{
    cst_status st;

    if (gather->len == 0) {
        *out = cst_slice_sub(chunk, from, len);
        cst__gather_drop(gather);
        return CST_OK;
    }
    if (gather->view.data && len <= gather->len) {
        *out = cst_slice_split_to(&gather->view, len);
        cst__gather_drop(gather);
        return CST_OK;
    }
    if (!gather->buf.data || gather->buf.cap < len) {
        st = move_held(gather, ctx, len);
        if (st < 0)
            return st;
    }
    if (len > gather->len)
        copy_to(gather->buf.data + gather->len, chunk->data + from, len - gather->len);
    *out = cst_buf_freeze(&gather->buf, len);
    gather->len = 0;
    return CST_OK;
}

uint8_t cst__gather_at(const struct cst__gather *gather, size_t index)
{
    return held_bytes(gather)[index];
}

void cst__gather_drop(struct cst__gather *gather)
{
    cst_slice_unref(&gather->view);
    cst_buf_free(&gather->buf);
    gather->len = 0;
}
