/*
 * coalesce.c - small writes of a turn go out together (cst_fd_opts.coalesce_writes).
 *
 *      write slot -> small: copy it behind what is held, CST_OK --> the turn ends: one write(2)
 *                \-> large: one writev(2) with what is held
 *
 * The writes that are held have been answered, so a failure has no call to go to. It is kept, and
 * an empty write of our own asks for it, so that it comes as that of any write: with the last words
 * of the peer, as 'error' while writing. If the stream has been ended, the final slot returns it.
 *
 * Nothing else is ever between what is held and the descriptor: a conduit is filled only when
 * nothing is held, and while it holds bytes a call of the stream is pending.
 */
#include "coalesce.h"

#include "cstream/timeout.h"

#include <string.h>

/* How much is held at most, if the highWaterMark is not lower: a pipe's capacity. */
#define MOST_HELD ((size_t)65536)

/* A longer chunk is written at once: its system call costs less than its copy and its wait. */
#define MOST_COPIED ((size_t)4096)

/* If less than this part of the block is left to wait, it moves to a block of its own. */
#define LITTLE_PART 4

static void free_coalescer(struct cst__coalescer *c, const cst_allocator *allocator)
{
    allocator->free(allocator->user, c, sizeof(*c));
}

cst_status cst__coalescer_new(struct cst__coalescer **out, const cst_allocator *allocator)
{
    struct cst__coalescer *c = allocator->alloc(allocator->user, sizeof(*c));

    if (!c)
        return CST_E_NOMEM;
    memset(c, 0, sizeof(*c));
    *out = c;
    return CST_OK;
}

void cst__coalescer_free(struct cst__coalescer *c, const cst_allocator *allocator)
{
    if (c)
        free_coalescer(c, allocator);
}

void cst__coalescer_check(const struct cst__coalescer *c)
{
#ifdef CST_CHECK
    assert(!c || (c->from <= c->to && c->to <= c->buf.cap));
    assert(!c || (c->buf.data != NULL) == (c->to > c->from));
    assert(!c || !c->waits || c->buf.data);
    assert(!c || c->failure <= 0);
#else
    (void)c;
#endif
}

/* --- on the way out --------------------------------------------------------------------------- */

/* Keep what is left in a block of its size, so that a slow reader does not pin a large one. */
static void keep_little(struct cst__coalescer *c)
{
    size_t left = c->to - c->from;
    cst_buf small;

    if (left > c->buf.cap / LITTLE_PART ||
        cst_buf_new(&small, cst_ctx_allocator(cst_stream_ctx(c->stream)), left) < 0)
        return;
    memcpy(small.data, c->buf.data + c->from, left);
    cst_buf_free(&c->buf);
    c->buf = small;
    c->from = 0;
    c->to = left;
}

void cst__coalescer_wait(struct cst__fd *fd)
{
    struct cst__coalescer *c = fd->coalescer;

    if (!cst__coalescer_holds(c))
        return;
    if (!c->waits)
        keep_little(c);
    c->waits = true;
    (void)cst_watch_want(&fd->watch, CST_WATCH_WRITE);
}

/*
 * What is held is lost, because of st. An empty write asks for st; if none can be made, for want of
 * memory, the stream is destroyed with it.
 */
static void lose(struct cst__fd *fd, cst_status st)
{
    fd->coalescer->failure = st;
    if (fd->wants_final) {
        fd->wants_final = false;
        fd->write_call = fd->final_call;
        fd->wants_write = true;
        cst__fd_pending_write_fails(fd, st);
    } else if (!cst_writable_ended(fd->stream) &&
               cst_write(fd->stream, cst_slice_empty(), NULL, NULL) == CST_E_NOMEM) {
        (void)cst_destroy(fd->stream, st);
    }
}

/* Write what is held, outside of a slot. Return whether all has gone out. */
static bool write_held(struct cst__fd *fd)
{
    cst_status st = cst__fd_write_outgoing(fd, false);

    if (st == CST_PENDING)
        cst__coalescer_wait(fd);
    else if (st < 0)
        lose(fd, st);
    return st == CST_OK;
}

bool cst__coalescer_ready(struct cst__fd *fd)
{
    uint64_t before = fd->d.bytes_written;
    bool gone = write_held(fd);

    if (fd->d.bytes_written != before)
        (void)cst_progress(fd->stream);
    return gone;
}

static void at_turn_end(void *arg)
{
    struct cst__coalescer *c = arg;
    cst_stream *s = c->stream;
    struct cst__fd *fd = cst_stream_self(s);

    c->queued = false;
    if (fd->coalescer != c)
        free_coalescer(c, cst_ctx_allocator(cst_stream_ctx(s)));
    else if (cst__coalescer_holds(c) && !c->waits && !fd->wants_write)
        (void)write_held(fd);
    cst_unref(s);
}

/* --- on the way in ---------------------------------------------------------------------------- */

/* Return how many bytes the chunks have, or SIZE_MAX if one of them is too long to be copied. */
static size_t small_size(const cst_slice *chunks, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        if (chunks[i].len > MOST_COPIED || size > MOST_HELD)
            return SIZE_MAX;
        size += chunks[i].len;
    }
    return size;
}

static bool get_block(struct cst__coalescer *c, size_t size)
{
    size_t mark = cst_writable_high_water_mark(c->stream);
    size_t cap = mark < MOST_HELD ? mark : MOST_HELD;

    return size <= cap && cst_buf_new_cached(&c->buf, cst_stream_ctx(c->stream), cap) == CST_OK;
}

/* Write the block, which is full. Return whether it is gone. */
static bool write_block(struct cst__fd *fd)
{
    struct cst__coalescer *c = fd->coalescer;
    cst_status st = c->waits ? CST_PENDING : cst__fd_write_outgoing(fd, false);

    if (st == CST_PENDING)
        cst__coalescer_wait(fd);
    else
        c->failure = st;
    return st == CST_OK;
}

/*
 * Have room for size bytes. Return false if the chunks have to be written, together with what is
 * held, or if the block could not be written.
 */
static bool have_room(struct cst__fd *fd, size_t size)
{
    struct cst__coalescer *c = fd->coalescer;

    if (c->buf.data) {
        if (size <= c->buf.cap - c->to)
            return true;
        if (size > c->buf.cap || !write_block(fd))
            return false;
    }
    return get_block(c, size);
}

static void write_at_turn_end(struct cst__coalescer *c)
{
    if (c->queued || c->waits)
        return;
    c->queued = true;
    (void)cst_at_turn_end(cst_stream_ctx(c->stream), &c->task, at_turn_end, c);
    (void)cst_ref(c->stream);
}

bool cst__coalescer_take(struct cst__fd *fd, const cst_slice *chunks, size_t count)
{
    struct cst__coalescer *c = fd->coalescer;
    size_t size;

    if (!c || fd->connecting)
        return false;
    c->stream = fd->stream;
    size = small_size(chunks, count);
    if (size == SIZE_MAX || size == 0 || !have_room(fd, size))
        return size == 0 && c->failure == CST_OK;
    for (size_t i = 0; i < count; i++) {
        if (chunks[i].len)
            memcpy(c->buf.data + c->to, chunks[i].data, chunks[i].len);
        c->to += chunks[i].len;
    }
    write_at_turn_end(c);
    return true;
}

/* --- the end ---------------------------------------------------------------------------------- */

cst_status cst__coalescer_finish(struct cst__fd *fd)
{
    struct cst__coalescer *c = fd->coalescer;
    cst_status st;

    if (!c || c->failure < 0 || !cst__coalescer_holds(c))
        return cst__coalescer_failure(c);
    st = c->waits ? CST_PENDING : cst__fd_write_outgoing(fd, false);
    if (st == CST_PENDING)
        cst__coalescer_wait(fd);
    return st;
}

/*
 * Without coalescing the bytes had gone out when they were written. So one more write is tried,
 * unless the system has refused them already.
 */
void cst__coalescer_close(struct cst__fd *fd)
{
    struct cst__coalescer *c = fd->coalescer;

    if (!c)
        return;
    if (cst__coalescer_holds(c) && !c->waits && !fd->wants_write)
        (void)cst__fd_write_outgoing(fd, false);
    cst__coalescer_drop(c);
    fd->coalescer = NULL;
    if (!c->queued)
        free_coalescer(c, cst_ctx_allocator(cst_stream_ctx(fd->stream)));
}
