/*
 * test_http_request.c - the parser of docs/examples/posix: every row of http-cases.tsv, whole and
 * in every prefix, and what is asked of a request that was accepted.
 */
#include "main.h"

#include <stdlib.h>
#include <string.h>

#include "../../docs/examples/posix/http_request.h"
#include "http_cases.h"

static const char *const method_names[] = { "UNKNOWN", "GET",    "HEAD",    "POST",    "PUT",
                                            "PATCH",   "DELETE", "CONNECT", "OPTIONS", "TRACE" };

#define TEXT(text) (int)(text).len, (text).at ? (text).at : ""

/* Write what was read, as the column `parser` has it. */
static void render(char *out, size_t room, int code, const struct http_request *request)
{
    char length[32] = "";

    if (code != HTTP_WHOLE) {
        snprintf(out, room, "%d", code);
        return;
    }
    if (request->has_length)
        snprintf(length, sizeof(length), " length=%llu",
                 (unsigned long long)request->content_length);
    snprintf(out, room, "%s %.*s%s%.*s%s%.*s%s%s%s%s%s", method_names[request->method],
             request->path.at ? (int)request->path.len : 1,
             request->path.at ? request->path.at : "-", request->query.at ? " ?" : "",
             TEXT(request->query), request->host.at ? " @" : "", TEXT(request->host),
             request->is_old ? " 1.0" : "", request->keep_alive ? " keep" : " close", length,
             request->is_chunked ? " chunked" : "", request->expects_continue ? " continue" : "");
}

/* Parse bytes in a block of just their size. */
static int parse(struct http_request *out, char **block, const char *text, size_t len, size_t *seen)
{
    *block = malloc(len > 0 ? len : 1);
    assert_non_null(*block);
    memcpy(*block, text, len);
    return http_parse_request(out, *block, len, seen);
}

static void every_case_is_read_as_its_row_says(void **state)
{
    static struct http_case row;
    FILE *in = fopen(HTTP_CASES, "r");
    size_t count = 0;

    (void)state;
    assert_non_null(in);
    for (; http_next_case(&row, in); count++) {
        static char got[16384], wanted[16384];
        struct http_request request;
        size_t seen = 0;
        char *block;
        int code = parse(&request, &block, row.request, row.len, &seen);

        render(got, sizeof(got), code, &request);
        wanted[http_unescape(wanted, row.column[CASE_PARSER], strlen(row.column[CASE_PARSER]))] =
            '\0';
        free(block);
        if (strcmp(got, wanted) != 0)
            fail_msg("%s: wanted '%s' (RFC %s), got '%s'", row.column[CASE_NAME], wanted,
                     row.column[CASE_SECTION], got);
    }
    fclose(in);
    assert_in_range(count, 200, 1000);
}

/* The first prefix that is not partial decides, with the answer of the whole; one call's bytes are
 * where another's were not. */
static void a_request_that_comes_byte_by_byte_is_read_as_the_whole(void **state)
{
    static struct http_case row;
    FILE *in = fopen(HTTP_CASES, "r");

    (void)state;
    assert_non_null(in);
    while (http_next_case(&row, in)) {
        static char whole[16384], parts[16384];
        struct http_request request;
        size_t seen = 0, all = 0, len = 0;
        int code = HTTP_PARTIAL;
        char *block = NULL;

        render(whole, sizeof(whole), http_parse_request(&request, row.request, row.len, &all),
               &request);
        while (code == HTTP_PARTIAL && len < row.len) {
            free(block);
            code = parse(&request, &block, row.request, ++len, &seen);
        }
        render(parts, sizeof(parts), code, &request);
        assert_string_equal(parts, whole);
        assert_true(code != HTTP_WHOLE || (seen == all && seen == len));
        free(block);
    }
    fclose(in);
}

static void what_follows_a_head_is_left(void **state)
{
    static const char two[] =
        "\r\nGET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: y\r\n\r\n";
    struct http_request request;
    size_t seen = 0, second = 0;

    (void)state;
    assert_int_equal(http_parse_request(&request, two, sizeof(two) - 1, &seen), HTTP_WHOLE);
    assert_true(http_is_exactly(request.path, "/a"));
    assert_string_equal(two + seen, "GET /b HTTP/1.1\r\nHost: y\r\n\r\n");
    assert_int_equal(http_parse_request(&request, two + seen, sizeof(two) - 1 - seen, &second),
                     HTTP_WHOLE);
    assert_true(http_is_exactly(request.path, "/b"));
    assert_int_equal(seen + second, sizeof(two) - 1);
}

static void a_head_of_8192_bytes_is_read_and_one_more_is_too_many(void **state)
{
    static char text[HTTP_MOST_HEAD + 1];
    static const char begin[] = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
    struct http_request request;
    size_t seen = 0;

    (void)state;
    memset(text, 'a', sizeof(text));
    memcpy(text, begin, sizeof(begin) - 1);
    memcpy(text + HTTP_MOST_HEAD - 4, "\r\n\r\n", 4);
    assert_int_equal(http_parse_request(&request, text, HTTP_MOST_HEAD, &seen), HTTP_WHOLE);
    assert_int_equal(seen, HTTP_MOST_HEAD);
    memcpy(text + HTTP_MOST_HEAD - 4, "a\r\n\r\n", 5);
    seen = 0;
    assert_int_equal(http_parse_request(&request, text, HTTP_MOST_HEAD - 1, &seen), HTTP_PARTIAL);
    assert_int_equal(http_parse_request(&request, text, HTTP_MOST_HEAD + 1, &seen), 431);
}

static void the_method_of_a_refused_request_is_known(void **state)
{
    static const char text[] = "HEAD /a HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n";
    struct http_request request;
    size_t seen = 0;

    (void)state;
    assert_int_equal(http_parse_request(&request, text, sizeof(text) - 1, &seen), 400);
    assert_int_equal(request.method, HTTP_HEAD);
}

static void fields_are_found_by_name_in_any_case(void **state)
{
    static const char text[] =
        "GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nX-A:\r\nACCEPT:  b, ,c\t\r\n\r\n";
    struct http_request request;
    struct http_text value, member, fields;
    struct http_field field;
    size_t seen = 0, count = 0;

    (void)state;
    assert_int_equal(http_parse_request(&request, text, sizeof(text) - 1, &seen), HTTP_WHOLE);
    assert_int_equal(http_find_field(&value, &request, "accept"), 2);
    assert_true(http_is_exactly(value, "b, ,c"));
    assert_true(http_next_member(&member, &value));
    assert_true(http_is_exactly(member, "b"));
    assert_true(http_next_member(&member, &value));
    assert_true(http_is_exactly(member, "c"));
    assert_false(http_next_member(&member, &value));
    assert_int_equal(http_find_field(&value, &request, "x-a"), 1);
    assert_int_equal(value.len, 0);
    assert_int_equal(http_find_field(&value, &request, "x"), 0);
    for (fields = request.fields; http_next_field(&field, &fields); count++)
        assert_true(field.name.len > 0);
    assert_int_equal(count, 4);
}

static void numbers_are_digits_that_fit(void **state)
{
    const struct http_text most = { "18446744073709551615", 20 },
                           more = { "18446744073709551616", 20 };
    const struct http_text none = { "", 0 }, sign = { "+1", 2 };
    uint64_t number = 7;

    (void)state;
    assert_true(http_parse_number(&number, most));
    assert_true(number == UINT64_MAX);
    assert_false(http_parse_number(&number, more));
    assert_false(http_parse_number(&number, none));
    assert_false(http_parse_number(&number, sign));
}

static void statuses_have_words(void **state)
{
    (void)state;
    assert_string_equal(http_reason(404), "Not Found");
    assert_string_equal(http_reason(505), "HTTP Version Not Supported");
    assert_string_equal(http_reason(500), "Internal Server Error");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(every_case_is_read_as_its_row_says),
    cmocka_unit_test(a_request_that_comes_byte_by_byte_is_read_as_the_whole),
    cmocka_unit_test(what_follows_a_head_is_left),
    cmocka_unit_test(a_head_of_8192_bytes_is_read_and_one_more_is_too_many),
    cmocka_unit_test(the_method_of_a_refused_request_is_known),
    cmocka_unit_test(fields_are_found_by_name_in_any_case),
    cmocka_unit_test(numbers_are_digits_that_fit),
    cmocka_unit_test(statuses_have_words),
};

TEST_MAIN(tests)
