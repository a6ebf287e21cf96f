#!/bin/sh
# fence-check.sh - the rules of the streams know of the fast path (src/express) by four hooks, by what writes back, and by
# one door; and the plain library has nothing of it.
#
#   a hook     in a file that includes express/express.h: `cst__express_write`, `_deliver`, `_flow`, `_read_ahead`, and `.show`
#   the door   cst__enter, cst__is_running and the pointer that they ask for, in src/ctx/ctx_internal.h
#   an assert  that no field lags: CST__ASSERT(... room.express ...)
#
# Prints how many lines of each there are; any other line outside src/express that names the fast path is a failure.
# Environment: BUILD, NM; the plain library is looked at where there is one (BUILD/plain).
set -u

build=${BUILD:-build}
plain=$build/plain/libcstream.a
status=0

lines=$(find src -name '*.[ch]' ! -path 'src/express/*' | LC_ALL=C sort | xargs grep -n 'express') || exit 1

# kind PATTERN: counts the lines that match, and takes them out of the rest.
kind()
{
    count=$(printf '%s\n' "$lines" | grep -cE "$1")
    lines=$(printf '%s\n' "$lines" | grep -vE "$1")
}

kind ':#include "express/express\.h"$'
includes=$count
kind '^src/stream/[a-z_]+\.c:[0-9]+:.*(cst__express_(write|deliver|flow|read_ahead)\(|\.show = cst__express_show)'
hooks=$count
kind ':[0-9]+: *CST__ASSERT\(.*!.*room\.express'
asserts=$count
kind '^src/ctx/ctx_internal\.h:[0-9]+:.*(struct cst__express \*express;|ctx->room\.express)'
door=$count

if [ -n "$lines" ]; then
    echo "failed: the fast path is named outside src/express:"
    printf '%s\n' "$lines"
    status=1
fi
if [ "$includes" -gt 4 ] || [ "$hooks" -ne 5 ] || [ "$door" -ne 3 ]; then
    echo "failed: $includes files include express.h, $hooks lines are hooks, $door lines are the door's"
    status=1
fi
if [ -f "$plain" ] && "${NM:-nm}" "$plain" | grep 'cst__express'; then
    echo "failed: the plain library has these"
    status=1
fi
[ $status -ne 0 ] || echo "the fast path is named by $hooks hooks in $includes files, $door lines of the door, $asserts asserts"
exit $status
