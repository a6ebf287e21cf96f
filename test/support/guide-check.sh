#!/bin/sh
# guide-check.sh - docs/guide/from-node.md and the programs in docs/examples/from_node/ say the same, and the programs do
# what they say.
#
#   /* Node: FORM */ in a program, and the C after it (to the end of the line, or of what a parenthesis holds open), is a
#   row `FORM` | `C` of the guide, word for word; and every such row of the guide is in a program. A last comma or opening
#   brace is left out.
#
#   Each program ends well and prints what stands behind "It prints:" in its first comment.
#
#   Each of Node's names that a public header gives behind "Node:" is in a row of the guide.
set -u

BUILD=${BUILD:-build}
guide=docs/guide/from-node.md
dir=docs/examples/from_node
programs=$(echo "$dir"/*.c docs/examples/posix/from_node.c)
failed=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# FORM<tab>C of a program's marked lines.
marked()
{
    awk '
        function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
        form == "" && match($0, /\/\* Node: .* \*\//) {
            form = substr($0, RSTART + 9, RLENGTH - 12)
            code = ""
            next
        }
        form != "" {
            code = code (code == "" || code ~ /\($/ ? "" : " ") trim($0)
            open = gsub(/\(/, "(", code) - gsub(/\)/, ")", code)
            if (open > 0)
                next
            sub(/ \/\*.*\*\/$/, "", code)
            sub(/( \{|,)$/, "", code)
            print form "\t" code
            form = ""
        }
        END { if (form != "") print form "\t" "(nothing)" }
    ' "$@"
}

# The files are a list of words.
# shellcheck disable=SC2086
marked $programs | LC_ALL=C sort -u >"$work/programs"
sed -n 's/^| `\(.*\)` | `\(.*\)` |$/\1	\2/p' "$guide" | sed 's/\\|/|/g' | LC_ALL=C sort -u >"$work/guide"
[ -s "$work/programs" ] || { echo "failed: no line of $dir is marked"; exit 1; }

LC_ALL=C comm -23 "$work/programs" "$work/guide" >"$work/missing"
LC_ALL=C comm -13 "$work/programs" "$work/guide" >"$work/surplus"
if [ -s "$work/missing" ]; then
    echo "failed: not in $guide:"
    cat "$work/missing"
    failed=1
fi
if [ -s "$work/surplus" ]; then
    echo "failed: in $guide, but in no program:"
    cat "$work/surplus"
    failed=1
fi

for file in $programs; do
    [ "$file" = docs/examples/posix/from_node.c ] && [ "${POSIX:-1}" != 1 ] && continue
    program=$BUILD/examples/$(expr "$file" : 'docs/examples/\(.*\)\.c')
    sed -n '/It prints:/,/\*\//s/^ \*     //p' "$file" >"$work/expected"
    "$program" >"$work/printed" 2>&1 </dev/null || { echo "failed: $program: exit $?"; failed=1; }
    diff "$work/expected" "$work/printed" || { echo "failed: $program prints something else"; failed=1; }
done

# Names with a dot or a capital letter: single words are words of English too. Not looked for: classes that are no stream's
# own, fields of a decoder that Node does not document, and the names of headers.
left_out=' EventEmitter lastNeed lastTotal totalLength h '
names=$(cat include/cstream/*.h include/cstream/posix/*.h | sed 's|^ */\{0,1\}\*\{1,2\} \{0,1\}||' | tr '\n' ' ' |
    grep -oE 'Node: ([^.*]|\.[A-Za-z])*' | grep -oE '[A-Za-z][A-Za-z0-9]*(\.[A-Za-z][A-Za-z0-9]*)*' |
    grep -E '\.|[a-z][A-Z]|[a-z][0-9]' | sed 's/.*\.//' | sort -u)
[ "$(echo "$names" | wc -l)" -ge 60 ] || { echo "failed: few of Node's names are found in the headers"; failed=1; }
for name in $names; do
    case $left_out in
    *" $name "*) continue ;;
    esac
    grep '^| `' "$guide" | grep -qw -- "$name" || { echo "failed: a header names Node's $name, $guide does not"; failed=1; }
done

[ "$failed" -eq 0 ] && echo "$(wc -l <"$work/guide") forms of Node's, each with a line of a program that runs"
exit "$failed"
