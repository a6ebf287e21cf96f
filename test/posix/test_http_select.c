/*
 * test_http_select.c - the paths, dates, conditions and ranges of docs/examples/posix, each with
 * the section of RFC 9110 that decides.
 */
#include "main.h"

#include <string.h>

#include "../../docs/examples/posix/http_date.h"
#include "../../docs/examples/posix/http_select.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct http_text text_of(const char *text)
{
    return (struct http_text){ .at = text, .len = strlen(text) };
}

static void paths_are_decoded_and_never_lead_above_the_root(void **state)
{
    static const struct {
        const char *path, *decoded; /* NULL: refused */
    } cases[] = {
        { "/", "/" },
        { "/a/b.txt", "/a/b.txt" },
        { "/a%20b%C3%BC%7e", "/a b\xC3\xBC~" },
        { "/a//b", "/a//b" },
        { "/./a", "/a" },
        { "/a/./b", "/a/b" },
        { "/a/.", "/a/" },
        { "/a/../b", "/b" },
        { "/a/b/..", "/a/" },
        { "/..", "/" },
        { "/../../a", "/a" },
        { "/a/../../b", "/b" },
        { "/%2e%2E/a", "/a" },
        { "/a/%2e./b", "/b" },
        { "/.a/..b/c..", "/.a/..b/c.." },
        { "/...", "/..." },
        { "//..", "/" },
        { "/a%00", NULL },
        { "/a%2fb", NULL },
        { "/..%2F..%2Fa", NULL },
        { "/a%", NULL },
        { "/a%4", NULL },
        { "/a%4g", NULL },
        { "a", NULL },
        { "", NULL },
    };
    char out[32];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool is_fine = http_decode_path(out, sizeof(out), text_of(cases[i].path));

        if (is_fine != (cases[i].decoded != NULL) ||
            (is_fine && strcmp(out, cases[i].decoded) != 0))
            fail_msg("%s: got %s", cases[i].path, is_fine ? out : "(refused)");
    }
}

static void a_path_needs_room_for_its_end(void **state)
{
    char out[5];

    (void)state;
    assert_true(http_decode_path(out, 5, text_of("/abc")));
    assert_false(http_decode_path(out, 4, text_of("/abc")));
    assert_false(http_decode_path(out, 1, text_of("/")));
}

/* --- dates: 5.6.7 ----------------------------------------------------------------------------- */

#define NOW INT64_C(1795000000) /* Wed, 18 Nov 2026 */

static void dates_are_written_in_the_one_form(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {
        { 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
        { 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
        { 951782399, "Mon, 28 Feb 2000 23:59:59 GMT" },
        { 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
        { 951868800, "Wed, 01 Mar 2000 00:00:00 GMT" },
        { 1709164800, "Thu, 29 Feb 2024 00:00:00 GMT" },
        { INT64_C(4107542400), "Mon, 01 Mar 2100 00:00:00 GMT" },
        { INT64_C(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT" },
        { INT64_MAX, "Fri, 31 Dec 9999 23:59:59 GMT" },
        { -1, "Thu, 01 Jan 1970 00:00:00 GMT" },
    };
    char out[HTTP_DATE_ROOM];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        http_write_date(out, cases[i].seconds);
        assert_string_equal(out, cases[i].text);
    }
}

static void a_date_that_was_written_is_read(void **state)
{
    char out[HTTP_DATE_ROOM];

    (void)state;
    for (int64_t t = 0; t < INT64_C(253402300800); t += 86400 * 17 + 12345) {
        int64_t back = -1;

        http_write_date(out, t);
        assert_true(http_read_date(&back, text_of(out), NOW));
        assert_true(back == t);
    }
}

static void three_forms_of_a_date_are_read_and_nothing_else(void **state)
{
    static const char *const same[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
                                        "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994" };
    static const char *const none[] = {
        "",
        "GMT",
        " GMT",
        "0",
        "784111777",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
    };
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        assert_true(http_read_date(&seconds, text_of(same[i]), NOW));
        assert_int_equal(seconds, 784111777);
    }
    for (size_t i = 0; i < COUNT(none); i++)
        if (http_read_date(&seconds, text_of(none[i]), NOW))
            fail_msg("'%s' is read as a date", none[i]);
}

static void a_year_of_two_digits_is_at_most_50_years_ahead(void **state)
{
    int64_t near, far;

    (void)state;
    assert_true(http_read_date(&near, text_of("Tuesday, 01-Jan-76 00:00:00 GMT"), NOW)); /* 2076 */
    assert_true(http_read_date(&far, text_of("Tuesday, 01-Jan-77 00:00:00 GMT"), NOW));  /* 1977 */
    assert_true(near == INT64_C(3345062400));
    assert_true(far == 220924800);
}

/* --- conditions: 13, ranges: 14 --------------------------------------------------------------- */

#define MODIFIED "Sun, 06 Nov 1994 08:49:37 GMT"
#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_version version = {
    .etag = "\"v,1\"", .modified = 784111777, .now = NOW, .size = 16
};

struct select_case {
    const char *section, *fields;
    int code;
    unsigned first, last;
};

static int ask(struct http_part *part, const char *method, const char *fields,
               const struct http_version *of)
{
    static char text[1024];
    struct http_request request;
    size_t seen = 0;
    int len = snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: x\r\n%s\r\n", method, fields);

    assert_int_equal(http_parse_request(&request, text, (size_t)len, &seen), HTTP_WHOLE);
    return http_select(part, &request, of);
}

static void check(const struct select_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct http_part part;
        int code = ask(&part, "GET", cases[i].fields, &version);

        if (code != cases[i].code || ((code == 200 || code == 206) &&
                                      (part.first != cases[i].first || part.last != cases[i].last)))
            fail_msg("%s (%s): got %d, %u to %u", cases[i].fields, cases[i].section, code,
                     (unsigned)part.first, (unsigned)part.last);
    }
}

#define ALL 0, 15

static void each_condition_is_weighed(void **state)
{
    static const struct select_case cases[] = {
        { "13", "", 200, ALL },
        { "13.1.1", "If-Match: \"v,1\"\r\n", 200, ALL },
        { "13.1.1", "If-Match: *\r\n", 200, ALL },
        { "13.1.1", "If-Match: \"v2\", \"v,1\"\r\n", 200, ALL },
        { "13.1.1", "If-Match: \"v2\"\r\nIf-Match: \"v,1\"\r\n", 200, ALL },
        { "13.1.1", "If-Match: \"v2\"\r\n", 412, 0, 0 },
        { "13.1.1", "If-Match: W/\"v,1\"\r\n", 412, 0, 0 },
        { "13.1.1", "If-Match: v,1\r\n", 412, 0, 0 },
        { "13.1.1", "If-Match:\r\n", 412, 0, 0 },
        { "13.1.2", "If-None-Match: \"v,1\"\r\n", 304, 0, 0 },
        { "13.1.2", "If-None-Match: W/\"v,1\"\r\n", 304, 0, 0 },
        { "13.1.2", "If-None-Match: *\r\n", 304, 0, 0 },
        { "13.1.2", "If-None-Match: \"a\",W/\"b\" ,, \"v,1\"\r\n", 304, 0, 0 },
        { "13.1.2", "If-None-Match: \"v2\"\r\n", 200, ALL },
        { "13.1.2", "If-None-Match: \"V,1\"\r\n", 200, ALL },
        { "13.1.2", "If-None-Match: v,1\r\n", 200, ALL },
        { "13.1.2", "If-None-Match: \"v,1\r\n", 200, ALL },
        { "13.1.3", "If-Modified-Since: " MODIFIED "\r\n", 304, 0, 0 },
        { "13.1.3", "If-Modified-Since: " LATER "\r\n", 304, 0, 0 },
        { "13.1.3", "If-Modified-Since: " BEFORE "\r\n", 200, ALL },
        { "13.1.3", "If-Modified-Since: yesterday\r\n", 200, ALL },
        { "13.1.3", "If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304, 0, 0 },
        { "13.1.3", "If-Modified-Since: " LATER "\r\nIf-Modified-Since: " LATER "\r\n", 200, ALL },
        { "13.1.4", "If-Unmodified-Since: " MODIFIED "\r\n", 200, ALL },
        { "13.1.4", "If-Unmodified-Since: " BEFORE "\r\n", 412, 0, 0 },
        { "13.1.4", "If-Unmodified-Since: never\r\n", 200, ALL },
    };

    (void)state;
    check(cases, COUNT(cases));
}

static void conditions_are_weighed_in_their_order(void **state)
{
    static const struct select_case cases[] = {
        { "13.2.2", "If-Match: \"v,1\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", 200, ALL },
        { "13.2.2", "If-Match: \"v2\"\r\nIf-None-Match: \"v,1\"\r\n", 412, 0, 0 },
        { "13.2.2", "If-Unmodified-Since: " BEFORE "\r\nIf-None-Match: \"v,1\"\r\n", 412, 0, 0 },
        { "13.2.2", "If-None-Match: \"v2\"\r\nIf-Modified-Since: " LATER "\r\n", 200, ALL },
        { "13.2.2", "If-None-Match: \"v,1\"\r\nIf-Modified-Since: " BEFORE "\r\n", 304, 0, 0 },
        { "13.2.2", "If-Match: *\r\nIf-None-Match: \"v,1\"\r\n", 304, 0, 0 },
        { "14.2", "If-None-Match: \"v,1\"\r\nRange: bytes=99-\r\n", 304, 0, 0 },
        { "14.2", "If-Match: \"v2\"\r\nRange: bytes=0-1\r\n", 412, 0, 0 },
    };

    (void)state;
    check(cases, COUNT(cases));
}

static void a_range_is_one_part_of_the_file(void **state)
{
    static const struct select_case cases[] = {
        { "14.1.2", "Range: bytes=4-7\r\n", 206, 4, 7 },
        { "14.1.2", "Range: BYTES=4-7\r\n", 206, 4, 7 },
        { "14.1.2", "Range: bytes=0-0\r\n", 206, 0, 0 },
        { "14.1.2", "Range: bytes=0-15\r\n", 206, 0, 15 },
        { "14.1.2", "Range: bytes=4-\r\n", 206, 4, 15 },
        { "14.1.2", "Range: bytes=4-99\r\n", 206, 4, 15 },
        { "14.1.2", "Range: bytes=4-99999999999999999999999\r\n", 206, 4, 15 },
        { "14.1.2", "Range: bytes=-4\r\n", 206, 12, 15 },
        { "14.1.2", "Range: bytes=-99\r\n", 206, 0, 15 },
        { "14.1.2", "Range: bytes=-99999999999999999999999\r\n", 206, 0, 15 },
        { "14.1.2", "Range: bytes=16-\r\n", 416, 0, 0 },
        { "14.1.2", "Range: bytes=99999999999999999999999-\r\n", 416, 0, 0 },
        { "14.1.2", "Range: bytes=-0\r\n", 416, 0, 0 },
        { "14.1.1", "Range: bytes=7-4\r\n", 200, ALL },
        { "14.1.1", "Range: bytes=-\r\n", 200, ALL },
        { "14.1.1", "Range: bytes=4\r\n", 200, ALL },
        { "14.1.1", "Range: bytes=\r\n", 200, ALL },
        { "14.1.1", "Range: bytes=a-b\r\n", 200, ALL },
        { "14.1.1", "Range: bytes=4-7x\r\n", 200, ALL },
        { "14.1.1", "Range: bytes=--4\r\n", 200, ALL },
        { "14.2", "Range: bytes=0-1,4-7\r\n", 200, ALL },
        { "14.2", "Range: lines=4-7\r\n", 200, ALL },
        { "14.2", "Range: bytes=4-7\r\nRange: bytes=4-7\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: \"v,1\"\r\n", 206, 4, 7 },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: \"v2\"\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: W/\"v,1\"\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: \"v2\", \"v,1\"\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: v,1\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range:\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: *\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: " MODIFIED "\r\n", 206, 4, 7 },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: " LATER "\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=4-7\r\nIf-Range: " BEFORE "\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=99-\r\nIf-Range: \"v2\"\r\n", 200, ALL },
        { "13.1.5", "Range: bytes=99-\r\nIf-Range: \"v,1\"\r\n", 416, 0, 0 },
        { "13.1.5", "If-Range: \"v,1\"\r\n", 200, ALL },
    };

    (void)state;
    check(cases, COUNT(cases));
}

static void a_date_of_this_very_second_does_not_stand_for_a_version(void **state)
{
    struct http_version young = version;
    struct http_part part;

    (void)state;
    young.now = young.modified;
    assert_int_equal(ask(&part, "GET", "Range: bytes=4-7\r\nIf-Range: " MODIFIED "\r\n", &young),
                     200);
    assert_int_equal(ask(&part, "GET", "Range: bytes=4-7\r\nIf-Range: \"v,1\"\r\n", &young), 206);
}

static void a_head_has_conditions_but_no_range(void **state)
{
    struct http_part part;

    (void)state;
    assert_int_equal(ask(&part, "HEAD", "Range: bytes=4-7\r\n", &version), 200);
    assert_int_equal(ask(&part, "HEAD", "Range: bytes=99-\r\n", &version), 200);
    assert_int_equal(ask(&part, "HEAD", "If-None-Match: \"v,1\"\r\n", &version), 304);
}

static void nothing_has_no_range_that_could_be_said(void **state)
{
    struct http_version empty = version;
    struct http_part part;

    (void)state;
    empty.size = 0;
    assert_int_equal(ask(&part, "GET", "", &empty), 200);
    assert_true(part.last - part.first + 1 == 0);
    assert_int_equal(ask(&part, "GET", "Range: bytes=-5\r\n", &empty), 200);
    assert_int_equal(ask(&part, "GET", "Range: bytes=0-\r\n", &empty), 416);
    assert_int_equal(ask(&part, "GET", "Range: bytes=-0\r\n", &empty), 416);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(paths_are_decoded_and_never_lead_above_the_root),
    cmocka_unit_test(a_path_needs_room_for_its_end),
    cmocka_unit_test(dates_are_written_in_the_one_form),
    cmocka_unit_test(a_date_that_was_written_is_read),
    cmocka_unit_test(three_forms_of_a_date_are_read_and_nothing_else),
    cmocka_unit_test(a_year_of_two_digits_is_at_most_50_years_ahead),
    cmocka_unit_test(each_condition_is_weighed),
    cmocka_unit_test(conditions_are_weighed_in_their_order),
    cmocka_unit_test(a_range_is_one_part_of_the_file),
    cmocka_unit_test(a_date_of_this_very_second_does_not_stand_for_a_version),
    cmocka_unit_test(a_head_has_conditions_but_no_range),
    cmocka_unit_test(nothing_has_no_range_that_could_be_said),
};

TEST_MAIN(tests)
