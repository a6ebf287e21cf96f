/*
 * last_words.c - a write has failed, and the peer had said something before it left.
 *
 * A failed write ends its stream, and with it the bytes that lie in the system's buffer, such as
 * the answer "413, too large" of a server that closes while we still send. So the failure
 * waits: the write stays pending, what has arrived is read and delivered as usual, and then the
 * write is answered.
 *
 *      a write fails --> has something arrived that somebody will read? --no--> answer the failure
 *                          | yes
 *                          v
 *                        hear, an immediate, so that tasks and listeners run in between:
 *                          the stream wants to read: read a chunk, push it, hear again
 *                          its chunks wait to be taken: look again a little later
 *                          all is read, or nobody wants it, or the reader waits for this stream:
 *                          answer the failure
 *
 * Only what has arrived when the write fails is waited for: a peer that goes on sending does not
 * put the answer off.
 */
#include "posix_internal.h"

#include "cstream/join.h"

#include <string.h>
#include <sys/ioctl.h>

/*
 * How long until a slow reader is looked at again, and how often in a row it may have taken
 * nothing. For a destination that is ten seconds. A host that reads by hand has been told that
 * there is something, and takes it soon or not at all.
 */
#define LOOK_NS ((uint64_t)50 * 1000000)
#define MOST_LOOKS 200
#define MOST_LOOKS_BY_HAND 4

/* How many streams may wait each for the next. */
#define MOST_WAITING 64

struct cst__last_words {
    cst_stream *stream; /* a reference is held while the task is queued */
    cst_status failure;
    size_t left; /* bytes that had arrived and have not been read */
    size_t buffered;
    unsigned looks; /* in a row, without progress */
    bool queued;
    cst_task task;
    cst_timer timer;
};

static size_t arrived(const struct cst__fd *fd)
{
    int n = 0;

    return fd->always_ready || ioctl(fd->d.fd, FIONREAD, &n) < 0 || n < 0 ? 0 : (size_t)n;
}

/*
 * Follow from s on who waits for whom. Return false if that leads back to s, which would wait for
 * ever. A descriptor takes more by itself, and so does a stage that waits for nobody.
 */
static bool leads_on(const cst_stream *s, const cst_stream *slow)
{
    for (unsigned n = 0; n < MOST_WAITING && slow; n++) {
        if (slow == s)
            return false;
        if (cst__descriptor_of(slow))
            return true;
        slow = cst_pipe_waits_for(slow);
    }
    return !slow;
}

/*
 * Return whether what has arrived will be taken. A host that has paused the stream may wait for
 * this very write.
 */
static bool is_heard(const struct cst__fd *fd)
{
    const cst_stream *s = fd->stream, *slow = cst_pipe_waits_for(s);

    if (slow)
        return leads_on(s, slow);
    switch (cst_readable_flowing(s)) {
    case CST_FLOWING_ON:
        return true;
    case CST_FLOWING_OFF:
        return cst_listener_count(s, CST_READABLE) > 0;
    case CST_FLOWING_UNSET: /* read by cst_read or cst_next, if it ever was */
        break;
    }
    return fd->last_words || fd->wants_read || cst_readable_did_read(s);
}

static void free_words(struct cst__last_words *words)
{
    const cst_allocator *allocator = cst_ctx_allocator(cst_stream_ctx(words->stream));

    allocator->free(allocator->user, words, sizeof(*words));
}

/* Forget the last words; if their task is queued it frees them. */
static void drop_words(struct cst__fd *fd)
{
    struct cst__last_words *words = fd->last_words;

    fd->last_words = NULL;
    (void)cst_timer_stop(cst_stream_ctx(words->stream), &words->timer);
    if (!words->queued)
        free_words(words);
}

static void answer_failure(struct cst__fd *fd)
{
    cst_status failure = fd->last_words->failure;

    drop_words(fd);
    fd->wants_write = false;
    (void)cst_complete(fd->write_call, failure);
}

static void hear(void *arg);

static void hear_soon(struct cst__last_words *words)
{
    if (words->queued)
        return;
    words->queued = true;
    (void)cst_ref(words->stream);
    (void)cst_immediate(cst_stream_ctx(words->stream), &words->task, hear, words);
}

static void look_later(void *arg)
{
    hear_soon(arg);
}

/*
 * Read for a stream that wants to. Nothing is left after EOF, after a failure, or if the system
 * says that the call would have to wait.
 */
static void read_on(struct cst__fd *fd, struct cst__last_words *words)
{
    cst_slice chunk;
    cst_status st;

    fd->wants_read = false;
    fd->drained = false;
    if (fd->waits_to_transfer) {
        fd->waits_to_transfer = false;
        (void)cst_push(fd->stream, cst_slice_empty());
        return;
    }
    st = cst__fd_read_chunk(fd, &chunk);
    if (st != CST_OK) {
        words->left = 0;
        if (st == CST_EOF)
            (void)cst_push_eof(fd->stream);
        return;
    }
    words->left -= chunk.len < words->left ? chunk.len : words->left;
    words->looks = 0; /* there was room: the reader has taken something */
    (void)cst_push(fd->stream, chunk);
}

/* Return whether something was taken since the last look, or not many looks ago. */
static bool is_patient(struct cst__last_words *words, size_t buffered)
{
    bool by_hand = !cst_pipe_waits_for(words->stream);

    words->looks = buffered == words->buffered ? words->looks + 1 : 0;
    words->buffered = buffered;
    return words->looks < (by_hand ? MOST_LOOKS_BY_HAND : MOST_LOOKS);
}

static void next_step(struct cst__fd *fd)
{
    struct cst__last_words *words = fd->last_words;
    size_t buffered = cst_readable_length(words->stream);
    bool flows = cst_readable_flowing(words->stream) == CST_FLOWING_ON;

    if (words->left && fd->wants_read) {
        read_on(fd, words);
        if (fd->last_words)
            hear_soon(words);
    } else if (buffered && flows) {
        hear_soon(words); /* its flow was cut by a budget, and goes on before this runs */
    } else if ((words->left || buffered) && !flows && is_heard(fd) && is_patient(words, buffered)) {
        (void)cst_timer_start_in(cst_stream_ctx(words->stream), &words->timer, LOOK_NS, look_later,
                                 words);
    } else {
        answer_failure(fd);
    }
}

static void hear(void *arg)
{
    struct cst__last_words *words = arg;
    cst_stream *s = words->stream;
    struct cst__fd *fd = cst_stream_self(s);

    words->queued = false;
    if (fd->last_words == words)
        next_step(fd);
    else
        free_words(words);
    cst_unref(s);
}

/* --- from fd.c -------------------------------------------------------------------------------- */

/* Start to wait. Return false if there is nothing to wait for, or no memory. */
static bool begin_last_words(struct cst__fd *fd, cst_status failure)
{
    cst_stream *s = fd->stream;
    const cst_allocator *allocator = cst_ctx_allocator(cst_stream_ctx(s));
    struct cst__last_words *words;
    size_t left, buffered;

    if (!cst_stream_has_readable(s) || !is_heard(fd))
        return false;
    left = arrived(fd);
    buffered = cst_readable_length(s);
    if (!left && !buffered)
        return false;
    words = allocator->alloc(allocator->user, sizeof(*words));
    if (!words)
        return false;
    memset(words, 0, sizeof(*words));
    words->stream = s;
    words->failure = failure;
    words->left = left;
    words->buffered = buffered;
    fd->last_words = words;
    hear_soon(words);
    return true;
}

cst_status cst__fd_write_fails(cst_stream *s, struct cst__fd *fd, cst_status failure)
{
    fd->stream = s;
    if (!begin_last_words(fd, failure))
        return failure;
    fd->write_call = cst_this_call(s);
    fd->wants_write = true;
    return CST_PENDING;
}

void cst__fd_pending_write_fails(struct cst__fd *fd, cst_status failure)
{
    if (begin_last_words(fd, failure))
        return;
    fd->wants_write = false;
    (void)cst_complete(fd->write_call, failure);
}

void cst__last_words_wanted(struct cst__fd *fd)
{
    hear_soon(fd->last_words);
}

void cst__last_words_drop(struct cst__fd *fd)
{
    if (fd->last_words)
        drop_words(fd);
}
