#!/bin/sh
# fuzz-replay.sh - gives every fuzz target the inputs of its corpus once more, and SEEDS (300) random ones; also under the
# sanitizers where there are such programs.
set -u

build=${BUILD:-build}
seeds=${SEEDS:-300}
status=0
count=0

# An input that a sanitizer stops is named likewise.
export ASAN_OPTIONS="abort_on_error=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="abort_on_error=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
log=$(mktemp) || exit 2
trap 'rm -f "$log"' EXIT

for source in test/fuzz/fuzz_*.c; do
    target=$(basename "$source" .c)
    corpus=test/fuzz/corpus/${target#fuzz_}.txt
    for program in "$build/test/$target" "$build/asan/test/$target"; do
        case $program in */asan/*) [ -x "$program" ] || continue ;; esac
        "$program" "$corpus" 2>"$log" || { cat "$log"; echo "failed: $program $corpus"; status=1; }
        "$program" --seeds 1 "$seeds" 2>"$log" || { cat "$log"; echo "failed: $program --seeds 1 $seeds"; status=1; }
    done
    count=$((count + $(wc -l <"$corpus")))
done

[ "$count" -gt 0 ] || status=1
[ $status -ne 0 ] || echo "$count inputs, and $seeds random ones each, hold the properties of the fuzz targets"
exit $status
