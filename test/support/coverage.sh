#!/bin/sh
# coverage.sh PROGRAM... - how much of src these tests, the recorded corpus and the recorded questions reach: a line for each
# file, the worst first, in $BUILD/cov/report.txt. The sources with their counts are in $BUILD/cov/gcov/.
set -u

build=${BUILD:-build}
gcov=${GCOV:-gcov}
report=$build/cov/report.txt

command -v "$gcov" >/dev/null || { echo "skipped: there is no $gcov here"; exit 0; }
find "$build/cov/obj" -name '*.gcda' -exec rm -f {} +
sh test/support/tally.sh "$@" >"$build/cov/tests.log" || { cat "$build/cov/tests.log"; exit 1; }
"$build/cov/test/buffer-questions" --replay test/conformance/questions/*.txt >"$build/cov/replay.log" || exit 1
"$build/cov/test/scenario" --replay test/conformance/corpus/*.txt >"$build/cov/replay.log" || exit 1

rm -rf "$build/cov/gcov" && mkdir -p "$build/cov/gcov" || exit 2
find "$build/cov/obj/src" -name '*.gcda' | LC_ALL=C sort | xargs "$gcov" -t 2>/dev/null | awk -v dir="$build/cov/gcov" '
    function finish() {
        if (out == "" || !lines)
            return
        close(out)
        printf "%6.2f %% of %4d lines  %s\n", 100 * reached / lines, lines, file
        all += lines
        all_reached += reached
    }
    / 0:Source:/ {
        finish()
        file = $0
        sub(/.* 0:Source:/, "", file)
        lines = reached = 0
        out = ""
        if (file ~ /^src\/.*\.c$/) {
            out = file
            gsub("/", "-", out)
            out = dir "/" out ".gcov"
        }
    }
    out == "" { next }
    { print >out }
    /^ *-:/ { next }
    { lines++ }
    !/^ *[#=]/ { reached++ }
    END { finish(); if (all) printf "%6.2f %% of %4d lines  all\n", 100 * all_reached / all, all }
' | LC_ALL=C sort -n >"$report"
cat "$report"
