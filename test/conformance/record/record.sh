#!/bin/sh
# record.sh - records the corpus with Node 26.10.0: NODE26 names it, else it is the node in PATH.
#
#   record.sh again             records every trace of the corpus anew, in place
#   record.sh grow FROM COUNT [FAMILY...]
#                               makes COUNT random scenarios, of the seeds from FROM on, and adds those that bring
#                               something new to the corpus; of these families, where any are named
#   record.sh compare FROM COUNT [FAMILY...]
#                               makes scenarios likewise, replays them in all ways, and says which differ
#   record.sh questions         makes the buffer questions and records their answers, in place
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
corpus=$here/../corpus
node=${NODE26:-node}

# Random scenarios with their traces: make_candidates FROM COUNT [FAMILY...]
make_candidates()
{
    : "${1:?FROM}" "${2:?COUNT}"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$node" "$here/generate.mjs" --packed "$@" >"$work/candidates.txt"
    "$node" "$here/trace.mjs" --packed "$work/candidates.txt"
}

# Builds the runner that counts edges, where the compiler can. The flags are a list of words.
build_runner()
{
    flags="-std=c11 -O1 -g -I$root/include -I$root/src -I$root/test/conformance"
    for source in "$root"/src/*/*.c; do
        case $source in */src/posix/*) continue ;; esac # the runner knows the core alone
        # shellcheck disable=SC2086
        ${CC:-cc} $flags -fsanitize-coverage=trace-pc -c "$source" -o "$work/$(basename "$source" .c).o" || return 1
    done
    # shellcheck disable=SC2086
    ${CC:-cc} $flags "$root"/test/conformance/scenario*.c "$here/edges.c" "$work"/*.o \
        -Wl,--wrap=scenario_run -o "$work/runner"
}

case ${1:-} in
again)
    "$node" "$here/trace.mjs" --packed "$corpus"/*.txt
    ;;
grow)
    shift
    make_candidates "$@"
    build_runner 2>"$work/log" || echo "record: no runner that counts edges: event patterns alone choose" >&2
    if [ -x "$work/runner" ]; then set -- "$work/runner"; else set --; fi
    "$node" "$here/select.mjs" "$corpus" "$work/candidates.txt" "$@"
    ;;
compare)
    shift
    make_candidates "$@"
    cd "$root"
    status=0
    sh test/support/replay.sh "$work/candidates.txt" >"$work/log" || status=1
    grep -v -e '^\[ RUN' -e '^\[       OK' "$work/log"
    exit $status
    ;;
questions)
    "$node" "$here/buffer_record.mjs" "$here/../questions"
    ;;
*)
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
