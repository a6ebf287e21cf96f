/*
 * tee.c - tee.h: one stream for several readers.
 *
 * A branch is in the list of its tee until one of the two is over. A listener to a branch may
 * destroy any of them while a chunk goes round, so the loop's place is kept in the tee.
 */
#include "cstream/tee.h"

#include "cstream/chain.h"

struct tee;

struct branch {
    struct branch *next, *prev;
    cst_stream *stream, *tee; /* tee: NULL once one of the two is over */
    cst_chain held;           /* DROP_OLDEST: what has not been pushed */
    size_t limit;
    uint64_t dropped, born; /* born: the number of the last chunk that it does not get */
    cst_tee_policy policy;
    bool is_full;   /* SLOWEST: the tee waits */
    bool was_asked; /* the read slot was called since this was cleared */
    bool has_ended; /* EOF follows what is held */
};

struct tee {
    struct branch *first, *last;
    struct branch *at; /* the next one to get the chunk that goes round */
    uint64_t number;   /* of the latest chunk */
    cst_call call;     /* of the write that waits */
    cst_slice chunk;   /* of a write that waits for a first branch; borrowed */
    cst_task task;
    bool waits, is_new; /* is_new: the write that waits was given to no branch */
    bool is_going_round, is_over;
};

static struct tee *tee_of(const cst_stream *s)
{
    return cst_stream_self(s);
}

/* --- the write that waits --------------------------------------------------------------------- */

static bool has_room(const struct tee *tee)
{
    for (const struct branch *branch = tee->first; branch; branch = branch->next)
        if (branch->is_full)
            return false;
    return true;
}

static void answer(struct tee *tee)
{
    if (!tee->waits)
        return;
    tee->waits = tee->is_new = false;
    cst_complete(tee->call, CST_OK);
}

static void go_on(struct tee *tee)
{
    if (!tee->is_new && !tee->is_going_round && has_room(tee))
        answer(tee);
}

/* --- a branch --------------------------------------------------------------------------------- */

static void unlink_branch(struct tee *tee, struct branch *branch)
{
    if (tee->at == branch)
        tee->at = branch->next;
    *(branch->prev ? &branch->prev->next : &tee->first) = branch->next;
    *(branch->next ? &branch->next->prev : &tee->last) = branch->prev;
    branch->tee = NULL;
}

/* DROP_OLDEST: push what is held while there is room. */
static void push_held(struct branch *branch)
{
    cst_slice chunk;

    while (branch->was_asked && cst_chain_pop(&chunk, &branch->held) == CST_OK) {
        branch->was_asked = false;
        if (cst_push(branch->stream, chunk) == CST_OK)
            branch->was_asked = true;
    }
    if (branch->has_ended && cst_chain_count(&branch->held) == 0)
        cst_push_eof(branch->stream);
}

static cst_status branch_read(cst_stream *s, void *self, size_t hint)
{
    struct branch *branch = self;

    (void)s;
    (void)hint;
    branch->was_asked = true;
    if (branch->policy == CST_TEE_DROP_OLDEST)
        push_held(branch);
    if (!branch->is_full)
        return CST_OK;
    branch->is_full = false;
    if (branch->tee)
        go_on(tee_of(branch->tee));
    return CST_OK;
}

static cst_status branch_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct branch *branch = self;
    cst_stream *stream = branch->tee;

    (void)s;
    (void)error;
    cst_chain_fini(&branch->held);
    if (!stream)
        return CST_OK;
    unlink_branch(tee_of(stream), branch);
    if (!tee_of(stream)->first)
        cst_enough(stream);
    go_on(tee_of(stream));
    return CST_OK;
}

static const cst_ops branch_ops = {
    .name = "branch",
    .self_size = sizeof(struct branch),
    .read = branch_read,
    .destroy = branch_destroy,
};

/* Keep a message, and drop the oldest one beyond the limit. */
static void keep(struct branch *branch, const cst_slice *chunk)
{
    cst_slice oldest;

    if (cst_chain_append(&branch->held, cst_slice_ref(chunk)) < 0) {
        cst_destroy(branch->stream, CST_E_NOMEM);
        return;
    }
    push_held(branch);
    if (cst_chain_count(&branch->held) > branch->limit &&
        cst_chain_pop(&oldest, &branch->held) == CST_OK) {
        cst_slice_unref(&oldest);
        branch->dropped++;
    }
}

/* Return whether the branch can hold the chunk too. */
static bool fits(const struct branch *branch, const cst_slice *chunk)
{
    size_t length = cst_readable_length(branch->stream);
    size_t size = cst_readable_object_mode(branch->stream) ? 1 : chunk->len;

    return length <= branch->limit && size <= branch->limit - length;
}

static void push(struct branch *branch, const cst_slice *chunk)
{
    cst_status st;

    branch->was_asked = false;
    st = cst_push(branch->stream, cst_slice_ref(chunk));
    branch->is_full = branch->policy == CST_TEE_SLOWEST && st == CST_FULL && !branch->was_asked;
}

static void hand(struct branch *branch, const cst_slice *chunk)
{
    if (branch->policy == CST_TEE_DROP_OLDEST)
        keep(branch, chunk);
    else if (branch->policy == CST_TEE_SLOWEST || fits(branch, chunk))
        push(branch, chunk);
    else if (branch->policy == CST_TEE_DROP_NEWEST)
        branch->dropped++;
    else
        cst_destroy(branch->stream, CST_E_LIMIT);
}

/* --- the tee ---------------------------------------------------------------------------------- */

/* The branch's handle is kept, since a listener may drop the last other one. */
static void go_round(struct tee *tee, const cst_slice *chunk)
{
    struct branch *branch;

    tee->number++;
    tee->is_going_round = true;
    tee->at = tee->first;
    while ((branch = tee->at)) {
        cst_stream *s = cst_ref(branch->stream);

        tee->at = branch->next;
        if (branch->born < tee->number)
            hand(branch, chunk);
        cst_unref(s);
    }
    tee->is_going_round = false;
}

static cst_status tee_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct tee *tee = self;

    tee->is_new = !tee->first;
    if (tee->is_new)
        tee->chunk = *chunk;
    else
        go_round(tee, chunk);
    if (cst_is_destroyed(s) || (!tee->is_new && has_room(tee)))
        return CST_OK;
    tee->call = cst_this_call(s);
    tee->waits = true;
    return CST_PENDING;
}

/* Give the write that has waited for a branch to all that are there by now. */
static void give_new(void *arg)
{
    cst_stream *s = arg;
    struct tee *tee = tee_of(s);

    if (tee->is_new && tee->first && !cst_is_destroyed(s)) {
        tee->is_new = false;
        go_round(tee, &tee->chunk);
        go_on(tee);
    }
    cst_unref(s);
}

static cst_status tee_final(cst_stream *s, void *self)
{
    struct tee *tee = self;

    (void)s;
    tee->is_over = true;
    while (tee->first) {
        struct branch *branch = tee->first;

        unlink_branch(tee, branch);
        branch->has_ended = true;
        if (cst_chain_count(&branch->held) == 0)
            cst_push_eof(branch->stream);
    }
    return CST_OK;
}

static cst_status tee_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct tee *tee = self;

    (void)s;
    tee->is_over = true;
    while (tee->first) {
        struct branch *branch = tee->first;

        unlink_branch(tee, branch);
        cst_destroy(branch->stream, error ? error->status : CST_E_PREMATURE_CLOSE);
    }
    answer(tee);
    return CST_OK;
}

static const cst_ops tee_ops = {
    .name = "tee",
    .self_size = sizeof(struct tee),
    .write = tee_write,
    .final = tee_final,
    .destroy = tee_destroy,
};

/* --- public calls ----------------------------------------------------------------------------- */

cst_status cst_tee_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts)
{
    return cst_writable_new(out, ctx, &tee_ops, NULL, opts);
}

/* Put a branch that was made into the list of its tee. */
static void join_tee(cst_stream *tee_stream, cst_stream *s)
{
    struct tee *tee = tee_of(tee_stream);
    struct branch *branch = cst_stream_self(s);

    branch->stream = s;
    branch->tee = tee_stream;
    branch->born = tee->number;
    if (branch->limit == 0)
        branch->limit = cst_readable_high_water_mark(s);
    branch->prev = tee->last;
    *(tee->last ? &tee->last->next : &tee->first) = branch;
    tee->last = branch;
    if (tee->is_new && cst_defer(cst_stream_ctx(s), &tee->task, give_new, tee_stream) == CST_OK)
        cst_ref(tee_stream);
}

cst_status cst_tee_branch_new(cst_stream **out, cst_stream *tee, const cst_branch_opts *branch,
                              const cst_opts *opts)
{
    struct branch self = { .policy = branch ? branch->policy : CST_TEE_SLOWEST,
                           .limit = branch ? branch->limit : 0 };
    cst_opts settled = { .high_water_mark = 0 };
    bool drops = self.policy == CST_TEE_DROP_OLDEST || self.policy == CST_TEE_DROP_NEWEST;
    cst_status st;

    if (!out || !tee || cst_stream_ops(tee) != &tee_ops ||
        (unsigned)self.policy > CST_TEE_DROP_NEWEST || (drops && !cst_writable_object_mode(tee)))
        return CST_E_INVALID_ARG;
    if (tee_of(tee)->is_over || cst_is_destroyed(tee))
        return CST_E_DESTROYED;
    if (opts)
        settled = *opts;
    settled.object_mode = cst_writable_object_mode(tee);
    if (self.policy == CST_TEE_DROP_OLDEST) {
        if (self.limit == 0)
            self.limit = settled.high_water_mark;
        if (self.limit == 0)
            self.limit = cst_ctx_default_high_water_mark(cst_stream_ctx(tee), true);
        settled.high_water_mark = 1;
    }
    cst_chain_init(&self.held, cst_ctx_allocator(cst_stream_ctx(tee)));
    st = cst_readable_new(out, cst_stream_ctx(tee), &branch_ops, &self, &settled);
    if (st == CST_OK)
        join_tee(tee, *out);
    return st;
}

uint64_t cst_tee_dropped(const cst_stream *s)
{
    const struct branch *branch;

    if (cst_stream_ops(s) != &branch_ops)
        return 0;
    branch = cst_stream_self(s);
    return branch->dropped;
}
