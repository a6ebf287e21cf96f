#!/bin/sh
# headers-check.sh - each public header compiles alone, twice in a row, as C11 and as C++, and names nothing private. A header
# of include/cstream/host needs the library of its loop: it is skipped where that is not here, and in a standard of C++ that
# the library does not know.
set -u

CC=${CC:-cc}
CXX=${CXX-c++}
failed=0
count=0
languages="C11"
PKG_CONFIG=${PKG_CONFIG:-pkg-config}

# compile HEADER COMMAND...: HEADER, included twice, through COMMAND.
compile()
{
    header=$1
    shift
    printf '#include <%s>\n#include <%s>\n' "$header" "$header" | "$@" -Iinclude -fsyntax-only - && return
    echo "failed: $header with $*"
    failed=1
}

standards=
if [ -n "$CXX" ] && printf '#include <stdint.h>\nclass c {};\n' | $CXX -x c++ -fsyntax-only - >/dev/null 2>&1; then
    for standard in 98 11 17 20; do
        if echo | $CXX -x c++ "-std=c++$standard" -fsyntax-only - >/dev/null 2>&1; then
            standards="$standards $standard"
            languages="$languages, C++$standard"
        elif [ "${CI:-}" = true ]; then
            echo "failed: $CXX does not know -std=c++$standard"
            failed=1
        fi
    done
elif [ "${CI:-}" = true ]; then
    echo "failed: there is no C++ compiler here"
    failed=1
else
    echo "skipped: the headers as C++: there is no C++ compiler here"
fi

headers=$(echo include/cstream/*.h)
[ "${POSIX:-1}" = 1 ] && headers="$headers $(echo include/cstream/posix/*.h)"

# shellcheck disable=SC2086
for path in $headers; do
    name=${path#include/}
    count=$((count + 1))
    compile "$name" $CC -x c -std=c11 -pedantic-errors -Wall -Wextra -Wstrict-prototypes -Wundef -Werror
    for standard in $standards; do
        compile "$name" $CXX -x c++ "-std=c++$standard" -pedantic-errors -Wall -Wextra -Wold-style-cast -Wundef -Werror
    done
done

# needs HEADER: the header of the library that an adapter needs, and its package or what to compile it with.
needs()
{
    case $1 in
    host) echo "stddef.h" ;;
    uv | uv_stream) echo "uv.h libuv" ;;
    libevent) echo "event2/event.h libevent" ;;
    glib) echo "glib.h glib-2.0" ;;
    libev) echo "ev.h" ;;
    sd_event) echo "systemd/sd-event.h libsystemd" ;;
    *) echo "unknown" ;;
    esac
}

# check_adapter NAME LIBRARY_HEADER [PACKAGE]: uv.h wants more of the system than ISO C.
check_adapter()
{
    flags="-D_POSIX_C_SOURCE=200809L -Werror"
    if [ -n "${3:-}" ]; then
        flags="$flags $($PKG_CONFIG --cflags "$3" 2>/dev/null | sed 's/-I/-isystem /g')"
    fi
    # shellcheck disable=SC2086
    if ! echo "#include <$2>" | $CC -x c -std=c11 $flags -fsyntax-only - >/dev/null 2>&1; then
        echo "skipped: cstream/host/$1.h: no $2 here"
        [ "${CI:-}" != true ] || failed=1
        return
    fi
    count=$((count + 1))
    # shellcheck disable=SC2086
    compile "cstream/host/$1.h" $CC -x c -std=c11 -pedantic-errors -Wall -Wextra -Wstrict-prototypes -Wundef $flags
    for standard in $standards; do
        # shellcheck disable=SC2086
        echo "#include <$2>" | $CXX -x c++ "-std=c++$standard" -pedantic-errors $flags -fsyntax-only - >/dev/null 2>&1 ||
            continue
        # shellcheck disable=SC2086
        compile "cstream/host/$1.h" $CXX -x c++ "-std=c++$standard" -pedantic-errors -Wall -Wextra -Wold-style-cast -Wundef \
            $flags
    done
}

for path in include/cstream/host/*.h; do
    name=$(basename "$path" .h)
    case $name in
    host | uv_stream) ;;
    *) [ "${POSIX:-1}" = 1 ] || continue ;;
    esac
    # shellcheck disable=SC2046
    check_adapter "$name" $(needs "$name")
    headers="$headers $path"
done

# shellcheck disable=SC2086
if grep -n 'cst__' $headers; then
    echo "failed: names of the library's inside in a public header"
    failed=1
fi

[ $failed -eq 0 ] || exit 1
echo "$count headers, each alone, as $languages"
