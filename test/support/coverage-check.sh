#!/bin/sh
# coverage-check.sh - the recorded corpus alone, replayed in every way, reaches each line of the fast path: so each line of
# it was compared with what Node does. Shows the lines that it misses.
#
# Environment: FILES  the files that must be reached whole (all of src/express)
#              GCOV   the program that reads the counts (gcov)
set -u

build=${BUILD:-build}
gcov=${GCOV:-gcov}
files=${FILES:-$(find src/express -name '*.[ch]' 2>/dev/null | LC_ALL=C sort)}
log=$build/cov/replay.log

[ -n "$files" ] || { echo "failed: no files to look at: there is no src/express, and FILES is empty"; exit 1; }
command -v "$gcov" >/dev/null || { echo "skipped: there is no $gcov here"; exit 77; }

find "$build/cov/obj" -name '*.gcda' -exec rm -f {} +

# replay WAY FILE...
replay()
{
    way=$1
    shift
    # A way is a list of words.
    # shellcheck disable=SC2086
    "$build/cov/test/scenario" $way --replay "$@" >"$log" 2>&1 ||
        { tail -n 20 "$log"; echo "failed: $build/cov/test/scenario $way --replay ..."; exit 1; }
}

for way in '' --explicit '--task-budget 1' --copy --deaf --ask --foreign; do
    replay "$way" test/conformance/corpus/*.txt
done
for way in '--byte-budget 5' '--byte-budget 20'; do
    replay "$way" test/conformance/corpus/cut.txt
done

# A line of a header is reached if it was in any of the objects.
find "$build/cov/obj/src" -name '*.gcda' | LC_ALL=C sort | xargs "$gcov" -t 2>/dev/null | awk -v files="$files" '
    BEGIN {
        n = split(files, list, /[ \n]+/)
        for (i = 1; i <= n; i++)
            wanted[list[i]] = 1
    }
    {
        count = line = $0
        sub(/:.*/, "", count)
        gsub(/[ *]/, "", count)
        sub(/^[^:]*: */, "", line)
        number = line + 0
        sub(/^[0-9]*:/, "", line)
    }
    number == 0 && line ~ /^Source:/ { file = substr(line, 8); there[file] = 1; next }
    number == 0 || !(file in wanted) || count == "-" { next }
    {
        key = file SUBSEP number
        if (!(key in reached))
            lines++
        if (count !~ /^[#=]/)
            reached[key] = 1
        else if (!(key in reached))
            reached[key] = 0
        text[key] = line
        if (number > last[file])
            last[file] = number
    }
    END {
        for (i = 1; i <= n; i++) {
            if (!(list[i] in there) && list[i] ~ /\.c$/) {
                print "failed: nothing was counted in " list[i]
                failed = 1
            }
            for (at = 1; at <= last[list[i]]; at++) {
                key = list[i] SUBSEP at
                if (key in reached && !reached[key]) {
                    printf "%s:%d: %s\n", list[i], at, text[key]
                    missed++
                }
            }
        }
        if (missed)
            printf "failed: %d of %d lines of the fast path are reached by no recorded scenario\n", missed, lines
        if (missed || failed || !lines)
            exit 1
        printf "the recorded corpus alone reaches all %d lines of the fast path\n", lines
    }'
