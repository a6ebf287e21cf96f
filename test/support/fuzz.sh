#!/bin/sh
# fuzz.sh [SECONDS] - runs every fuzz target of $BUILD/fuzz for so long (60), from the inputs that test/fuzz/corpus/NAME.txt
# packs. What it finds beyond them goes to $BUILD/fuzz/corpus/NAME; an input that breaks a property stays in $BUILD/fuzz,
# and the last line names it.
#
# To keep what is new, merge it with what there was, and pack the result:
#     mkdir -p new && $BUILD/fuzz/fuzz_NAME -merge=1 -use_counters=0 new $BUILD/fuzz/start/NAME $BUILD/fuzz/corpus/NAME
#     $BUILD/test/fuzz_NAME --pack new/* | LC_ALL=C sort >test/fuzz/corpus/NAME.txt
set -u

build=${BUILD:-build}
seconds=${1:-60}
status=0

if ! ls "$build"/fuzz/fuzz_* >/dev/null 2>&1; then
    echo "skipped: there is no clang with libFuzzer here"
    exit 0
fi

for source in test/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    found=$build/fuzz/corpus/$name
    start=$build/fuzz/start/$name
    rm -rf "$start"
    mkdir -p "$found" "$start"
    "$build/test/fuzz_$name" --unpack "$start" "test/fuzz/corpus/$name.txt" || exit 2
    echo "== $name, $seconds s"
    "$build/fuzz/fuzz_$name" -max_total_time="$seconds" -use_value_profile=1 -max_len=4096 \
        -artifact_prefix="$build/fuzz/$name-" "$found" "$start" >"$build/fuzz/$name.log" 2>&1 || status=1
    tail -n 1 "$build/fuzz/$name.log"
done
exit $status
