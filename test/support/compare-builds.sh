#!/bin/sh
# compare-builds.sh - the library and the library without its fast path do the same, call for call: each fuzz target that
# keeps a trace runs its corpus, SEEDS (2000) random inputs and as many mutants of its corpus in both builds, and the hashes
# of the traces are compared. What `make fuzz` has found is run too.
#
# Environment: SEEDS  how many random inputs
#              FROM   the number of the first (1); another one for other inputs
set -u

build=${BUILD:-build}
seeds=${SEEDS:-2000}
from=${FROM:-1}
batch=20000
count=0
status=0

work=$build/compare-builds
mkdir -p "$work" || exit 2

# run_both TARGET ARGUMENT...
run_both()
{
    target=$1
    shift
    "$build/test/$target" --hash "$@" >"$work/fast" 2>"$work/fast.log" &
    "$build/plain/test/$target" --hash "$@" >"$work/plain" 2>"$work/plain.log"
    plain=$?
    wait $! && return $plain
}

# compare TARGET ARGUMENT...
compare()
{
    if ! run_both "$@"; then
        tail -n 20 "$work/fast.log" "$work/plain.log"
        echo "failed: $build/[plain/]test/$*"
        status=1
    elif ! cmp -s "$work/fast" "$work/plain"; then
        name=$(diff "$work/fast" "$work/plain" | sed -n 's/^[<>] [0-9a-f]* //p' | head -n 1)
        target=$1
        shift
        echo "failed: the builds differ. The traces: $build/[plain/]test/$target --show --only $name $*"
        status=1
    fi
    count=$((count + $(wc -l <"$work/fast")))
}

# compare_random TARGET KIND [FILE]: in batches, so that no output is large
compare_random()
{
    target=$1
    kind=$2
    shift 2
    done=0
    while [ "$done" -lt "$seeds" ] && [ "$status" -eq 0 ]; do
        left=$((seeds - done))
        [ "$left" -le "$batch" ] || left=$batch
        compare "$target" "$kind" $((from + done)) "$left" "$@"
        done=$((done + left))
    done
}

# Names of files of the tree are words.
# shellcheck disable=SC2013
for source in $(grep -l '"trace.h"' test/fuzz/fuzz_*.c); do
    target=$(basename "$source" .c)
    corpus=test/fuzz/corpus/${target#fuzz_}.txt
    compare "$target" "$corpus"
    compare_random "$target" --seeds
    compare_random "$target" --mutants "$corpus"
    found=$build/fuzz/corpus/${target#fuzz_}
    [ -d "$found" ] || continue
    find "$found" -type f -exec "$build/test/$target" --pack {} + >"$work/found.txt"
    [ ! -s "$work/found.txt" ] || compare "$target" "$work/found.txt"
done

[ "$count" -gt 0 ] || status=1
[ $status -ne 0 ] || echo "$count inputs have the same trace in the library and in the one without the fast path"
exit $status
