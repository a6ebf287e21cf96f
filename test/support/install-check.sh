#!/bin/sh
# install-check.sh - `make install` into a directory of our own; a program outside the tree finds the library there with
# nothing but pkg-config, shared and static; `make uninstall` leaves no file.
set -u

BUILD=${BUILD:-build}
CC=${CC:-cc}
MAKE=${MAKE:-make}
case $BUILD in
/*) root=$BUILD/install ;;
*) root=$PWD/$BUILD/install ;;
esac

fail()
{
    echo "failed: $*"
    exit 1
}

# make_quietly ARGUMENT...: the same build as ours, so that nothing is compiled again.
make_quietly()
{
    $MAKE --no-print-directory BUILD="$BUILD" "$@" || fail "make $*"
}

no_file_in()
{
    left=$(find "$1" ! -type d)
    [ -z "$left" ] || fail "uninstall left: $left"
}

rm -rf "$root"
version=$(sed -n 's/^.define CST_VERSION_STRING "\(.*\)"/\1/p' include/cstream/base.h)

# Staged, as a packager does it: everything below DESTDIR, which no file names.
make_quietly install DESTDIR="$root/stage" PREFIX=/usr LIBDIR=/usr/lib/here
for file in lib/here/libcstream.a lib/here/libcstream.so "lib/here/libcstream.so.$version" lib/here/libcstream.so.0 \
    lib/here/pkgconfig/libcstream.pc include/cstream/cstream.h include/cstream/host/uv_stream.h; do
    [ -f "$root/stage/usr/$file" ] || fail "DESTDIR: no $file"
done
if [ "${POSIX:-1}" = 1 ]; then
    for file in lib/here/libcstream-posix.a lib/here/libcstream-posix.so "lib/here/libcstream-posix.so.$version" \
        lib/here/libcstream-posix.so.0 lib/here/pkgconfig/libcstream-posix.pc include/cstream/posix/posix.h \
        include/cstream/host/libevent.h; do
        [ -f "$root/stage/usr/$file" ] || fail "DESTDIR: no $file"
    done
fi
if grep -n stage "$root/stage/usr/lib/here/pkgconfig/"*.pc; then
    fail "DESTDIR got into a .pc file"
fi
make_quietly uninstall DESTDIR="$root/stage" PREFIX=/usr LIBDIR=/usr/lib/here
no_file_in "$root/stage"

# In place, and used.
prefix=$root/prefix
make_quietly install DESTDIR= PREFIX="$prefix" LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include"

if ! command -v pkg-config >/dev/null; then
    [ "${CI:-}" != true ] || fail "there is no pkg-config here"
    make_quietly uninstall DESTDIR= PREFIX="$prefix" LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include"
    no_file_in "$prefix"
    echo "skipped: a program that finds the library: there is no pkg-config here"
    exit 77
fi

hosts=
outside=$(mktemp -d) || exit 1
trap 'rm -rf "$outside"' EXIT
cp test/install/consumer.c "$outside" || exit 1

export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
pkg-config --validate libcstream || fail "libcstream.pc is not valid"
[ "$(pkg-config --modversion libcstream)" = "$version" ] || fail "libcstream.pc is not version $version"

# CC and what pkg-config says are lists of words. -pedantic-errors: a consumer's own flags are as strict as ours.
# shellcheck disable=SC2046,SC2086
(
    cd "$outside" || exit 1
    $CC -std=c11 -pedantic-errors consumer.c $(pkg-config --cflags --libs libcstream) -o shared ||
        fail "no program with pkg-config --cflags --libs"
    LD_LIBRARY_PATH=$prefix/lib ./shared || fail "the program with the shared library"
    how=-static
    if ! $CC -std=c11 -static consumer.c $(pkg-config --static --cflags --libs libcstream) -o static 2>static.log; then
        # No static C library here: ours alone, then.
        how="libcstream.a by name"
        $CC -std=c11 consumer.c $(pkg-config --static --cflags libcstream) \
            $(pkg-config --static --libs libcstream | sed "s|-lcstream|$prefix/lib/libcstream.a|") -o static ||
            { cat static.log; fail "no program with pkg-config --static"; }
    fi
    ./static || fail "the program with the static library"
    echo "$how" >how
) || exit 1
if [ "$(uname -s)" = Linux ] && command -v ldd >/dev/null; then
    LD_LIBRARY_PATH=$prefix/lib ldd "$outside/shared" | grep -q "$prefix/lib/libcstream.so.0" ||
        fail "the shared program does not use libcstream.so.0"
    if ldd "$outside/static" 2>/dev/null | grep -q cstream; then
        fail "the static program uses the shared library"
    fi
fi

# CMake finds it too, also if all has been moved.
if command -v cmake >/dev/null; then
    cp test/install/consumer.c test/install/posix_consumer.c test/install/CMakeLists.txt "$outside" || exit 1
    for where in "$prefix" "$root/moved"; do
        [ "$where" = "$prefix" ] || cp -R "$prefix" "$where" || exit 1
        rm -rf "$outside/cmake"
        { cmake -S "$outside" -B "$outside/cmake" -DCMAKE_PREFIX_PATH="$where" && cmake --build "$outside/cmake"; } \
            >"$outside/cmake.log" 2>&1 || { cat "$outside/cmake.log"; fail "CMake, from $where"; }
        "$outside/cmake/shared" || fail "the shared program by CMake"
        "$outside/cmake/static" || fail "the static program by CMake"
        if [ "${POSIX:-1}" = 1 ]; then
            [ "$(echo 'The quick brown fox' | "$outside/cmake/posix")" = 'The quick brown fox' ] ||
                fail "the program with libcstream-posix by CMake"
        fi
    done
    rm -rf "$root/moved"
    # Before 1.0 a minor version is compatible with itself alone.
    mkdir "$outside/version" || exit 1
    # shellcheck disable=SC2016 # CMake expands it
    printf 'cmake_minimum_required(VERSION 3.13)\nproject(version LANGUAGES C)\nfind_package(libcstream ${WANTED} REQUIRED)\n' \
        >"$outside/version/CMakeLists.txt"
    for wanted in "$version" 0.1 0.3 1.0; do
        rm -rf "$outside/cmake"
        if cmake -S "$outside/version" -B "$outside/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="$wanted" >"$outside/cmake.log" 2>&1; then
            [ "$wanted" = "$version" ] || fail "find_package takes $version for $wanted"
        else
            [ "$wanted" != "$version" ] || { cat "$outside/cmake.log"; fail "find_package of $wanted"; }
        fi
    done
    cmake=" and CMake"
elif [ "${CI:-}" = true ]; then
    fail "there is no cmake here"
fi

# The second library, which names the first one itself.
if [ "${POSIX:-1}" = 1 ]; then
    pkg-config --validate libcstream-posix || fail "libcstream-posix.pc is not valid"
    [ "$(pkg-config --modversion libcstream-posix)" = "$version" ] || fail "libcstream-posix.pc is not version $version"
    cp test/install/posix_consumer.c "$outside" || exit 1
    # shellcheck disable=SC2046,SC2086
    (
        cd "$outside" || exit 1
        $CC -std=c11 -pedantic-errors posix_consumer.c $(pkg-config --cflags --libs libcstream-posix) -o shared ||
            fail "no program with libcstream-posix"
        [ "$(echo 'The quick brown fox' | LD_LIBRARY_PATH=$prefix/lib ./shared)" = 'The quick brown fox' ] ||
            fail "the program with the shared libcstream-posix"
        $CC -std=c11 posix_consumer.c $(pkg-config --static --cflags libcstream-posix) \
            $(pkg-config --static --libs libcstream-posix |
                sed "s|-lcstream-posix|$prefix/lib/libcstream-posix.a|; s|-lcstream|$prefix/lib/libcstream.a|") -o static ||
            fail "no program with libcstream-posix.a"
        [ "$(echo 'The quick brown fox' | ./static)" = 'The quick brown fox' ] ||
            fail "the program with libcstream-posix.a"
    ) || exit 1

    # Under other loops, by one call each.
    cp test/install/host_consumer.c "$outside" || exit 1
    for host in LIBUV:libuv GLIB:glib-2.0 LIBEVENT:libevent; do
        package=${host#*:}
        if ! pkg-config --exists "$package"; then
            [ "${CI:-}" != true ] || fail "there is no $package here"
            continue
        fi
        # shellcheck disable=SC2046,SC2086
        (
            cd "$outside" || exit 1
            $CC -std=c11 "-DWITH_${host%:*}" host_consumer.c $(pkg-config --cflags --libs libcstream-posix "$package") \
                -o shared || fail "no program with $package"
            [ "$(echo 'The quick brown fox' | LD_LIBRARY_PATH=$prefix/lib ./shared)" = 'The quick brown fox' ] ||
                fail "the program with $package"
            [ "$(LD_LIBRARY_PATH=$prefix/lib ./shared <host_consumer.c | cksum)" = "$(cksum <host_consumer.c)" ] ||
                fail "the program with $package, from a file"
        ) || exit 1
        hosts="$hosts${hosts:+ and }$package"
    done
    ! pkg-config --print-requires libcstream libcstream-posix | grep -v '^libcstream' || fail "a .pc file requires more"
fi

make_quietly uninstall DESTDIR= PREFIX="$prefix" LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include"
no_file_in "$prefix"
echo "installed, found by pkg-config${cmake:-}, linked shared and static ($(cat "$outside/how")), attached to ${hosts:-nothing}, uninstalled"
