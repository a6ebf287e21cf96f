#!/bin/sh
# builds.sh - makes the library in the other ways that the manual names, each in $BUILD/NAME, and holds each to the tests,
# to Node's traces and to Node's answers.
#
#   no-atomics  a compiler without atomics (ctx.h: cst_post; slice.h: cst_slice_share)
#   no-posix    without libcstream-posix
#   no-debug    NDEBUG, as many programs are built
#   tcc         a compiler that is neither gcc nor clang, where tcc is installed
#   musl        another C library, where its compiler is installed; the tests are left out, since cmocka is not made for it
#   mips, i386  the traces and the answers alone, in an emulator, where there is one: 32 bits, and of the first the most
#               significant byte first and NaNs in an old encoding (buffer.h)
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
# has NAME COMMAND...: whether these are here; else the build is skipped, but not in CI
has()
{
    name=$1
    shift
    for command; do
        command -v "$command" >/dev/null && continue
        [ "${CI:-}" != true ] || { echo "failed: there is no $command here"; failed=1; }
        echo "skipped: the build $name: there is no $command here"
        return 1
    done
}

# tcc lays constants into .data, where imports-check.sh takes them for data that is written.
goals="tests test-tools"
has tcc tcc && build tcc CC=tcc
goals="all imports test-tools"
has musl musl-gcc && build musl CC=musl-gcc
goals=test-tools
emulator=qemu-mips
has mips mips-linux-gnu-gcc $emulator && build mips CC=mips-linux-gnu-gcc LDFLAGS=-static
emulator=qemu-i386
has i386 i686-linux-gnu-gcc $emulator && build i386 CC=i686-linux-gnu-gcc LDFLAGS=-static

[ "$failed" -eq 0 ] && echo "$count other builds pass the tests, and give Node's traces and answers"
exit "$failed"
