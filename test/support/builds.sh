#!/bin/sh
# builds.sh - makes the library in the other ways that the manual names, each in $BUILD/NAME, and holds each to the tests,
# to Node's traces and to Node's answers.
#
#   no-atomics  a compiler without atomics (ctx.h: cst_post; slice.h: cst_slice_share)
#   no-posix    without libcstream-posix
#   no-debug    NDEBUG, as many programs are built
#   tcc         a compiler that is neither gcc nor clang, where tcc is installed
#
# The others have their checks already: the sanitizers' build defines CST_CHECK and CST_NO_CACHE, headers-check.sh reads the
# headers as C++, install-check.sh links static and shared.
set -u

BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
failed=0
count=0

# build NAME ARGUMENT...: shows what failed, or one line.
build()
{
    name=$1
    dir=$BUILD/$name
    shift
    mkdir -p "$dir"
    if $MAKE --no-print-directory tests imports test-tools BUILD="$dir" "$@" >"$dir/log" 2>&1 &&
        "$dir/test/scenario" --replay test/conformance/corpus/*.txt >>"$dir/log" 2>&1 &&
        "$dir/test/buffer-questions" --replay test/conformance/questions/*.txt >>"$dir/log" 2>&1; then
        echo "ok      $name: $(grep -E '^[0-9]+ passed, 0 failed$' "$dir/log")"
        count=$((count + 1))
    else
        grep -vE '^ok|^\[ +(RUN|OK)|^  ' "$dir/log"
        echo "FAILED  $name ($dir/log)"
        failed=1
    fi
}

build no-atomics CPPFLAGS=-D__STDC_NO_ATOMICS__
build no-posix POSIX=0
build no-debug CPPFLAGS=-DNDEBUG
if command -v tcc >/dev/null; then
    build tcc CC=tcc
else
    [ "${CI:-}" != true ] || { echo "failed: there is no tcc here"; failed=1; }
    echo "skipped: a build by tcc: there is no tcc here"
fi

[ "$failed" -eq 0 ] && echo "$count other builds pass the tests, and give Node's traces and answers"
exit "$failed"
