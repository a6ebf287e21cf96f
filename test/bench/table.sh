#!/bin/sh
# table.sh RESULTS - what `make bench` printed as the Markdown tables of docs/performance.md: one a workload, a row a variant, a
# column a parameter; the fourth field, and in brackets how many times that of the floor it is, or of nginx where it has no floor.
set -eu

[ $# -eq 1 ] || { echo "usage: table.sh RESULTS" >&2; exit 2; }
[ -r "$1" ] || { echo "bench-table: there is no $1; make bench >$1" >&2; exit 1; }

awk -F '\t' '
    function short(n) { return n >= 100 ? sprintf("%.0f", n) : sprintf("%.1f", n) }

    function cell(w, v, p,    base, text) {
        if (!((w, v, p) in figure))
            return ""
        text = short(figure[w, v, p])
        base = (w, "floor", p) in figure ? "floor" : "nginx"
        if (v == base || figure[w, base, p] <= 0)
            return text
        return text sprintf(base == "nginx" ? " (%.2f)" : " (%.1f)", figure[w, v, p] / figure[w, base, p])
    }

    function print_table(w,    i, j) {
        printf "| %s |", w
        for (j = 1; j <= parameters[w]; j++) printf " %s |", parameter[w, j]
        printf "\n|---|"
        for (j = 1; j <= parameters[w]; j++) printf "--:|"
        print ""
        for (i = 1; i <= variants[w]; i++) {
            printf "| %s |", variant[w, i]
            for (j = 1; j <= parameters[w]; j++)
                printf " %s |", cell(w, variant[w, i], parameter[w, j])
            print ""
        }
        print ""
    }

    !(($1) in variants)      { workload[++workloads] = $1 }
    !(($1, "v" $2) in seen)  { seen[$1, "v" $2]; variant[$1, ++variants[$1]] = $2 }
    !(($1, "p" $3) in seen)  { seen[$1, "p" $3]; parameter[$1, ++parameters[$1]] = $3 }
                             { figure[$1, $2, $3] = $4 }
    END                      { for (i = 1; i <= workloads; i++) print_table(workload[i]) }
' "$1"
