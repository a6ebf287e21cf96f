#!/bin/sh
# inject.sh - destroys streams, lets go of them, frees the context and lets allocations fail in the midst of every
# recorded scenario, under the sanitizers and the library's self-checks (test/conformance/README.md, Faults).
#
# Environment: RELIABILITY  full: every fault at every step, pairs of them, and some in every other way of a run;
#                           else a few that are drawn for each scenario
#              SEED         of what is drawn (1)
#
# What did not hold is shown with the command that repeats it.
set -u

build=${BUILD:-build}
runner=$build/asan/test/scenario
seed=${SEED:-1}

if [ ! -x "$runner" ]; then
    echo 'skipped: there is no runner with sanitizers here'
    exit 77
fi

# A process that aborts says where it was. What a run frees is remembered until long after the run, and no longer.
export ASAN_OPTIONS="abort_on_error=1:quarantine_size_mb=16${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
export UBSAN_OPTIONS="abort_on_error=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"

logs=$build/reliability
mkdir -p "$logs" && rm -f "$logs"/inject-*.log || exit 2
limit=
timeout 9 true >/dev/null 2>&1 && limit="timeout $([ "${RELIABILITY:-}" = full ] && echo 3000 || echo 300)"

# The files of the corpus in two lists, for two processors.
first=
second=
for file in test/conformance/corpus/*.txt; do
    first="$first $file"
    swap=$first first=$second second=$swap
done

# inject LOG OPTION... -- FILE...: one process, and how it ended where it did not end well
inject()
{
    log=$1
    shift
    # The limit is a list of words.
    # shellcheck disable=SC2086
    $limit "$runner" --seed "$seed" "$@" >"$log" 2>&1 || echo "exit $?" >>"$log"
}

# in_both OPTION...: both lists at once
ways=0
in_both()
{
    ways=$((ways + 1))
    # The lists are lists of words.
    # shellcheck disable=SC2086
    inject "$logs/inject-$ways-1.log" "$@" --inject-all $first &
    # shellcheck disable=SC2086
    inject "$logs/inject-$ways-2.log" "$@" --inject-all $second
    wait
}

if [ "${RELIABILITY:-}" = full ]; then
    in_both --pairs 200
    for way in --explicit --copy --deaf '--task-budget 1000'; do
        # A way is a list of words.
        # shellcheck disable=SC2086
        in_both --sample 100 --pairs 40 $way
    done
else
    in_both --sample 10 --pairs 5
fi

grep -h -v '^[0-9]* points' "$logs"/inject-*.log | sed "s|^failed: scenario|failed: $runner|"
# The sums of those that came to their end: each of them has the line `N points (...), N pairs, N failed`.
cat "$logs"/inject-*.log | awk -v processes=$((2 * ways)) '
    /^[0-9]+ points / { points += $1; pairs += $(NF - 3); failed += $(NF - 1); ended++ }
    END {
        failed += processes - ended
        printf "%d points, %d pairs of faults, %d failed\n", points, pairs, failed
        exit failed > 0
    }'
