/*
 * operators.c - stages.h: Node's operators as stages.
 *
 * They are written with public calls alone. Those that may stop before their input ends say so by
 * cst_enough.
 */
#include "cstream/stages.h"

static const cst_opts items = { .object_mode = true };

static const cst_opts *or_items(const cst_opts *opts)
{
    return opts ? opts : &items;
}

/* --- map, filter, flat_map -------------------------------------------------------------------- */

struct map {
    cst_map_fn *fn;
    void *arg;
};

static cst_status map_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct map *map = self;
    cst_slice out = cst_slice_empty();
    cst_status st = map->fn(&out, chunk, map->arg);

    if (st >= 0)
        return cst_give(s, out);
    cst_slice_unref(&out);
    return st;
}

static const cst_ops map_ops = {
    .name = "map",
    .self_size = sizeof(struct map),
    .transform = map_transform,
};

cst_status cst_map_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_map_fn *fn,
                       void *arg)
{
    const struct map map = { .fn = fn, .arg = arg };

    if (!fn)
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &map_ops, &map, or_items(opts));
}

struct filter {
    cst_test_fn *fn;
    void *arg;
};

static cst_status filter_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct filter *filter = self;
    bool passes = false;
    cst_status st = filter->fn(&passes, chunk, filter->arg);

    if (st < 0)
        return st;
    return passes ? cst_give(s, cst_slice_ref(chunk)) : CST_OK;
}

static const cst_ops filter_ops = {
    .name = "filter",
    .self_size = sizeof(struct filter),
    .transform = filter_transform,
};

cst_status cst_filter_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_test_fn *fn,
                          void *arg)
{
    const struct filter filter = { .fn = fn, .arg = arg };

    if (!fn)
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &filter_ops, &filter, or_items(opts));
}

struct flat_map {
    cst_flat_map_fn *fn;
    void *arg;
};

static cst_status flat_map_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct flat_map *flat_map = self;

    return flat_map->fn(s, chunk, flat_map->arg);
}

static const cst_ops flat_map_ops = {
    .name = "flat-map",
    .self_size = sizeof(struct flat_map),
    .transform = flat_map_transform,
};

cst_status cst_flat_map_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts,
                            cst_flat_map_fn *fn, void *arg)
{
    const struct flat_map flat_map = { .fn = fn, .arg = arg };

    if (!fn)
        return CST_E_INVALID_ARG;
    return cst_transform_new(out, ctx, &flat_map_ops, &flat_map, or_items(opts));
}

/* --- take and drop ---------------------------------------------------------------------------- */

struct take {
    uint64_t left;
};

static cst_status take_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct take *take = self;

    if (take->left > 0) {
        take->left--;
        cst_push(s, cst_slice_ref(chunk));
    }
    if (take->left == 0 && !cst_is_destroyed(s)) {
        cst_push_eof(s);
        cst_enough(s);
    }
    return CST_OK;
}

static const cst_ops take_ops = {
    .name = "take",
    .self_size = sizeof(struct take),
    .transform = take_transform,
};

cst_status cst_take_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts)
{
    return cst_transform_new(out, ctx, &take_ops, &(struct take){ .left = n }, or_items(opts));
}

struct drop {
    uint64_t left;
};

static cst_status drop_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct drop *drop = self;

    if (drop->left == 0)
        return cst_give(s, cst_slice_ref(chunk));
    drop->left--;
    return CST_OK;
}

static const cst_ops drop_ops = {
    .name = "drop",
    .self_size = sizeof(struct drop),
    .transform = drop_transform,
};

cst_status cst_drop_new(cst_stream **out, cst_ctx *ctx, uint64_t n, const cst_opts *opts)
{
    return cst_transform_new(out, ctx, &drop_ops, &(struct drop){ .left = n }, or_items(opts));
}

/* --- consuming ends --------------------------------------------------------------------------- */

/* What all consuming ends have first. One of the three callbacks is set. */
struct verdict {
    cst_outcome_fn *outcome_done;
    cst_item_done_fn *item_done;
    cst_answer_done_fn *answer_done;
    void *arg;
    bool answer; /* as far as is known */
    bool is_told;
};

/* Tell the outcome, once. error is NULL for success. */
static void tell(struct verdict *verdict, const cst_error *error, const cst_slice *item)
{
    if (verdict->is_told)
        return;
    verdict->is_told = true;
    if (verdict->outcome_done)
        verdict->outcome_done(error, verdict->arg);
    if (verdict->item_done)
        verdict->item_done(error, item, verdict->arg);
    if (verdict->answer_done)
        verdict->answer_done(error, !error && verdict->answer, verdict->arg);
}

/* All was written, and no outcome was told before. */
static cst_status tell_final(cst_stream *s, void *self)
{
    (void)s;
    tell(self, NULL, NULL);
    return CST_OK;
}

static cst_status tell_destroyed(cst_stream *s, void *self, const cst_error *error)
{
    const cst_error early = { .stage = cst_stream_name(s), .status = CST_E_PREMATURE_CLOSE };

    tell(self, error ? error : &early, NULL);
    return CST_OK;
}

/* --- for_each, to_array ----------------------------------------------------------------------- */

struct for_each {
    struct verdict verdict;
    cst_each_fn *fn;
};

static cst_status for_each_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct for_each *for_each = self;
    cst_status st = for_each->fn(chunk, for_each->verdict.arg);

    (void)s;
    return st < 0 ? st : CST_OK;
}

static const cst_ops for_each_ops = {
    .name = "for-each",
    .self_size = sizeof(struct for_each),
    .write = for_each_write,
    .final = tell_final,
    .destroy = tell_destroyed,
};

cst_status cst_for_each_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_each_fn *fn,
                            cst_outcome_fn *done, void *arg)
{
    const struct for_each for_each = { .verdict = { .outcome_done = done, .arg = arg }, .fn = fn };

    if (!fn)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &for_each_ops, &for_each, or_items(opts));
}

struct to_array {
    struct verdict verdict;
    cst_chain *chain;
};

static cst_status to_array_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    const struct to_array *to_array = self;

    (void)s;
    return cst_chain_append(to_array->chain, cst_slice_ref(chunk));
}

static const cst_ops to_array_ops = {
    .name = "to-array",
    .self_size = sizeof(struct to_array),
    .write = to_array_write,
    .final = tell_final,
    .destroy = tell_destroyed,
};

cst_status cst_to_array_new(cst_stream **out, cst_ctx *ctx, cst_chain *chain, const cst_opts *opts,
                            cst_outcome_fn *done, void *arg)
{
    const struct to_array to_array = { .verdict = { .outcome_done = done, .arg = arg },
                                       .chain = chain };

    if (!chain)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &to_array_ops, &to_array, or_items(opts));
}

/* --- reduce ----------------------------------------------------------------------------------- */

struct reduce {
    struct verdict verdict;
    cst_reduce_fn *fn;
    cst_slice so_far;
    bool has_begun; /* so_far is set */
};

/* so_far is taken out of the record while fn looks at it, since fn may destroy the stream. */
static cst_status reduce_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct reduce *reduce = self;
    cst_slice last = reduce->so_far, next = cst_slice_empty();
    cst_status st = CST_OK;

    reduce->so_far = cst_slice_empty();
    if (reduce->has_begun)
        st = reduce->fn(&next, &last, chunk, reduce->verdict.arg);
    else
        next = cst_slice_ref(chunk);
    cst_slice_unref(&last);
    if (st < 0 || cst_is_destroyed(s)) {
        cst_slice_unref(&next);
        return st < 0 ? st : CST_OK;
    }
    reduce->so_far = next;
    reduce->has_begun = true;
    return CST_OK;
}

static cst_status reduce_final(cst_stream *s, void *self)
{
    struct reduce *reduce = self;
    cst_slice result = reduce->so_far;

    (void)s;
    if (!reduce->has_begun)
        return CST_E_INVALID_ARG;
    reduce->so_far = cst_slice_empty(); /* done may destroy the stream */
    tell(&reduce->verdict, NULL, &result);
    cst_slice_unref(&result);
    return CST_OK;
}

static cst_status reduce_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct reduce *reduce = self;

    cst_slice_unref(&reduce->so_far);
    return tell_destroyed(s, self, error);
}

static const cst_ops reduce_ops = {
    .name = "reduce",
    .self_size = sizeof(struct reduce),
    .write = reduce_write,
    .final = reduce_final,
    .destroy = reduce_destroy,
};

cst_status cst_reduce_new(cst_stream **out, cst_ctx *ctx, const cst_slice *initial,
                          const cst_opts *opts, cst_reduce_fn *fn, cst_item_done_fn *done,
                          void *arg)
{
    struct reduce reduce = { .verdict = { .item_done = done, .arg = arg }, .fn = fn };
    cst_status st;

    if (!fn || !done)
        return CST_E_INVALID_ARG;
    reduce.has_begun = initial != NULL;
    reduce.so_far = cst_slice_ref(initial);
    st = cst_writable_new(out, ctx, &reduce_ops, &reduce, or_items(opts));
    if (st < 0)
        cst_slice_unref(&reduce.so_far);
    return st;
}

/* --- some, every, find ------------------------------------------------------------------------ */

struct search {
    struct verdict verdict;
    cst_test_fn *fn;
    bool stops_at; /* the answer to one item that decides */
};

/* Tell the result early. Input that is here already is lost, or goes by; more is not waited for. */
static void settle_early(cst_stream *s, struct search *search, const cst_slice *item)
{
    cst_enough(s);
    tell(&search->verdict, NULL, item);
    if (!cst_writable_ended(s))
        cst_destroy(s, CST_OK);
}

static cst_status search_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct search *search = self;
    bool said = false;
    cst_status st;

    st = search->fn(&said, chunk, search->verdict.arg);
    if (st < 0)
        return st;
    if (said == search->stops_at && !cst_is_destroyed(s)) {
        search->verdict.answer = said;
        settle_early(s, search, chunk);
    }
    return CST_OK;
}

#define SEARCH_SLOTS                                                                \
    .self_size = sizeof(struct search), .write = search_write, .final = tell_final, \
    .destroy = tell_destroyed

static const cst_ops some_ops = { .name = "some", SEARCH_SLOTS };
static const cst_ops every_ops = { .name = "every", SEARCH_SLOTS };
static const cst_ops find_ops = { .name = "find", SEARCH_SLOTS };

cst_status cst_some_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_test_fn *fn,
                        cst_answer_done_fn *done, void *arg)
{
    const struct search some = { .verdict = { .answer_done = done, .arg = arg, .answer = false },
                                 .fn = fn,
                                 .stops_at = true };

    if (!fn || !done)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &some_ops, &some, or_items(opts));
}

cst_status cst_every_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_test_fn *fn,
                         cst_answer_done_fn *done, void *arg)
{
    const struct search every = { .verdict = { .answer_done = done, .arg = arg, .answer = true },
                                  .fn = fn,
                                  .stops_at = false };

    if (!fn || !done)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &every_ops, &every, or_items(opts));
}

cst_status cst_find_new(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, cst_test_fn *fn,
                        cst_item_done_fn *done, void *arg)
{
    const struct search find = { .verdict = { .item_done = done, .arg = arg },
                                 .fn = fn,
                                 .stops_at = true };

    if (!fn || !done)
        return CST_E_INVALID_ARG;
    return cst_writable_new(out, ctx, &find_ops, &find, or_items(opts));
}
