#!/bin/sh
# replay.sh - runs every recorded scenario below test/conformance and compares the trace with Node's. Each X.scenario
# that has an X.trace beside it is one case; it has to give the same trace with every answer given by a completion call, and
# with a budget of one task a run.
set -u

runner=${BUILD:-build}/test/scenario
list=$(mktemp) && out=$(mktemp) || exit 1
trap 'rm -f "$list" "$out"' EXIT
find test/conformance -name '*.scenario' | LC_ALL=C sort >"$list"

echo "[==========] Running $(wc -l <"$list" | tr -d ' ') test(s)."
passed=0
shown=0
while read -r scenario; do
    same=yes
    status=0
    for way in "" --explicit "--task-budget 1"; do
        # shellcheck disable=SC2086
        "$runner" $way <"$scenario" >"$out" 2>&1 || status=$?
        if [ $status -ne 0 ] || ! cmp -s "$out" "${scenario%.scenario}.trace"; then
            same=no
            break
        fi
    done
    if [ $same = yes ]; then
        passed=$((passed + 1))
    elif [ $shown -lt 10 ]; then
        shown=$((shown + 1))
        echo "differs: $scenario (exit $status)"
        [ $shown -gt 1 ] || diff "${scenario%.scenario}.trace" "$out" | head -n 20
    fi
done <"$list"
echo "[  PASSED  ] $passed test(s)."
echo "$passed scenarios give Node's trace"
