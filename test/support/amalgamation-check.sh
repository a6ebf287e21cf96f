#!/bin/sh
# amalgamation-check.sh TEST... - the amalgamation compiles as C11 without a warning, has the names of the library and no
# more, and passes the same tests: the programs named are linked with it and run. A program outside the tree is built with a
# copy of it, by CMake and by meson where they are.
set -u

BUILD=${BUILD:-build}
CC=${CC:-cc}
dir=$BUILD/amalgamation

fail()
{
    echo "failed: $*"
    exit 1
}

rm -rf "$dir"
sh pkgconfig/amalgamate.sh "$dir" || fail "amalgamate.sh"
mkdir -p "$dir/test"
# CC and CFLAGS are lists of words.
# shellcheck disable=SC2086
for half in cstream cstream-posix; do
    [ $half = cstream ] || [ "${POSIX:-1}" = 1 ] || continue
    $CC -std=c11 ${CFLAGS:--O2} -Wall -Wextra -Werror -fvisibility=hidden -c "$dir/$half.c" -o "$dir/$half.o" ||
        fail "$half.c does not compile"
    ${NM:-nm} "$dir/$half.o" | sed -n 's/.* T //p' | sort >"$dir/names"
    ${NM:-nm} "$BUILD/lib$half.a" | sed -n 's/.* T //p' | sort | cmp -s - "$dir/names" ||
        fail "$half.c has other names than lib$half.a"
done

# The tests of the examples, and of other loops, need more than the library.
count=0
for test; do
    name=$(basename "$test")
    case $name in
    test_http* | test_host* | test_require) continue ;;
    test_reentrancy) beside="$BUILD/obj/test/scenario/reentrancy_calls.o" ;;
    *) beside= ;;
    esac
    object=$(find "$BUILD/obj/test" -name "$name.o")
    case $object in
    */posix/*) beside="$beside $dir/cstream-posix.o -pthread" ;;
    esac
    # shellcheck disable=SC2086
    $CC "$object" "$BUILD"/obj/test/support/*.o $beside "$dir/cstream.o" "@$BUILD/cmocka.libs" -o "$dir/test/$name" ||
        fail "$name does not link"
    "$dir/test/$name" >"$dir/log" 2>&1 || { cat "$dir/log"; fail "$name"; }
    count=$((count + 1))
done

# A program outside the tree, which has a copy.
outside=$(mktemp -d) || exit 1
trap 'rm -rf "$outside"' EXIT
by=
if command -v cmake >/dev/null; then
    mkdir -p "$outside/cmake" && cp -r "$dir" "$outside/cmake/cstream" || exit 1
    sed 's|<cstream/cstream.h>|"cstream.h"|' test/install/consumer.c >"$outside/cmake/consumer.c"
    cp test/install/vendored/CMakeLists.txt "$outside/cmake/" || exit 1
    { cmake -S "$outside/cmake" -B "$outside/cmake/build" && cmake --build "$outside/cmake/build"; } >"$outside/log" 2>&1 ||
        { cat "$outside/log"; fail "CMake"; }
    "$outside/cmake/build/consumer" || fail "the program by CMake"
    by="$by CMake"
fi
if command -v meson >/dev/null; then
    mkdir -p "$outside/meson/subprojects" && cp -r "$dir" "$outside/meson/subprojects/cstream" || exit 1
    sed 's|<cstream/cstream.h>|"cstream.h"|' test/install/consumer.c >"$outside/meson/consumer.c"
    cp test/install/vendored/meson.build "$outside/meson/" || exit 1
    { meson setup "$outside/meson/build" "$outside/meson" && meson compile -C "$outside/meson/build"; } >"$outside/log" 2>&1 ||
        { cat "$outside/log"; fail "meson"; }
    "$outside/meson/build/consumer" || fail "the program by meson"
    by="$by meson"
fi
echo "4 files, no warning, the names of the library, $count test programs pass; built by the compiler$by"
