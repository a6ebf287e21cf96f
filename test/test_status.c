/*
 * test_status.c - the table of codes, the two open ranges, and the version.
 */
#include "main.h"

#include <limits.h>
#include <string.h>

#include <cstream/base.h>

struct row {
    const char *name;
    cst_status status;
    const char *text;
};

#define ROW(name, value, text) { #name, name, text },
static const struct row rows[] = { CST_STATUS_TABLE(ROW) };
#undef ROW

static const size_t row_count = sizeof rows / sizeof rows[0];

static void every_code_has_its_name_and_its_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        assert_string_equal(cst_status_name(rows[i].status), rows[i].name);
        assert_string_equal(cst_status_text(rows[i].status), rows[i].text);
        assert_int_equal(cst_status_os(rows[i].status), 0);
    }
}

/* What runs is more than deferred tasks: timers and immediates count too. */
static void texts_say_what_the_headers_say(void **state)
{
    (void)state;
    assert_string_equal(cst_status_text(CST_IDLE), "nothing can run now");
    assert_string_equal(cst_status_text(CST_MORE), "more is left to run");
    assert_string_equal(cst_status_text(CST_E_OUT_OF_RANGE),
                        "a size, an index or a value is out of range");
    assert_string_equal(cst_status_text(CST_E_DESTROYED),
                        "the stream was destroyed, or its context is being freed");
    assert_string_equal(cst_status_text(CST_E_TIMEOUT), "a limit on time was reached");
    assert_string_equal(cst_status_text(CST_E_STALL), "nothing can go on");
}

static void no_two_codes_are_equal_and_the_negative_ones_are_the_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        assert_int_equal(rows[i].status < 0, strncmp(rows[i].name, "CST_E_", 6) == 0);
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(rows[i].status, rows[k].status);
    }
}

static void texts_are_one_clause_without_a_full_stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < row_count; i++) {
        const char *text = rows[i].text;

        assert_true(strlen(text) > 0);
        assert_null(strpbrk(text, ".\n"));
    }
}

static void the_values_are_the_abi_and_do_not_move(void **state)
{
    (void)state;
    assert_int_equal(CST_OK, 0);
    assert_int_equal(CST_FULL, 1);
    assert_int_equal(CST_EMPTY, 2);
    assert_int_equal(CST_EOF, 3);
    assert_int_equal(CST_PENDING, 4);
    assert_int_equal(CST_SWALLOW, 5);
    assert_int_equal(CST_GIVEN, 6);
    assert_int_equal(CST_IDLE, 7);
    assert_int_equal(CST_MORE, 8);
    assert_int_equal(CST_E_INVALID_ARG, -1);
    assert_int_equal(CST_E_NOMEM, -2);
    assert_int_equal(CST_E_OUT_OF_RANGE, -3);
    assert_int_equal(CST_E_NESTED, -4);
    assert_int_equal(CST_E_UNHANDLED, -5);
    assert_int_equal(CST_E_UNSUPPORTED, -6);
    assert_int_equal(CST_E_WRITE_AFTER_END, -7);
    assert_int_equal(CST_E_DESTROYED, -8);
    assert_int_equal(CST_E_PREMATURE_CLOSE, -9);
    assert_int_equal(CST_E_PUSH_AFTER_EOF, -10);
    assert_int_equal(CST_E_UNSHIFT_AFTER_END_EVENT, -11);
    assert_int_equal(CST_E_ALREADY_FINISHED, -12);
    assert_int_equal(CST_E_UNABLE_TO_PIPE, -13);
    assert_int_equal(CST_E_MULTIPLE_CALLBACK, -14);
    assert_int_equal(CST_E_ABORT, -15);
    assert_int_equal(CST_E_BUFFER_OUT_OF_BOUNDS, -16);
    assert_int_equal(CST_E_INVALID_BUFFER_SIZE, -17);
    assert_int_equal(CST_E_INVALID_CHAR_FOUND, -18);
    assert_int_equal(CST_E_TIMEOUT, -19);
    assert_int_equal(CST_E_LIMIT, -20);
    assert_int_equal(CST_E_STALL, -21);
    assert_int_equal(CST_USER(0), -65536);
    assert_int_equal(CST_OS(0), -131072);
}

static void a_programs_own_codes_are_named_over_their_whole_range(void **state)
{
    static const int numbers[] = { 0, 1, 4711, 65534, 65535 };

    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_string_equal(cst_status_name(CST_USER(numbers[i])), "CST_USER");
        assert_string_equal(cst_status_text(CST_USER(numbers[i])), "the program's own error");
        assert_int_equal(cst_status_os(CST_USER(numbers[i])), 0);
    }
}

static void an_errno_comes_back_over_the_whole_range(void **state)
{
    (void)state;
    for (int number = 0; number <= 65535; number++)
        assert_int_equal(cst_status_os(CST_OS(number)), number);
    assert_string_equal(cst_status_name(CST_OS(0)), "CST_OS");
    assert_string_equal(cst_status_name(CST_OS(65535)), "CST_OS");
    assert_string_equal(cst_status_text(CST_OS(2)), "the host's own error");
}

static void what_is_no_status_is_unknown_and_has_a_text_all_the_same(void **state)
{
    static const cst_status strays[] = { INT32_MAX,       CST_REFUSED + 1,   CST_STATUS_LAST_ - 1,
                                         CST_USER(0) + 1, CST_OS(65535) - 1, INT32_MIN };

    (void)state;
    for (size_t i = 0; i < sizeof strays / sizeof strays[0]; i++) {
        assert_string_equal(cst_status_name(strays[i]), "CST_UNKNOWN");
        assert_string_equal(cst_status_text(strays[i]), "not a status of this library");
        assert_int_equal(cst_status_os(strays[i]), 0);
    }
}

static void the_two_ranges_lie_side_by_side(void **state)
{
    (void)state;
    assert_int_equal(CST_USER(65535) - 1, CST_OS(0));
    assert_string_equal(cst_status_name(CST_USER(65535)), "CST_USER");
    assert_string_equal(cst_status_name(CST_USER(65535) - 1), "CST_OS");
}

static void the_library_is_of_the_headers_version(void **state)
{
    char text[32];

    (void)state;
    assert_int_equal(cst_version(), CST_VERSION);
    snprintf(text, sizeof text, "%d.%d.%d", cst_version() / 10000, cst_version() / 100 % 100,
             cst_version() % 100);
    assert_string_equal(text, CST_VERSION_STRING);
}

static void an_error_has_room_for_what_is_kept(void **state)
{
    (void)state;
    assert_int_equal(sizeof(cst_error), sizeof(void *) + 16);
    assert_int_equal(offsetof(cst_error, direction), sizeof(void *) + 14);
}

/* --- the text of an error --------------------------------------------------------------------- */

static char *words_of_os(int n)
{
    static char reset[] = "connection reset";

    return n == 104 ? reset : NULL;
}

static void assert_text(const cst_error *error, char *(*os_text)(int), const char *expected)
{
    char text[200];
    size_t size = sizeof(text);

    assert_int_equal(cst_error_text(text, &size, error, os_text), CST_OK);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
}

static void an_error_is_told_with_all_its_parts(void **state)
{
    cst_error error = { .stage = "socket",
                        .status = CST_USER(7),
                        .cause = CST_OS(104),
                        .stream = 3,
                        .index = 2,
                        .direction = CST_WRITING };

    (void)state;
    assert_text(&error, words_of_os,
                "socket #3 (stage 2, writing): the program's own error 7: connection reset");
    assert_text(
        &error, NULL,
        "socket #3 (stage 2, writing): the program's own error 7: the host's own error 104");
    error.cause = CST_OS(2);
    assert_text(&error, words_of_os,
                "socket #3 (stage 2, writing): the program's own error 7: the host's own error 2");
}

static void empty_parts_of_an_error_are_left_out(void **state)
{
    (void)state;
    assert_text(&(cst_error){ .stage = "", .status = CST_E_ABORT }, NULL,
                "the operation was aborted");
    assert_text(&(cst_error){ .status = CST_E_ABORT, .cause = CST_E_NOMEM }, NULL,
                "the operation was aborted: out of memory");
    assert_text(&(cst_error){ .stage = "a", .status = CST_E_NOMEM, .direction = CST_READING }, NULL,
                "a (reading): out of memory");
    assert_text(&(cst_error){ .stage = "a", .status = CST_E_NOMEM, .index = 65535 }, NULL,
                "a (stage 65535): out of memory");
    assert_text(&(cst_error){ .stage = "a", .status = CST_E_NOMEM, .stream = UINT32_MAX }, NULL,
                "a #4294967295: out of memory");
    assert_text(&(cst_error){ .stage = "", .status = CST_E_NOMEM, .stream = 9 }, NULL,
                "#9: out of memory");
    assert_text(&(cst_error){ .stage = "", .status = CST_E_NOMEM, .direction = CST_WRITING }, NULL,
                "(writing): out of memory");
}

static void the_numbers_of_both_ranges_are_told(void **state)
{
    (void)state;
    assert_text(&(cst_error){ .status = CST_USER(0) }, NULL, "the program's own error 0");
    assert_text(&(cst_error){ .status = CST_USER(65535) }, NULL, "the program's own error 65535");
    assert_text(&(cst_error){ .status = CST_OS(0) }, words_of_os, "the host's own error 0");
    assert_text(&(cst_error){ .status = CST_OS(65535) }, NULL, "the host's own error 65535");
    assert_text(&(cst_error){ .status = -22 }, NULL, "not a status of this library");
    assert_text(&(cst_error){ .status = INT_MIN }, NULL, "not a status of this library");
}

static void the_text_of_an_error_is_cut_where_the_room_ends(void **state)
{
    const cst_error error = { .stage = "a", .status = CST_E_NOMEM };
    char text[20];
    size_t size = 0;

    (void)state;
    assert_int_equal(cst_error_text(NULL, &size, &error, NULL), CST_E_OUT_OF_RANGE);
    assert_int_equal(size, 16);
    assert_int_equal(cst_error_text(text, &size, &error, NULL), CST_E_OUT_OF_RANGE);
    assert_int_equal(size, 16);
    assert_string_equal(text, "a: out of memor");
    size = 17;
    assert_int_equal(cst_error_text(text, &size, &error, NULL), CST_OK);
    assert_string_equal(text, "a: out of memory");
}

static void the_text_of_an_error_needs_its_arguments(void **state)
{
    const cst_error error = { .stage = "a", .status = CST_E_NOMEM };
    char text[4] = "abc";
    size_t size = sizeof(text);

    (void)state;
    assert_int_equal(cst_error_text(text, NULL, &error, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_error_text(text, &size, NULL, NULL), CST_E_INVALID_ARG);
    assert_int_equal(cst_error_text(NULL, &size, &error, NULL), CST_E_INVALID_ARG);
    assert_int_equal(size, sizeof(text));
    assert_string_equal(text, "abc");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_error_is_told_with_all_its_parts),
    cmocka_unit_test(empty_parts_of_an_error_are_left_out),
    cmocka_unit_test(the_numbers_of_both_ranges_are_told),
    cmocka_unit_test(the_text_of_an_error_is_cut_where_the_room_ends),
    cmocka_unit_test(the_text_of_an_error_needs_its_arguments),
    cmocka_unit_test(an_error_has_room_for_what_is_kept),
    cmocka_unit_test(every_code_has_its_name_and_its_text),
    cmocka_unit_test(texts_say_what_the_headers_say),
    cmocka_unit_test(no_two_codes_are_equal_and_the_negative_ones_are_the_errors),
    cmocka_unit_test(texts_are_one_clause_without_a_full_stop),
    cmocka_unit_test(the_values_are_the_abi_and_do_not_move),
    cmocka_unit_test(a_programs_own_codes_are_named_over_their_whole_range),
    cmocka_unit_test(an_errno_comes_back_over_the_whole_range),
    cmocka_unit_test(what_is_no_status_is_unknown_and_has_a_text_all_the_same),
    cmocka_unit_test(the_two_ranges_lie_side_by_side),
    cmocka_unit_test(the_library_is_of_the_headers_version),
};

TEST_MAIN(tests)
