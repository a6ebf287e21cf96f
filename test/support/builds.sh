#!/bin/sh
# builds.sh - makes the library in the other ways that the manual names, each in $BUILD/NAME, and holds each to the tests,
# to Node's traces and to Node's answers.
#
#   no-atomics  a compiler without atomics (ctx.h: cst_post; slice.h: cst_slice_share)
#   no-posix    without libcstream-posix
#   no-debug    NDEBUG, as many programs are built
#   tcc         a compiler that is neither gcc nor clang, where tcc is installed
#   mips        the traces and the answers alone, in an emulator, where there is one: 32 bits, the most significant byte first,
#               NaNs in an old encoding (buffer.h)
#
# The others have their checks already: the sanitizers' build defines CST_CHECK and CST_NO_CACHE, headers-check.sh reads the
# headers as C++, install-check.sh links static and shared.
set -u

BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
failed=0
count=0

# build NAME ARGUMENT...: shows what failed, or one line. $goals is what to make, $emulator what runs it.
goals="tests imports test-tools"
emulator=
build()
{
    name=$1
    dir=$BUILD/$name
    shift
    mkdir -p "$dir"
    # Both are lists of words.
    # shellcheck disable=SC2086
    if $MAKE --no-print-directory $goals BUILD="$dir" "$@" >"$dir/log" 2>&1 &&
        $emulator "$dir/test/scenario" --replay test/conformance/corpus/*.txt >>"$dir/log" 2>&1 &&
        $emulator "$dir/test/buffer-questions" --replay test/conformance/questions/*.txt >>"$dir/log" 2>&1; then
        echo "ok      $name: $(grep -E '^[0-9]+ passed, 0 failed$|^[0-9]+ answers are' "$dir/log" | head -n 1)"
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
    goals="tests test-tools" # tcc lays constants into .data, where imports-check.sh takes them for data that is written
    build tcc CC=tcc
else
    [ "${CI:-}" != true ] || { echo "failed: there is no tcc here"; failed=1; }
    echo "skipped: a build by tcc: there is no tcc here"
fi

if command -v mips-linux-gnu-gcc >/dev/null && command -v qemu-mips >/dev/null; then
    goals=test-tools emulator=qemu-mips
    build mips CC=mips-linux-gnu-gcc LDFLAGS=-static
else
    [ "${CI:-}" != true ] || { echo "failed: there is no compiler for MIPS here, or no qemu-mips"; failed=1; }
    echo "skipped: a build for MIPS: there is no compiler for it here, or no qemu-mips"
fi

[ "$failed" -eq 0 ] && echo "$count other builds pass the tests, and give Node's traces and answers"
exit "$failed"
