#!/bin/sh
# budget.sh - instructions per chunk, counted by callgrind, against the numbers kept in budget.txt.
#
# Each is the difference of two runs of a benchmark that handle different numbers of chunks, divided by how many more the
# second handled: set-up and tear-down cancel. Counts are the same on every run; they depend on the compiler and its
# flags, so where those are not the ones that the kept numbers are from, the table is printed and nothing is judged.
#
# Environment: BUILD   its bench/ has the benchmarks
#              CC, COMPILER, CFLAGS  what they were made with
#              UPDATE  1: keep what was measured
#              CI      true: it is a failure that there is no valgrind
#
# Prints a table: what, measured, kept, floor. Exit 1 where one is more than 3 % above what is kept.
set -u

build=${BUILD:-build}
kept=test/bench/budget.txt
work=$build/budget
percent=3

# what | program | workload/variant:parameter | the same of the floor | chunks of the two runs | the parameter to subtract
# With a parameter to subtract the number is what each stage beyond those costs.
rows='
push          handoff    handoff/libcstream-push:1024    handoff/floor:1024          4000 12000 -
give          handoff    handoff/libcstream-give:1024    handoff/floor:1024          4000 12000 -
read          handoff    handoff/libcstream-read:1024    handoff/floor:1024          4000 12000 -
transform     handoff    handoff/libcstream-transform:1024 handoff/floor:1024        4000 12000 -
late          handoff    handoff/libcstream-late:1024    ends-sync-async/floor:1024  4000 12000 -
further-push  depth      depth/libcstream-push:9         depth/floor:9               4000 12000 1
further-give  depth      depth/libcstream-give:9         depth/floor:9               4000 12000 1
further-read  depth      depth/libcstream-read:9         depth/floor:9               4000 12000 1
further-transform depth  depth/libcstream-transform:9    depth/floor:9               4000 12000 1
further-late  depth      depth/libcstream-late:9         depth/floor:9               4000 12000 1
gather        gather     gather/libcstream-copy:64       gather/floor-copy-iovec:64   8192 24576 -
gather-few    gather     gather/libcstream-copy:4        gather/floor-copy-iovec:4    8192 24576 -
gather-slice  gather     gather/libcstream-cork:64       gather/floor-iovec:64        8192 24576 -
gather-late   gather     gather/libcstream-queued:64     gather/floor-iovec:64        8192 24576 -
life-push     lifecycle  lifecycle/libcstream-push:1     lifecycle/floor:1            400  1200 -
life-give     lifecycle  lifecycle/libcstream-give:1     lifecycle/floor:1            400  1200 -
'

if ! command -v valgrind >/dev/null 2>&1; then
    echo "skipped: no valgrind here"
    [ "${CI:-}" != true ]
    exit
fi
mkdir -p "$work" || exit 2

case ${COMPILER:-gcc} in
gcc) version=$(${CC:-cc} -dumpfullversion) ;;
*) version=$(${CC:-cc} -dumpversion) ;;
esac
compiler="${COMPILER:-gcc} $version, $(${CC:-cc} -dumpmachine), ${CFLAGS:-}"

# The instructions of one run: program, what, chunks.
instructions()
{
    valgrind --tool=callgrind --callgrind-out-file="$work/callgrind.out" "$build/bench/bench_$1" "--once=$2" "$3" \
        >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 2; }
    sed -n 's/.*Collected : //p' "$work/log"
}

# Instructions per chunk: program, what, few, many.
per_chunk()
{
    few=$(instructions "$1" "$2" "$3") || exit 2
    many=$(instructions "$1" "$2" "$4") || exit 2
    awk -v few="$few" -v many="$many" -v chunks="$(($4 - $3))" 'BEGIN { printf "%.1f", (many - few) / chunks }'
}

# The same, and where a parameter is to be subtracted, per stage: program, what, few, many, subtract.
cost()
{
    whole=$(per_chunk "$1" "$2" "$3" "$4") || exit 2
    [ "$5" != - ] || { echo "$whole"; return; }
    part=$(per_chunk "$1" "${2%:*}:$5" "$3" "$4") || exit 2
    awk -v whole="$whole" -v part="$part" -v stages="$((${2#*:} - $5))" 'BEGIN { printf "%.1f\n", (whole - part) / stages }'
}

# Floors are asked for several times and counted once.
floor_program()
{
    case $1 in
    ends-*) echo ends ;;
    *) echo "${1%%/*}" ;;
    esac
}

floor_cost()
{
    file=$work/floor.$(echo "$1" | tr '/:' '..')
    [ -s "$file" ] || cost "$(floor_program "$1")" "$1" "$2" "$3" "$4" >"$file" || exit 2
    cat "$file"
}

rm -f "$work"/floor.*
echo "$rows" | while read -r name program what floor few many subtract; do
    [ -n "$name" ] || continue
    measured=$(cost "$program" "$what" "$few" "$many" "$subtract") || exit 2
    floor=$(floor_cost "$floor" "$few" "$many" "$subtract") || exit 2
    echo "$name $measured $floor"
done >"$work/measured" || exit 2

if [ "${UPDATE:-}" = 1 ]; then
    {
        echo "# Instructions per chunk (gather: per write; life: per trio) that \`make budget\` holds the library to."
        echo "# \`make budget UPDATE=1\` writes this file; budget.sh says how they are counted. The last column is the same work"
        echo "# written by hand."
        echo "compiler: $compiler"
        awk '{ printf "%-13s %8s %8s\n", $1, $2, $3 }' "$work/measured"
    } >"$kept"
fi

awk -v percent="$percent" -v compiler="$compiler" '
    FNR == NR && /^#/         { next }
    FNR == NR && /^compiler:/ { sub(/^compiler: /, ""); known = $0; next }
    FNR == NR                 { kept[$1] = $2; next }
    !head++                   { printf "%-13s %10s %10s %10s\n", "what", "measured", "kept", "floor" }
    {
        over = ($1 in kept) && $2 > kept[$1] * (1 + percent / 100)
        printf "%-13s %10s %10s %10s%s\n", $1, $2, ($1 in kept) ? kept[$1] : "-", $3, over ? "  above" : ""
        if (over)
            above = above " " $1
    }
    END {
        if (known != compiler) {
            print "not judged: the kept numbers are of another compiler"
            print "  kept: " known
            print "  here: " compiler
        } else if (above) {
            print "budget: more than " percent " % above what is kept:" above
            exit 1
        } else {
            print "budget: kept"
        }
    }' "$kept" "$work/measured"
