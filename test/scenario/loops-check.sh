#!/bin/sh
# loops-check.sh - the programs of docs/examples/loops: under each loop the same program comes to the same end, and prints
# what docs/examples/loops/echo.h says; and what docs/guide/host-loop.md quotes of a loop stands in its file, and each line of
# C that it shows in a program or an adapter.
#
# Environment: LOOPS             the directories below build/ that hold them (examples asan/examples)
#              SKIPPED_EXAMPLES  what was not built, since a library of the loop's is not here
set -u

BUILD=${BUILD:-build}
dir=docs/examples/loops
guide=docs/guide/host-loop.md
failed=0
count=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

limit=
timeout --foreground 9 true >/dev/null 2>&1 && limit="timeout --foreground 60"

sed -n '/It prints:/,/ISO C/s/^ \*     //p' "$dir/echo.h" >"$work/expected"
[ -s "$work/expected" ] || { echo "failed: $dir/echo.h does not say what is printed"; exit 1; }

# run PROGRAM: counts it, or says why not.
run()
{
    status=0
    # The limit is a list of words.
    # shellcheck disable=SC2086
    $limit "$1" >"$work/printed" 2>"$work/errors" </dev/null || status=$?
    if [ "$status" -eq 77 ]; then
        cat "$work/printed"
    elif [ "$status" -ne 0 ] || [ -s "$work/errors" ] || ! cmp -s "$work/expected" "$work/printed"; then
        echo "failed: $1: exit $status"
        diff "$work/expected" "$work/printed"
        cat "$work/errors"
        failed=1
    else
        count=$((count + 1))
    fi
}

# quotes FILE: each piece of code in the rows of the guide's tables that begin with FILE, a line each.
quotes()
{
    # shellcheck disable=SC2016 # no expansion is wanted
    grep -F "| [$1](" "$guide" | grep -o '`[^`]*`' | tr -d '`' | LC_ALL=C sort -u
}

# The files' lines may be broken anywhere.
check_quotes()
{
    tr -s ' \n' '  ' <"$dir/$1" >"$work/words"
    quotes "$1" >"$work/quotes"
    [ -s "$work/quotes" ] || { echo "failed: $guide has no row for $1"; failed=1; }
    while IFS= read -r quote; do
        grep -qF -- "$quote" "$work/words" || { echo "failed: $guide: not in $1: $quote"; failed=1; }
    done <"$work/quotes"
}

# The guide's blocks of C: each line is a whole line of a program.
check_blocks()
{
    sed 's/^ *//' docs/examples/host_loop.c docs/examples/serial_line.c "$dir"/*.c include/cstream/host/*.h >"$work/programs"
    # shellcheck disable=SC2016 # likewise
    sed -n '/^ *```c$/,/^ *```$/p' "$guide" | grep -v '```' | sed 's/^ *//' >"$work/lines"
    [ -s "$work/lines" ] || { echo "failed: $guide shows no C"; failed=1; }
    while IFS= read -r line; do
        [ -z "$line" ] || grep -qxF -- "$line" "$work/programs" || {
            echo "failed: $guide: in no program: $line"
            failed=1
        }
    done <"$work/lines"
}

check_blocks
for file in "$dir"/*.c; do
    grep -q '^int main' "$file" || continue
    name=loops/$(basename "$file" .c)
    check_quotes "$(basename "$file")"
    [ "${POSIX:-1}" = 1 ] || ! grep -q '"peers.h"' "$file" || continue
    case " ${SKIPPED_EXAMPLES:-} " in
    *" $name "*)
        echo "skipped: $file: its library is not here"
        continue
        ;;
    esac
    for kind in ${LOOPS:-examples asan/examples}; do
        [ "$kind" = asan/examples ] && [ ! -d "$BUILD/$kind" ] && continue
        run "$BUILD/$kind/$name"
    done
done

[ "$failed" -eq 0 ] && [ "$count" -gt 0 ] && echo "$count programs print the same"
