#!/bin/sh
# table.sh RESULTS - what `make bench` printed as the Markdown tables of docs/performance.md: one a workload, a row a variant, a
# column a parameter; ns per chunk, and in brackets how many times the floor.
set -eu

[ $# -eq 1 ] || { echo "usage: table.sh RESULTS" >&2; exit 2; }
[ -r "$1" ] || { echo "bench-table: there is no $1; make bench >$1" >&2; exit 1; }

awk -F '\t' '
    function short(n) { return n >= 100 ? sprintf("%.0f", n) : sprintf("%.1f", n) }

    # A table ends where another workload begins.
    function print_table(    i, j, v, p, cell) {
        if (!workload)
            return
        printf "| %s |", workload
        for (j = 1; j <= parameters; j++) printf " %s |", parameter[j]
        printf "\n|---|"
        for (j = 1; j <= parameters; j++) printf "--:|"
        print ""
        for (i = 1; i <= variants; i++) {
            v = variant[i]
            printf "| %s |", v
            for (j = 1; j <= parameters; j++) {
                p = parameter[j]
                cell = (v, p) in ns ? short(ns[v, p]) : ""
                if (cell != "" && v != "floor" && ns["floor", p] > 0)
                    cell = cell sprintf(" (%.1f)", ns[v, p] / ns["floor", p])
                printf " %s |", cell
            }
            print ""
        }
        print ""
        split("", ns); split("", seen); variants = parameters = 0
    }

    $1 != workload       { print_table(); workload = $1 }
    !(("v" $2) in seen)  { seen["v" $2]; variant[++variants] = $2 }
    !(("p" $3) in seen)  { seen["p" $3]; parameter[++parameters] = $3 }
                         { ns[$2, $3] = $4 }
    END                  { print_table() }
' "$1"
