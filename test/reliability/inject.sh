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
mkdir -p "$logs" && rm -rf "$logs"/inject-* || exit 2
limit=
timeout 9 true >/dev/null 2>&1 && limit="timeout $([ "${RELIABILITY:-}" = full ] && echo 3000 || echo 300)"

# inject OPTION... --inject-all FILE: one process, and how it ended if it did not end well
inject()
{
    # The limit is a list of words.
    # shellcheck disable=SC2086
    $limit "$runner" --seed "$seed" "$@" || echo "exit $?"
}

# take_files OPTION...: the files of the corpus that nobody else has taken
take_files()
{
    for file in test/conformance/corpus/*.txt; do
        log=$logs/inject-$ways-$(basename "$file" .txt).log
        mkdir "$log.taken" 2>/dev/null && inject "$@" --inject-all "$file" >"$log" 2>&1
    done
}

# in_both OPTION...: all files, on two processors
ways=0
in_both()
{
    ways=$((ways + 1))
    take_files "$@" &
    take_files "$@"
    wait
}

if [ "${RELIABILITY:-}" = full ]; then
    in_both --pairs 200
    for way in --explicit --copy --deaf --ask '--task-budget 1000'; do
        # A way is a list of words.
        # shellcheck disable=SC2086
        in_both --sample 100 --pairs 40 $way
    done
else
    in_both --sample 10 --pairs 5
fi

grep -h -v '^[0-9]* points' "$logs"/inject-*.log | sed "s|^failed: scenario|failed: $runner|"
# Each process that came to its end has the line `N points (...), N pairs, N failed`.
cat "$logs"/inject-*.log | awk -v processes=$((ways * $(find test/conformance/corpus -name '*.txt' | wc -l))) '
    /^[0-9]+ points / { points += $1; pairs += $(NF - 3); failed += $(NF - 1); ended++ }
    /^exit /          { broken++ }
    END {
        failed += processes - ended
        if (!failed)
            failed = broken
        printf "%d points, %d pairs of faults, %d failed\n", points, pairs, failed
        exit failed > 0
    }'
