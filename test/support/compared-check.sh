#!/bin/sh
# compared-check.sh - docs/compared.md: its rows are numbered from 1 without a gap, the counts above the table are right, each
# header, script and test that a row names is there, and each yes names one.
set -u

page=docs/compared.md
failed=0

work=$(mktemp) || exit 1
trap 'rm -f "$work"' EXIT
sed '/^## /q' "$page" | grep '^| [0-9]' >"$work"

counts=$(awk -F ' [|] ' '
    { sub(/^[|] /, "", $1); if ($1 != NR) print "row " NR " is missing"; count[$3]++; if ($2 ~ /\*\*N\*\*$/) { n++; if ($3 == "yes") ny++ } }
    END { print count["yes"] " yes, " count["partly"] " partly, " count["no"] " no; of the " n " N rows " ny " are yes." }
' "$work")
if ! grep -q "^$counts" "$page"; then
    echo "failed: $page: $counts"
    failed=1
fi

# shellcheck disable=SC2016 # backquotes of Markdown
# A test of a program stands behind its name: `test_x` `name_of_the_test`.
grep -o '`test_[a-z_0-9]*`\( `[a-z_0-9]*`\)\{0,1\}' "$work" | sort -u | while read -r program test; do
    program=$(echo "$program" | tr -d '`')
    test=$(echo "${test:-}" | tr -d '`')
    file=$(find test -name "$program.c")
    if [ -z "$file" ] || { [ -n "$test" ] && ! grep -q "\b$test\b" "$file"; }; then
        echo "failed: $page: there is no test $program $test"
    fi
done >"$work.tests"
# shellcheck disable=SC2016
grep -o '`test/[a-z/]*/[a-z-]*\.sh`' "$work" | tr -d '`' | sort -u | while read -r script; do
    [ -f "$script" ] || echo "failed: $page: there is no $script"
done >>"$work.tests"
awk -F ' [|] ' '$3 == "yes" && $4 !~ /`test/ { print "failed: a yes without a test: " $1 }' "$work" >>"$work.tests"
if [ -s "$work.tests" ]; then
    cat "$work.tests"
    failed=1
fi
rm -f "$work.tests"

[ "$failed" -eq 0 ] || exit 1
echo "$counts Each yes names a test that is there"
