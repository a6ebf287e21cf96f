#!/bin/sh
# readme-check.sh - the lines that README.md shows under "Using it" are typed as they stand there, and after each that compiles
# the program is started. It has a HOME of its own. The lines for root have a /usr/local and an /etc of their own too, which
# takes root or user namespaces: where the system has neither for us, these lines are skipped.
#
# `cc`, `make` and `sudo` are commands of our own, for the compiler and the build of this check, and as the user who runs it.
set -u

BUILD=${BUILD:-build}
CC=${CC:-cc}
MAKE=${MAKE:-make}

fail()
{
    echo "failed: $*"
    exit 1
}

# block NUMBER: the lines of one block of the section; those that need a library that is not here are left out.
block()
{
    awk -v number="$1" '
        /^## / { on = /^## Using it/; next }
        on && /^    / { if (!inside) count++; inside = 1; if (count == number) print substr($0, 5); next }
        { inside = 0 }
    ' README.md | if [ "${POSIX:-1}" = 1 ]; then cat; else grep -v server.c; fi
}

# command_of_ours NAME TEXT
command_of_ours()
{
    printf '#!/bin/sh\n%s\n' "$2" >"$work/bin/$1" && chmod 755 "$work/bin/$1"
}

# whole COMMAND [ARGUMENT...]: with the command's path, since ours will stand before it.
whole()
{
    printf '%s' "$(command -v "$1")"
    shift
    [ $# -eq 0 ] || printf ' %s' "$@"
}

# type_blocks NAME BLOCK...: the blocks in one shell, as a user has them, with all that they print.
type_blocks()
{
    name=$1
    shift
    {
        cat <<'END'
started()
{
    case $1 in
    program.c) ./a.out ;;
    server.c) [ "$(echo 'The quick brown fox' | ./a.out)" = 'The quick brown fox' ] ;;
    esac || { echo "the program of this line does not run"; exit 1; }
    rm a.out
}
END
        for number; do
            block "$number"
        done | awk '{ print } /^cc / { print "started " (/server\.c/ ? "server.c" : "program.c") }'
    } >"$work/$name.sh"
    (cd "$work/dir" && sh -ex "$work/$name.sh") >"$work/$name.log" 2>&1 && return
    cat "$work/$name.log"
    fail "README.md: the lines $name"
}

# --- as root, in a namespace: this script once more ---

if [ "${1:-}" = inside ]; then
    work=$2
    {
        mkdir "$work/etc" && { cp -a /etc/. "$work/etc" || [ -s "$work/etc/ld.so.conf" ]; } &&
            mount --bind "$work/etc" /etc && mount -t tmpfs none /usr/local/lib && mount -t tmpfs none /usr/local/include &&
            { [ ! -d /var/cache/ldconfig ] || mount -t tmpfs none /var/cache/ldconfig; }
    } >"$work/mount.log" 2>&1 || exit 77
    unset PREFIX LIBDIR INCLUDEDIR PKG_CONFIG_PATH LD_LIBRARY_PATH
    # shellcheck disable=SC2046 # a number or nothing
    type_blocks "with root" 1 2 $(cat "$work/static")
    exit 0
fi

# --- what they need ---

if ! command -v pkg-config >/dev/null; then
    [ "${CI:-}" != true ] || fail "there is no pkg-config here"
    echo "skipped: the lines of README.md: there is no pkg-config here"
    exit 77
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/dir" "$work/home"
case $BUILD in
/*) build=$BUILD ;;
*) build=$PWD/$BUILD ;;
esac
for entry in *; do
    [ "$entry" = build ] || ln -s "$PWD/$entry" "$work/dir/$entry"
done
ln -s "$build" "$work/dir/build"
cp test/install/consumer.c "$work/dir/program.c"
cp test/install/posix_consumer.c "$work/dir/server.c"
# shellcheck disable=SC2086 # both are lists of words
command_of_ours cc "exec $(whole $CC) -std=c11 \"\$@\""
# shellcheck disable=SC2086
command_of_ours make "exec $(whole $MAKE) --no-print-directory BUILD='$build' \"\$@\""
command_of_ours sudo 'exec "$@"'
export PATH="$work/bin:$PATH" HOME="$work/home"
unset PREFIX LIBDIR INCLUDEDIR PKG_CONFIG_PATH LD_LIBRARY_PATH

{ [ -n "$(block 5)" ] && [ -z "$(block 6)" ]; } || fail "README.md: there are not five blocks of lines under Using it"

static=4
if ! { echo 'int main(void) { return 0; }' >"$work/probe.c" && cc -static -o "$work/probe" "$work/probe.c"; } \
    >"$work/probe.log" 2>&1; then
    echo "skipped: the static lines of README.md: there is no static C library here"
    static=
fi
echo "$static" >"$work/static"

# --- the lines ---

type_blocks "without installing" 5
# shellcheck disable=SC2086 # a number or nothing
type_blocks "without root" 3 $static
grep -q "^To use it: export PKG_CONFIG_PATH=$HOME/.local/lib/pkgconfig and link with -Wl,-rpath,$HOME/.local/lib\$" \
    "$work/without root.log" || [ "$(uname -s)" != Linux ] || fail "make install does not say how to use it"

as=
[ "$(id -u)" -eq 0 ] || as=-r
status=0
# shellcheck disable=SC2086 # an option or nothing
unshare -m $as true 2>"$work/mount.log" && unshare -m $as sh "$0" inside "$work" || status=$?
case $status in
0) echo "the lines of README.md compile, link and start: with root, without, and without installing" ;;
1) [ -s "$work/with root.log" ] && exit 1 ;;
esac
[ $status -eq 0 ] || {
    echo "skipped: the lines for root: no namespace of our own here ($(tail -n 1 "$work/mount.log"))"
    echo "the lines of README.md compile, link and start: without root, and without installing"
}
