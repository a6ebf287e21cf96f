#!/bin/sh
# fuzz-replay.sh - gives every fuzz target the inputs of its corpus once more, and SEEDS (300) random ones; also under the
# sanitizers where there are such programs.
set -u

build=${BUILD:-build}
seeds=${SEEDS:-300}
status=0
count=0

for source in test/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    corpus=test/fuzz/corpus/${target#fuzz_}
    for program in "$build/test/$target" "$build/asan/test/$target"; do
        case $program in */asan/*) [ -x "$program" ] || continue ;; esac
        "$program" "$corpus"/* >/dev/null || { echo "failed: $program $corpus/*"; status=1; }
        "$program" --seeds 1 "$seeds" >/dev/null || { echo "failed: $program --seeds 1 $seeds"; status=1; }
    done
    count=$((count + $(find "$corpus" -type f | wc -l)))
done

[ "$count" -gt 0 ] || status=1
[ $status -ne 0 ] || echo "$count inputs, and $seeds random ones each, hold the properties of the fuzz targets"
exit $status
