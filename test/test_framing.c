/* test_framing.c - framing.h: lines and delimiters, under every cut of the input. */
#include "stage_world.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- a model: from the whole input, byte by byte ---------------------------------------------- */

struct cut {
    const char *delimiter; /* NULL: lines */
    size_t len;
    cst_split_opts opts;
};

static cst_status make_split(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                             struct test_output *to)
{
    const struct cut *cut = arg;

    (void)to;
    if (cut->delimiter)
        return cst_split_new(out, ctx, cut->delimiter, cut->len, &cut->opts, opts);
    return cst_lines_new(out, ctx, &cut->opts, opts);
}

/* Return the length of the end that begins here, or 0. */
static size_t end_at(const struct cut *cut, const uint8_t *at, size_t left)
{
    if (cut->delimiter)
        return left >= cut->len && memcmp(at, cut->delimiter, cut->len) == 0 ? cut->len : 0;
    switch (cut->opts.line_end) {
    case CST_LINE_LF:
        if (left >= 2 && at[0] == '\r' && at[1] == '\n')
            return 2;
        return at[0] == '\n';
    case CST_LINE_CRLF:
        return left >= 2 && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
    case CST_LINE_NUL:
        return at[0] == 0;
    case CST_LINE_ANY:
        if (left >= 2 && at[0] == '\r' && at[1] == '\n')
            return 2;
        return at[0] == '\n' || at[0] == '\r';
    }
    return 0;
}

struct model {
    cst_slice *messages;
    size_t count, dropped;
    cst_status outcome;
};

static bool add_message(struct model *model, const struct cut *cut, const uint8_t *at, size_t len,
                        size_t end)
{
    size_t max = cut->opts.max ? cut->opts.max : 65536;

    if (len > max && cut->opts.on_long == CST_LONG_FAIL) {
        model->outcome = CST_E_OUT_OF_RANGE;
        return false;
    }
    model->dropped += len > max;
    if (len > max && cut->opts.on_long == CST_LONG_SKIP)
        return true;
    if (len > max)
        len = max;
    else if (cut->opts.keep_end)
        len += end;
    model->messages = realloc(model->messages, (model->count + 1) * sizeof *model->messages);
    assert_non_null(model->messages);
    model->messages[model->count++] = cst_slice_static(at, len);
    return true;
}

static struct model model_of(const struct cut *cut, const uint8_t *bytes, size_t len)
{
    struct model model = { .count = 0 };
    size_t from = 0;

    for (size_t i = 0; i < len;) {
        size_t end = end_at(cut, bytes + i, len - i);

        if (end > 0) {
            if (!add_message(&model, cut, bytes + from, i - from, end))
                return model;
            from = i + end;
        }
        i += end > 0 ? end : 1;
    }
    if (from < len && cut->opts.no_rest) {
        size_t max = cut->opts.max ? cut->opts.max : 65536;
        /* A CR that is the last byte might begin an end: it makes no line too long yet. */
        bool is_open = cut->opts.line_end <= CST_LINE_CRLF && bytes[len - 1] == '\r';

        model.outcome = CST_E_BUFFER_OUT_OF_BOUNDS;
        if (len - from - is_open > max && cut->opts.on_long != CST_LONG_SKIP)
            add_message(&model, cut, bytes + from, len - from, 0);
    } else if (from < len) {
        add_message(&model, cut, bytes + from, len - from, 0);
    }
    return model;
}

static void try_input(const struct cut *cut, const char *text, size_t len)
{
    struct model model = model_of(cut, (const uint8_t *)text, len);
    const cst_slice in = cst_slice_static(text, len);

    test_stage_all_ways(&(struct test_stage_case){ .name = "split",
                                                   .make = make_split,
                                                   .arg = cut,
                                                   .in = &in,
                                                   .in_count = 1,
                                                   .out = model.messages,
                                                   .out_count = model.count,
                                                   .outcome = model.outcome,
                                                   .messages_out = true });
    free(model.messages);
}

static void try_text(const struct cut *cut, const char *text)
{
    try_input(cut, text, strlen(text));
}

/* --- lines ------------------------------------------------------------------------------------ */

static void the_words_of_the_model_are_those_of_the_header(void **state)
{
    const struct cut lf = { .len = 0 };
    struct model model = model_of(&lf, (const uint8_t *)"", 0);

    (void)state;
    assert_int_equal(model.count, 0);
    model = model_of(&lf, (const uint8_t *)"\n", 1);
    assert_int_equal(model.count, 1);
    assert_int_equal(model.messages[0].len, 0);
    free(model.messages);
    model = model_of(&lf, (const uint8_t *)"a\r\nb\rc", 6);
    assert_int_equal(model.count, 2);
    assert_int_equal(model.messages[0].len, 1);
    assert_int_equal(model.messages[1].len, 3);
    free(model.messages);
}

static void every_cut_of_a_text_has_the_same_lines(void **state)
{
    static const char *const texts[] = { "",       "\n",        "a",        "a\r\n",   "a\r\nb\n",
                                         "\r\r\n", "a\rb\r\nc", "\n\r\n\r", "abc\ndef" };

    (void)state;
    for (int end = CST_LINE_LF; end <= CST_LINE_ANY; end++) {
        for (size_t keep = 0; keep < 2; keep++) {
            /* An LF that comes later than its CR is not on the line. */
            const struct cut cut = { .opts = { .line_end = (cst_line_end)end,
                                               .keep_end = keep && end != CST_LINE_ANY } };

            for (size_t i = 0; i < COUNT(texts); i++)
                try_text(&cut, texts[i]);
        }
    }
    try_input(&(struct cut){ .opts = { .line_end = CST_LINE_NUL } }, "ab\0\0c\n\0", 7);
}

static void a_rest_is_a_failure_if_it_may_not_be(void **state)
{
    const struct cut cut = { .opts = { .no_rest = true } };

    (void)state;
    try_text(&cut, "a\nb\n");
    try_text(&cut, "a\nb");
    try_text(&cut, "a\r");
    try_text(&cut, "");
}

static void the_longest_line_is_exact_under_each_policy(void **state)
{
    static const char *const texts[] = { "ab\r\nc",   "abc\r\nd", "ab\r",   "abc",
                                         "abcd\ne\n", "a\nabc\n", "ab\rx\n" };

    (void)state;
    for (int policy = CST_LONG_FAIL; policy <= CST_LONG_CUT; policy++) {
        for (int end = CST_LINE_LF; end <= CST_LINE_ANY; end++) {
            for (size_t i = 0; i < COUNT(texts); i++) {
                struct cut cut = { .opts = { .max = 2,
                                             .on_long = (cst_on_long)policy,
                                             .line_end = (cst_line_end)end } };

                try_text(&cut, texts[i]);
                cut.opts.no_rest = true;
                try_text(&cut, texts[i]);
            }
        }
    }
}

static void a_delimiter_may_overlap_itself_and_lie_anywhere(void **state)
{
    static const struct cut cuts[] = { { .delimiter = "aab", .len = 3 },
                                       { .delimiter = "abab", .len = 4 },
                                       { .delimiter = "aa", .len = 2 },
                                       { .delimiter = "x", .len = 1 } };
    static const char *const texts[] = { "aaabaab", "abababab", "aaaaa", "xaabxaaab", "ab" };

    (void)state;
    for (size_t c = 0; c < COUNT(cuts); c++) {
        for (size_t i = 0; i < COUNT(texts); i++) {
            struct cut cut = cuts[c];

            try_text(&cut, texts[i]);
            cut.opts = (cst_split_opts){ .max = 1, .on_long = CST_LONG_CUT, .keep_end = true };
            try_text(&cut, texts[i]);
            cut.opts = (cst_split_opts){ .max = 1, .on_long = CST_LONG_SKIP };
            try_text(&cut, texts[i]);
        }
    }
}

/* --- in the large ----------------------------------------------------------------------------- */

static void very_many_lines_are_those_of_the_model(void **state)
{
    static const size_t lengths[] = { 0, 3, 16, 40 };
    const size_t count = test_stage_many();
    size_t room = count * 42, len = 0;
    char *text = malloc(room);
    uint64_t seed = 7;
    const struct cut cut = { .opts = { .max = 40 } };
    struct model model;
    cst_slice in;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        size_t n = lengths[test_random(&seed) % COUNT(lengths)];

        memset(text + len, 'a' + (int)(i % 26), n);
        len += n;
        if (i % 3 == 0)
            text[len++] = '\r';
        text[len++] = '\n';
    }
    model = model_of(&cut, (const uint8_t *)text, len);
    assert_int_equal(model.count, count);
    in = cst_slice_static(text, len);
    test_stage_run_cut(&(struct test_stage_case){ .name = "lines",
                                                  .make = make_split,
                                                  .arg = &cut,
                                                  .in = &in,
                                                  .in_count = 1,
                                                  .out = model.messages,
                                                  .out_count = model.count,
                                                  .messages_out = true },
                       1000, 11);
    free(model.messages);
    free(text);
}

/* --- one stage at a time ---------------------------------------------------------------------- */

struct fixture {
    struct test_heap heap;
    cst_ctx *ctx;
    cst_stream *s;
};

static void open_stage(struct fixture *f, const struct cut *cut, const cst_opts *opts)
{
    test_heap_init(&f->heap);
    assert_int_equal(cst_ctx_new(&f->ctx, test_heap_allocator(&f->heap), NULL), CST_OK);
    assert_int_equal(make_split(&f->s, f->ctx, opts, cut, NULL), CST_OK);
}

static void close_stage(struct fixture *f)
{
    cst_unref(f->s);
    assert_int_equal(cst_ctx_free(f->ctx), CST_OK);
    assert_int_equal(f->heap.live_blocks, 0);
}

static void many_lines_of_one_chunk_stop_at_the_mark(void **state)
{
    static char newlines[65536];
    struct fixture f;
    size_t lines = 0;
    cst_slice line;

    (void)state;
    memset(newlines, '\n', sizeof newlines);
    open_stage(&f, &(struct cut){ .len = 0 }, &(cst_opts){ .readable_high_water_mark = 16 });
    cst_write(f.s, cst_slice_static(newlines, sizeof newlines), NULL, NULL);
    cst_end(f.s, NULL, NULL);
    cst_ctx_run(f.ctx, NULL);
    while (lines < sizeof newlines) {
        assert_in_range(cst_readable_length(f.s), 1, 17);
        assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
        assert_int_equal(line.len, 0);
        cst_slice_unref(&line);
        lines++;
        cst_ctx_run(f.ctx, NULL);
    }
    assert_int_equal(cst_next(&line, f.s), CST_EOF);
    close_stage(&f);
}

static void a_line_in_one_chunk_is_a_view_of_it(void **state)
{
    cst_slice chunk, line;
    struct fixture f;

    (void)state;
    open_stage(&f, &(struct cut){ .len = 0 }, NULL);
    assert_int_equal(cst_slice_copy(&chunk, test_heap_allocator(&f.heap), "one\ntw", 6), CST_OK);
    cst_write(f.s, cst_slice_ref(&chunk), NULL, NULL);
    cst_write(f.s, cst_slice_str("o\nthree"), NULL, NULL);
    cst_end(f.s, NULL, NULL);
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
    assert_ptr_equal(line.data, chunk.data);
    cst_slice_unref(&line);
    assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
    assert_int_equal(line.len, 3);
    assert_memory_equal(line.data, "two", 3);
    cst_slice_unref(&line);
    assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
    assert_memory_equal(line.data, "three", 5);
    assert_null(line.block); /* a view of a static chunk */
    cst_slice_unref(&chunk);
    close_stage(&f);
}

static void a_line_feed_far_behind_its_cr_belongs_to_it(void **state)
{
    struct fixture f;
    cst_slice line;

    (void)state;
    open_stage(&f, &(struct cut){ .opts = { .line_end = CST_LINE_ANY, .keep_end = true } }, NULL);
    cst_write(f.s, cst_slice_str("a\r"), NULL, NULL);
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
    assert_int_equal(line.len, 2); /* without waiting */
    cst_slice_unref(&line);
    cst_write(f.s, cst_slice_empty(), NULL, NULL);
    cst_write(f.s, cst_slice_str("\n"), NULL, NULL);
    cst_write(f.s, cst_slice_str("\nb\r\n"), NULL, NULL);
    cst_end(f.s, NULL, NULL);
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
    assert_int_equal(line.len, 1);
    assert_memory_equal(line.data, "\n", 1);
    cst_slice_unref(&line);
    assert_int_equal(cst_read(&line, f.s, CST_READ_ANY), CST_OK);
    assert_int_equal(line.len, 3);
    assert_memory_equal(line.data, "b\r\n", 3);
    cst_slice_unref(&line);
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(cst_next(&line, f.s), CST_EOF);
    close_stage(&f);
}

static void what_is_too_long_is_counted(void **state)
{
    struct fixture f;

    (void)state;
    open_stage(&f, &(struct cut){ .opts = { .max = 1, .on_long = CST_LONG_SKIP } }, NULL);
    assert_int_equal(cst_split_dropped(f.s), 0);
    cst_write(f.s, cst_slice_str("aa\nb\ncc"), NULL, NULL);
    cst_write(f.s, cst_slice_str("cc\ndd"), NULL, NULL);
    assert_int_equal(cst_split_dropped(f.s), 3);
    cst_end(f.s, NULL, NULL);
    cst_resume(f.s);
    cst_ctx_run(f.ctx, NULL);
    assert_int_equal(cst_split_dropped(NULL), 0);
    close_stage(&f);
}

static void a_peer_cannot_make_it_hold_more_than_the_longest_line(void **state)
{
    static char block[65536];
    size_t before;
    struct fixture f;

    (void)state;
    memset(block, 'x', sizeof block);
    for (int policy = CST_LONG_FAIL; policy <= CST_LONG_CUT; policy++) {
        struct cut cut = { .opts = { .max = 10000, .on_long = (cst_on_long)policy } };

        open_stage(&f, &cut, NULL);
        cst_resume(f.s);
        cst_ctx_run(f.ctx, NULL);
        before = f.heap.live_bytes;
        f.heap.peak_bytes = before;
        for (size_t i = 0; i < 100000 && !cst_is_destroyed(f.s); i++) {
            cst_write_copy(f.s, block, 1, NULL, NULL);
            cst_ctx_run(f.ctx, NULL);
        }
        /* The line, the smaller buffer that it outgrew, and the block of the small copies. */
        assert_true(f.heap.peak_bytes - before < 10000 + 5000 + 2 * 16384 + 2048);
        close_stage(&f);
    }
}

/* --- join ------------------------------------------------------------------------------------- */

static cst_status make_join(cst_stream **out, cst_ctx *ctx, const cst_opts *opts, const void *arg,
                            struct test_output *to)
{
    (void)to;
    return cst_join_new(out, ctx, arg, strlen(arg), opts);
}

static void join_puts_the_delimiter_behind_each_message(void **state)
{
    const cst_slice in[3] = { cst_slice_str("a"), cst_slice_empty(), cst_slice_str("bcd") };
    const cst_slice out = cst_slice_str("a, , bcd, ");

    (void)state;
    test_stage_all_ways(&(struct test_stage_case){ .name = "join",
                                                   .make = make_join,
                                                   .arg = ", ",
                                                   .in = in,
                                                   .in_count = 3,
                                                   .out = &out,
                                                   .out_count = 1,
                                                   .messages_in = true });
    test_stage_all_ways(&(struct test_stage_case){
        .name = "join", .make = make_join, .arg = "\n", .messages_in = true });
}

/* --- what is refused -------------------------------------------------------------------------- */

static void what_makes_no_sense_is_refused(void **state)
{
    struct fixture f;
    cst_stream *s = NULL;

    (void)state;
    open_stage(&f, &(struct cut){ .len = 0 }, NULL);
    assert_int_equal(cst_split_new(&s, f.ctx, "", 0, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_split_new(&s, f.ctx, NULL, 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_split_new(&s, NULL, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_split_new(NULL, f.ctx, "x", 1, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_split_new(&s, f.ctx, "x", SIZE_MAX, NULL, NULL), CST_E_OUT_OF_RANGE);
    assert_int_equal(
        cst_split_new(&s, f.ctx, "x", 1, &(cst_split_opts){ .on_long = (cst_on_long)3 }, NULL),
        CST_E_INVALID_ARG);
    assert_int_equal(
        cst_lines_new(&s, f.ctx, &(cst_split_opts){ .line_end = (cst_line_end)4 }, NULL),
        CST_E_INVALID_ARG);
    assert_int_equal(cst_lines_new(&s, NULL, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_join_new(&s, f.ctx, "", 0, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_join_new(&s, f.ctx, NULL, 1, NULL), CST_E_INVALID_ARG);
    assert_null(s);
    close_stage(&f);
    test_stage_refuses_messages(make_split, &(struct cut){ .len = 0 }, true, false);
    test_stage_refuses_messages(make_split, &(struct cut){ .delimiter = "ab", .len = 2 }, true,
                                false);
    test_stage_refuses_messages(make_join, "\n", false, true);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_words_of_the_model_are_those_of_the_header),
    cmocka_unit_test(every_cut_of_a_text_has_the_same_lines),
    cmocka_unit_test(a_rest_is_a_failure_if_it_may_not_be),
    cmocka_unit_test(the_longest_line_is_exact_under_each_policy),
    cmocka_unit_test(a_delimiter_may_overlap_itself_and_lie_anywhere),
    cmocka_unit_test(very_many_lines_are_those_of_the_model),
    cmocka_unit_test(many_lines_of_one_chunk_stop_at_the_mark),
    cmocka_unit_test(a_line_in_one_chunk_is_a_view_of_it),
    cmocka_unit_test(a_line_feed_far_behind_its_cr_belongs_to_it),
    cmocka_unit_test(what_is_too_long_is_counted),
    cmocka_unit_test(a_peer_cannot_make_it_hold_more_than_the_longest_line),
    cmocka_unit_test(join_puts_the_delimiter_behind_each_message),
    cmocka_unit_test(what_makes_no_sense_is_refused),
};

TEST_MAIN(tests)
