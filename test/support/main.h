/*
 * main.h - the main of a test program.
 *
 *     static const struct CMUnitTest tests[] = { cmocka_unit_test(empty_slices_own_nothing), ... };
 *     TEST_MAIN(tests)
 *
 * The program takes a pattern (* and ?) that picks cases by name. It exits with 0 if every test
 * that was picked has passed, with 1 if one failed, and with 2 if the pattern picks none: a
 * misspelt name does not pass.
 */
#ifndef CST_TEST_MAIN_H
#define CST_TEST_MAIN_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>

/* The first line of a case that posts to a context or shares bytes. A build without atomics refuses
 * both: test_post.c and test_slice.c have the cases for that. */
#ifdef __STDC_NO_ATOMICS__
#define TEST_NEEDS_ATOMICS() skip()
#else
#define TEST_NEEDS_ATOMICS() ((void)0)
#endif

/* Match as cmocka's own filter does, which cannot be asked. */
static inline bool test_name_matches(const char *name, const char *pattern)
{
    const char *star = NULL;
    const char *resume = name;

    while (*name != '\0') {
        if (*pattern == '*') {
            star = pattern++;
            resume = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star != NULL) {
            pattern = star + 1;
            name = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static inline bool test_select(int argc, char **argv, const struct CMUnitTest *tests, size_t count)
{
    if (argc < 2)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (test_name_matches(tests[i].name, argv[1])) {
            cmocka_set_test_filter(argv[1]);
            return true;
        }
    }
    fprintf(stderr, "%s: no test matches '%s'\n", argv[0], argv[1]);
    return false;
}

#define TEST_MAIN(tests)                                                         \
    int main(int argc, char **argv)                                              \
    {                                                                            \
        if (!test_select(argc, argv, tests, sizeof(tests) / sizeof((tests)[0]))) \
            return 2;                                                            \
        return cmocka_run_group_tests(tests, NULL, NULL) == 0 ? 0 : 1;           \
    }

#endif
