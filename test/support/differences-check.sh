#!/bin/sh
# differences-check.sh - every row of docs/node-differences.md names a test, in its last column, that exists in test/ and
# is registered there: `test_FILE.c: NAME`.
set -u

page=docs/node-differences.md
count=0
failed=0

fail()
{
    echo "failed: $page: $*"
    failed=1
}

rows=$(mktemp) || exit 1
trap 'rm -f "$rows"' EXIT
grep '^| ' "$page" | sed 1d >"$rows"

while IFS= read -r row; do
    count=$((count + 1))
    test=$(printf '%s\n' "$row" | sed -n 's/.*| `\([a-z0-9_/]*\.c: [A-Za-z0-9_]*\)` |$/\1/p')
    file=test/${test%%: *}
    name=${test#*: }
    if [ -z "$test" ]; then
        fail "no test for: $row"
    elif [ ! -f "$file" ]; then
        fail "there is no $file"
    elif ! grep -q "^static void $name(void \*\*state)" "$file"; then
        fail "$file has no test $name"
    elif [ "$(tr '\n' ' ' <"$file" | grep -c "[A-Za-z_]( *$name *[,)]")" -eq 0 ]; then
        fail "$file: $name is not registered"
    fi
done <"$rows"

[ "$count" -gt 0 ] || fail "no rows"
[ "$failed" -eq 0 ] && echo "$count differences, each pinned by a test"
exit "$failed"
