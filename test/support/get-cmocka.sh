#!/bin/sh
# get-cmocka.sh - finds cmocka, the test library, and installs it if it is missing and may be installed.
#
# Leaves the flags to compile with it in $BUILD/cmocka.cflags, those to link with it in $BUILD/cmocka.libs. Never waits for
# a password.
#
# Environment: DEPS  install: install it, as root or by `sudo -n`, or say what to type
#                    none: never install
#                    not set: install as root, which mostly is a container with nobody to ask; else say what to type
set -u

BUILD=${BUILD:-build}
CC=${CC:-cc}
mkdir -p "$BUILD" || exit 1
log=$BUILD/cmocka.log
: >"$log"

cat >"$BUILD/cmocka-probe.c" <<'END'
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
int main(void) { cmocka_set_test_filter("*"); return 0; }
END

# try CFLAGS LIBS: whether a program builds and runs with these; keeps them if so.
try()
{
    printf '%s\n' "$1" >"$BUILD/cmocka.cflags.new"
    printf '%s\n' "$2" >"$BUILD/cmocka.libs"
    # CC may be a command with arguments.
    # shellcheck disable=SC2086
    if $CC "@$BUILD/cmocka.cflags.new" -o "$BUILD/cmocka-probe" "$BUILD/cmocka-probe.c" "@$BUILD/cmocka.libs" \
        >>"$log" 2>&1 && "$BUILD/cmocka-probe" >>"$log" 2>&1; then
        mv "$BUILD/cmocka.cflags.new" "$BUILD/cmocka.cflags"
        return 0
    fi
    rm -f "$BUILD/cmocka.cflags.new"
    return 1
}

# Its headers are a system's: our warnings are not meant for them.
find_cmocka()
{
    if pkg-config --exists cmocka 2>/dev/null; then
        try "$(pkg-config --cflags cmocka | sed 's/-I */-isystem /g')" "$(pkg-config --libs cmocka)" && return 0
    fi
    try "" "-lcmocka" && return 0
    prefix=$(brew --prefix cmocka 2>/dev/null) || return 1
    try "-isystem $prefix/include" "-L$prefix/lib -lcmocka -Wl,-rpath,$prefix/lib"
}

find_cmocka && exit 0

DEPS=${DEPS:-}
case $DEPS in
install | '') ;;
none)
    echo "cmocka (the test library) is missing, and DEPS=none forbids to install it" >&2
    exit 1
    ;;
*)
    echo "DEPS=$DEPS: DEPS is install, none or not set" >&2
    exit 1
    ;;
esac
if [ -z "$DEPS" ] && [ "$(id -u)" -ne 0 ]; then
    echo "cmocka (the test library) is missing: type \`make deps\`" >&2
    exit 1
fi

if command -v apt-get >/dev/null; then
    commands="apt-get update && apt-get install -y libcmocka-dev"
elif command -v dnf >/dev/null; then
    commands="dnf install -y libcmocka-devel"
elif command -v apk >/dev/null; then
    commands="apk add cmocka-dev"
elif command -v brew >/dev/null; then
    commands="brew install cmocka"
else
    echo "cmocka (the test library) is missing, and no package manager known here has it: see https://cmocka.org" >&2
    exit 1
fi

run=
by_hand=$commands
if [ "${commands#brew}" = "$commands" ] && [ "$(id -u)" -ne 0 ]; then
    by_hand="sudo sh -c '$commands'"
    if sudo -n true >/dev/null 2>&1; then
        run="sudo -n"
    else
        echo "cmocka (the test library) is missing. To install it, type: $by_hand" >&2
        exit 1
    fi
fi

echo "cmocka (the test library) is missing; installing it: $commands" >&2
# shellcheck disable=SC2086
$run env DEBIAN_FRONTEND=noninteractive sh -c "$commands" >>"$log" 2>&1 </dev/null
find_cmocka && exit 0

tail -n 20 "$log" >&2
echo "cmocka could not be installed ($log says why). To try by hand, type: $by_hand" >&2
exit 1
