#!/bin/sh
# snippets-check.sh - every block of C in the guide's first pages stands in a program that is compiled: its lines, one below
# the other, without regard to how far they are indented. Those of docs/examples/first_steps do what the page says, and what
# docs/examples/backpressure.c prints is what its page shows. Every name of the library that a page of the guide mentions is in a
# header.
set -u

BUILD=${BUILD:-build}
pages="first-steps ownership backpressure errors questions"
failed=0
count=0

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# Prints the first line of each block of page $1 that no example has, then the number of its blocks.
missing()
{
    # shellcheck disable=SC2046 # a list of files
    awk '
        function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
        FILENAME != page { text[FILENAME] = text[FILENAME] trim($0) "\n"; next }
        /^```c$/ { inside = 1; block = ""; first = ""; next }
        /^```$/ && inside {
            inside = 0
            blocks++
            found = 0
            for (name in text)
                if (index("\n" text[name], "\n" block))
                    found = 1
            if (!found)
                print "failed: " page ": no example has the block that begins with: " first
            next
        }
        inside { block = block trim($0) "\n"; if (first == "") first = trim($0) }
        END { print blocks + 0 }
    ' page="$1" $(find docs/examples -name '*.[ch]') "$1"
}

for page in $pages; do
    out=$(missing "docs/guide/$page.md")
    count=$((count + $(printf '%s\n' "$out" | tail -n 1)))
    if printf '%s\n' "$out" | grep '^failed'; then
        failed=1
    fi
done

# shellcheck disable=SC2016 # backquotes of Markdown
for name in $(grep -hoE '`(cst|CST)_[A-Za-z_0-9]+' docs/guide/*.md | tr -d '`' | sort -u); do
    grep -rqw -- "$name" include/cstream Makefile && continue
    echo "failed: docs/guide: $name is in no header"
    failed=1
done

printed=$("$BUILD/examples/backpressure")
shown=$(sed -n '/^     ms  source/,/^$/s/^    //p' docs/guide/backpressure.md)
if [ "$printed" != "$shown" ]; then
    echo "failed: docs/guide/backpressure.md does not show what backpressure prints"
    failed=1
fi

# prints NAME TEXT [EXPECTED]: the program, with TEXT as its input, prints EXPECTED.
prints()
{
    # shellcheck disable=SC2059 # the texts are formats
    if [ "$(printf "$2" | "$BUILD/examples/first_steps/$1"; echo .)" != "$(printf "$3"; echo .)" ]; then
        echo "failed: $1 of '$2'"
        failed=1
    fi
}

prints copy 'one\ntwo' 'one\ntwo'
prints copy '' ''
prints upper 'one\ntwo' 'ONE\nTWO'
prints number 'one\r\n\nthree' '     1  one\n     2  \n     3  three\n'
prints number '' ''
for program in copy upper number; do
    said=$("$BUILD/examples/first_steps/$program" 2>&1 </)
    [ $? -eq 1 ] && [ "$said" = "$program: file-source (stage 1, reading): Is a directory" ] && continue
    echo "failed: $program of a directory says: $said"
    failed=1
done

if [ -x "$BUILD/examples/first_steps/server" ]; then
    "$BUILD/examples/first_steps/server" 0 >"$work/address" &
    server=$!
    while [ ! -s "$work/address" ] && kill -0 $server 2>/dev/null; do sleep 0.05; done
    port=$(sed 's/.*://' "$work/address")
    for text in 'one\ntwo' 'a'; do
        # shellcheck disable=SC2059 # the texts are formats
        [ "$(printf "$text" | "$BUILD/test/http_raw" ask "$port")" = "$(printf "$text" | "$BUILD/examples/first_steps/number")" ] &&
            continue
        echo "failed: server of '$text'"
        failed=1
    done
    kill $server
    wait $server 2>/dev/null
fi

[ "$failed" -eq 0 ] || exit 1
echo "$count blocks of C in the guide stand in programs that are compiled, which do what it says"
