/* test_peek.c - cst_peek: the first bytes are seen, none is taken, nobody is woken for fewer. */
#include "world.h"

#include <string.h>

struct fixture {
    struct test_world world;
    cst_stream *s;
    unsigned reads;
};

static cst_status count_reads(cst_stream *s, void *self, size_t size)
{
    struct fixture *f = *(struct fixture **)self;

    (void)s;
    (void)size;
    f->reads++;
    return CST_OK;
}

static const cst_ops source_ops = { .name = "source",
                                    .self_size = sizeof(struct fixture *),
                                    .read = count_reads };

static void note_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct fixture *f = arg;

    (void)s;
    if (event->type == CST_DATA)
        test_trace_add(&f->world.trace, "data:%.*s", (int)event->chunk->len, event->chunk->data);
    else
        test_trace_add(&f->world.trace, "%s", test_event_word(event->type));
}

static void make(struct fixture *f, const cst_opts *opts)
{
    f->reads = 0;
    assert_int_equal(cst_readable_new(&f->s, f->world.ctx, &source_ops, &f, opts), CST_OK);
}

static void expect_peek(struct fixture *f, size_t n, cst_status status, const char *text)
{
    cst_slice out = cst_slice_str("untouched");

    assert_int_equal(cst_peek(&out, f->s, n), status);
    assert_int_equal(out.len, strlen(text));
    assert_memory_equal(out.data, text, out.len);
    cst_slice_unref(&out);
}

static void expect_none(struct fixture *f, size_t n, cst_status status)
{
    expect_peek(f, n, status, "untouched");
}

static void every_split_shows_the_same_bytes_and_takes_none(void **state)
{
    struct fixture *f = *state;

    for (unsigned split = 0; split < 32; split++) {
        make(f, NULL);
        for (size_t at = 0, from = 0; at < 6; at++) {
            if (at == 5 || split >> at & 1) {
                cst_push_copy(f->s, &"abcdef"[from], at + 1 - from);
                from = at + 1;
            }
        }
        for (size_t n = 1; n <= 6; n++) {
            char text[7] = "abcdef";

            text[n] = '\0';
            expect_peek(f, n, CST_OK, text);
        }
        assert_int_equal(cst_readable_length(f->s), 6);
        assert_false(cst_readable_did_read(f->s));
        assert_int_equal(cst_readable_flowing(f->s), CST_FLOWING_UNSET);
        expect_none(f, 7, CST_EMPTY);
        cst_push_eof(f->s);
        expect_peek(f, 7, CST_EOF, "abcdef");
        expect_peek(f, 6, CST_OK, "abcdef");
        test_run(&f->world);
        cst_unref(f->s);
    }
}

static void readable_comes_once_for_bytes_that_come_singly(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .high_water_mark = 2 });
    assert_int_equal(cst_on(f->s, CST_READABLE, note_event, f), CST_OK);
    expect_none(f, 5, CST_EMPTY);
    assert_int_equal(cst_readable_high_water_mark(f->s), 8);
    assert_int_equal(f->reads, 1);
    for (int i = 0; i < 4; i++) {
        cst_push_copy(f->s, &"abcd"[i], 1);
        test_run_and_expect(&f->world, "");
    }
    cst_push_copy(f->s, "e", 1);
    test_run_and_expect(&f->world, "readable");
    assert_int_equal(f->reads, 6);
    expect_peek(f, 5, CST_OK, "abcde");
    cst_push_copy(f->s, "f", 1);
    test_run_and_expect(&f->world, "readable");
    cst_unref(f->s);
}

static void the_end_a_read_or_a_smaller_peek_lets_readable_go(void **state)
{
    struct fixture *f = *state;
    cst_slice out;

    make(f, NULL);
    assert_int_equal(cst_on(f->s, CST_READABLE, note_event, f), CST_OK);
    expect_none(f, 5, CST_EMPTY);
    cst_push_copy(f->s, "a", 1);
    test_run_and_expect(&f->world, "");
    assert_int_equal(cst_read(&out, f->s, 2), CST_EMPTY);
    cst_push_copy(f->s, "b", 1);
    test_run_and_expect(&f->world, "readable");
    expect_none(f, 5, CST_EMPTY);
    expect_none(f, 3, CST_EMPTY);
    cst_push_copy(f->s, "c", 1);
    test_run_and_expect(&f->world, "readable");
    expect_none(f, 5, CST_EMPTY);
    cst_push_eof(f->s);
    test_run_and_expect(&f->world, "readable");
    expect_peek(f, 5, CST_EOF, "abc");
    cst_unref(f->s);
}

static void what_was_peeked_at_is_piped_on_once(void **state)
{
    struct fixture *f = *state;

    make(f, NULL);
    cst_push_copy(f->s, "GE", 2);
    cst_push_copy(f->s, "T /", 3);
    expect_peek(f, 4, CST_OK, "GET ");
    expect_none(f, 9, CST_EMPTY);
    cst_push_eof(f->s);
    assert_int_equal(cst_on(f->s, CST_DATA, note_event, f), CST_OK);
    assert_int_equal(cst_on(f->s, CST_END, note_event, f), CST_OK);
    test_run_and_expect(&f->world, "data:GE data:T / end");
    expect_peek(f, 1, CST_EOF, "");
    cst_unref(f->s);
}

static void in_object_mode_it_is_the_first_message(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .object_mode = true });
    expect_none(f, 1, CST_EMPTY);
    cst_push_copy(f->s, "abc", 3);
    cst_push_copy(f->s, "d", 1);
    expect_peek(f, 1, CST_OK, "abc");
    expect_peek(f, 100, CST_OK, "abc");
    assert_int_equal(cst_readable_length(f->s), 2);
    cst_unref(f->s);
}

static void what_is_over_says_why(void **state)
{
    struct fixture *f = *state;

    make(f, NULL);
    expect_none(f, 3, CST_EMPTY);
    cst_on(f->s, CST_ERROR, note_event, f);
    cst_destroy(f->s, CST_USER(3));
    expect_none(f, 3, CST_USER(3));
    test_run_and_expect(&f->world, "error");
    cst_unref(f->s);
    make(f, NULL);
    cst_push_copy(f->s, "abc", 3);
    cst_destroy(f->s, CST_OK);
    expect_none(f, 3, CST_E_PREMATURE_CLOSE);
    expect_none(f, 0, CST_E_INVALID_ARG);
    expect_none(f, ((size_t)1 << 30) + 1, CST_E_OUT_OF_RANGE);
    cst_unref(f->s);
}

static void without_memory_nothing_has_changed(void **state)
{
    struct fixture *f = *state;

    make(f, &(cst_opts){ .high_water_mark = 2 });
    test_heap_fail_at(&f->world.heap, 1);
    expect_none(f, 5, CST_E_NOMEM);
    assert_int_equal(cst_readable_high_water_mark(f->s), 2);
    assert_int_equal(f->reads, 0);
    cst_push_copy(f->s, "abc", 3);
    cst_push_copy(f->s, "def", 3);
    test_heap_fail_at(&f->world.heap, 1);
    expect_none(f, 5, CST_E_NOMEM);
    assert_int_equal(cst_readable_length(f->s), 6);
    expect_peek(f, 5, CST_OK, "abcde");
    cst_unref(f->s);
}

static int setup(void **state)
{
    static struct fixture f;

    f = (struct fixture){ .reads = 0 };
    test_world_open(&f.world, NULL);
    *state = &f;
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, test_world_teardown)

static const struct CMUnitTest tests[] = {
    T(every_split_shows_the_same_bytes_and_takes_none),
    T(readable_comes_once_for_bytes_that_come_singly),
    T(the_end_a_read_or_a_smaller_peek_lets_readable_go),
    T(what_was_peeked_at_is_piped_on_once),
    T(in_object_mode_it_is_the_first_message),
    T(what_is_over_says_why),
    T(without_memory_nothing_has_changed),
};

TEST_MAIN(tests)
