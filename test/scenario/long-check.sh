#!/bin/sh
# long-check.sh - runs test_long.c, long lines, deep compositions and much data, with a stack that does not grow beyond what is said here.
set -u

build=${BUILD:-build}

# Without optimisation the frames are nearly twice as large.
case " ${CFLAGS:--O2}" in
*' -O'[1-3gs]*) room=1 ;;
*) room=2 ;;
esac

# A shell that cannot says so.
# shellcheck disable=SC3045
if ! (ulimit -s 64) 2>/dev/null; then
    echo 'skipped: the stack cannot be limited here'
    exit 77
fi

# in_stack KIB PATTERN
# shellcheck disable=SC3045
in_stack()
{
    (ulimit -s $(($1 * room)) && LONG=1 "$build/test/test_long" "$2" >"$build/long-check.log" 2>&1) && return
    cat "$build/long-check.log"
    echo "failed: $2 in a stack of $(($1 * room)) KiB"
    exit 1
}

in_stack 64 '*__nested_32'
in_stack 96 '*__nested_64'
echo "10,000 stages, 20,000 compositions and a million chunks fit a stack of $((64 * room)) KiB at a nesting of 32, of $((96 * room)) KiB at one of 64"
