#!/bin/sh
# examples-check.sh - build/examples/upper and demo as a user meets them: what they make equals what tr makes, and every
# file that cannot be read or written ends them with one line on standard error and an exit status that is not 0.
set -u

BUILD=${BUILD:-build}
upper=$BUILD/examples/upper
demo=$BUILD/examples/demo
dir=$BUILD/examples/check

fail()
{
    echo "failed: $*"
    exit 1
}

# refuses WORDS COMMAND...: COMMAND fails, and all it says on standard error is one line, which ends with WORDS.
refuses()
{
    words=$1
    shift
    "$@" >"$dir/stdout" 2>"$dir/stderr" </dev/null && fail "$*: exit 0"
    [ "$(wc -l <"$dir/stderr")" -eq 1 ] || fail "$*: not one line: $(cat "$dir/stderr")"
    case $(cat "$dir/stderr") in
    *": $words") ;;
    *) fail "$*: $(cat "$dir/stderr")" ;;
    esac
}

rm -rf "$dir"
mkdir -p "$dir" || exit 1
cat src/*/*.c include/cstream/*.h >"$dir/text"
LC_ALL=C
export LC_ALL
# shellcheck disable=SC2018,SC2019 # in this locale that is all there is
tr a-z A-Z <"$dir/text" >"$dir/expected"

# --- upper ---
"$upper" "$dir/text" "$dir/out" || fail "upper IN OUT"
cmp "$dir/out" "$dir/expected" || fail "upper IN OUT differs from tr"
"$upper" <"$dir/text" >"$dir/out" || fail "upper"
cmp "$dir/out" "$dir/expected" || fail "upper differs from tr"
# shellcheck disable=SC2002 # it is the pipe that is tried
cat "$dir/text" | "$upper" | cmp - "$dir/expected" || fail "upper between pipes differs from tr"
: >"$dir/empty"
"$upper" "$dir/empty" "$dir/out" || fail "upper of an empty file"
[ -s "$dir/out" ] && fail "upper of an empty file made something"

refuses "$dir/none: No such file or directory" "$upper" "$dir/none"
refuses "$dir: Is a directory" "$upper" "$dir" "$dir/out"
refuses "$dir: Is a directory" "$upper" "$dir/text" "$dir"
refuses "$dir/none/out: No such file or directory" "$upper" "$dir/text" "$dir/none/out"

# --- demo ---
"$demo" "$dir/text" "$dir/out" >"$dir/table" 2>"$dir/stderr" || fail "demo: $(cat "$dir/stderr")"
[ -s "$dir/stderr" ] && fail "demo: draws a bar where there is no terminal"
cmp "$dir/out" "$dir/expected" || fail "demo FILE OUT differs from tr"
grep -q 'same as tr a-z A-Z  *yes  *yes$' "$dir/table" || fail "demo: no table"
[ ! -c /dev/null ] || { "$demo" /dev/null 2>"$dir/stderr" && fail "demo of a device"; }
"$demo" "$dir/empty" "$dir/out" >/dev/null || fail "demo of an empty file"
cp "$dir/text" "$dir/a name with \$HOME and 'quotes'"
"$demo" "$dir/a name with \$HOME and 'quotes'" >/dev/null || fail "demo of a name that a shell would change"

refuses "$dir/none: No such file or directory" "$demo" "$dir/none" "$dir/out"
refuses "$dir: Is a directory" "$demo" "$dir" "$dir/out"
refuses "$dir/none/out: No such file or directory" "$demo" "$dir/text" "$dir/none/out"
refuses "is the file that is to be read" "$demo" "$dir/text" "$dir/text"
refuses "differs from what tr makes of the file" "$demo" "$dir/text" /dev/null
cmp -s "$dir/text" "$dir/expected" && fail "demo has written to its input"

if [ -w /dev/full ]; then
    refuses "/dev/full: No space left on device" "$upper" "$dir/text" /dev/full
    refuses "/dev/full: No space left on device" "$demo" "$dir/text" /dev/full
fi
if [ "$(id -u)" -ne 0 ]; then
    chmod 000 "$dir/out"
    refuses "$dir/out: Permission denied" "$upper" "$dir/out"
    refuses "$dir/out: Permission denied" "$demo" "$dir/out" "$dir/other"
fi

# --- posix/copy ---
copy=$BUILD/examples/posix/copy
if [ -x "$copy" ] && [ "${POSIX:-1}" = 1 ]; then
    rm -f "$dir/out"
    "$copy" "$dir/text" "$dir/out" || fail "copy IN OUT"
    cmp "$dir/text" "$dir/out" || fail "copy IN OUT differs"
    # shellcheck disable=SC2002 # it is the pipe that is tried
    cat "$dir/text" | "$copy" | cmp - "$dir/text" || fail "copy between pipes differs"
    "$copy" "$dir/text" - | cmp - "$dir/text" || fail "copy IN - differs"
    "$copy" <"$dir/text" >"$dir/out" || fail "copy with redirections"
    cmp "$dir/text" "$dir/out" || fail "copy with redirections differs"
    refuses "No such file or directory" "$copy" "$dir/none" "$dir/out"
    refuses "Is a directory" "$copy" "$dir" "$dir/out"
    [ ! -w /dev/full ] || refuses "No space left on device" "$copy" "$dir/text" /dev/full
fi

# --- loops ---
[ "$("$BUILD/examples/serial_line" 2>"$dir/stderr")" = "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG" ] ||
    fail "serial_line: $(cat "$dir/stderr")"
"$BUILD/examples/host_loop" >"$dir/stdout" || fail "host_loop: $(cat "$dir/stdout")"

# Both are for machines without a system: neither they nor what they take from the library know of malloc.
NM=${NM:-nm}
for name in serial_line loops/superloop; do
    "$NM" "$BUILD/obj/docs/examples/$name.o" | grep -q ' cst_ctx_new$' || fail "$name: nm cannot read its object"
    if "$NM" "$BUILD/obj/docs/examples/$name.o" | grep -E ' U (malloc|calloc|realloc|free|cst_allocator_malloc)$' ||
        "$NM" "$BUILD/examples/$name" 2>/dev/null |
        grep -E ' (U (malloc|calloc|realloc|free)(@.*)?|. cst_allocator_malloc)$'; then
        fail "$name calls malloc"
    fi
done

rm -rf "$dir"
echo "upper and demo equal tr; each file that cannot be used gets one line"
