#!/bin/sh
# long-check.sh - runs test_long.c, long lines and much data, with a stack that does not grow beyond what is said here.
set -u

build=${BUILD:-build}

if ! (ulimit -s 64) 2>/dev/null; then
    echo 'skipped: the stack cannot be limited here'
    exit 77
fi

# in_stack KIB PATTERN
in_stack()
{
    (ulimit -s "$1" && "$build/test/test_long" "$2" >"$build/long-check.log" 2>&1) && return
    cat "$build/long-check.log"
    echo "failed: $2 in a stack of $1 KiB"
    exit 1
}

in_stack 64 '*__nested_32'
in_stack 96 '*__nested_64'
echo '10,000 stages and a million chunks fit a stack of 64 KiB at a nesting of 32, of 96 KiB at one of 64'
