/*
 * test_http_head.c - heads of answers, written piece by piece: docs/examples/posix/http_head.h.
 */
#include "main.h"

#include <string.h>

#include "../../docs/examples/posix/http_head.h"

static void assert_holds(const struct http_head *head, const char *text)
{
    assert_int_equal(head->len, strlen(text));
    assert_memory_equal(head->at, text, head->len);
}

static void pieces_follow_one_another(void **state)
{
    char text[64];
    struct http_head head = { .at = text, .room = sizeof(text) };

    (void)state;
    http_put(&head, "Length: ");
    http_put_number(&head, 1024);
    http_put(&head, "");
    http_put_bytes(&head, "\r\n\0", 3);
    assert_int_equal(head.len, 15);
    assert_memory_equal(head.at, "Length: 1024\r\n\0", 15);
}

static void numbers_have_as_many_digits_as_they_need(void **state)
{
    static const struct {
        uint64_t number;
        const char *decimal, *hex;
    } cases[] = {
        { 0, "0", "0" },
        { 9, "9", "9" },
        { 10, "10", "a" },
        { 255, "255", "ff" },
        { UINT64_MAX, "18446744073709551615", "ffffffffffffffff" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[32];
        struct http_head head = { .at = text, .room = sizeof(text) };

        http_put_number(&head, cases[i].number);
        assert_holds(&head, cases[i].decimal);
        head.len = 0;
        http_put_hex(&head, cases[i].number);
        assert_holds(&head, cases[i].hex);
    }
}

static void piece_that_does_not_fit_is_left_out(void **state)
{
    char text[8] = "........";
    struct http_head head = { .at = text, .room = 4 };

    (void)state;
    http_put(&head, "abc");
    http_put(&head, "de");
    http_put_number(&head, 7);
    http_put(&head, "x");
    assert_holds(&head, "abc7");
    assert_memory_equal(text + 4, "....", 4);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(pieces_follow_one_another),
    cmocka_unit_test(numbers_have_as_many_digits_as_they_need),
    cmocka_unit_test(piece_that_does_not_fit_is_left_out),
};

TEST_MAIN(tests)
