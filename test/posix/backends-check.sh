#!/bin/sh
# backends-check.sh - the tests of libcstream-posix once by each backend of cst_loop: those that this system has, by the
# programs with the sanitizers if they are here, and kqueue in the build that has it, which on Linux is over a stand-in. It
# reports as cmocka does.
#
# What `make check` runs by the system's best backend anyway is not run once more.
set -u

build=${BUILD:-build}
limit=
timeout --foreground 9 true >/dev/null 2>&1 && limit="timeout --foreground 300"
failed=0

# run BACKEND PROGRAM...
run()
{
    TEST_BACKEND=$1
    export TEST_BACKEND
    shift
    for program in "$@"; do
        [ -x "$program" ] || continue
        status=0
        # The limit is a list of words.
        # shellcheck disable=SC2086
        $limit "$program" 2>&1 || status=$?
        [ "$status" -eq 0 ] || echo "failed: $program by $TEST_BACKEND: exit $status"
        [ "$status" -eq 0 ] || failed=1
    done
}

tests=$build/asan/test
[ -x "$tests/test_loop" ] || tests=$build/test
for test in test/posix/test_*.c; do
    name=$(basename "$test" .c)
    [ "${name#test_http}" = "$name" ] || continue
    run poll "$tests/$name"
    run kqueue "$build/kqueue/test/$name"
done
exit $failed
