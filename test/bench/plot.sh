#!/bin/sh
# plot.sh RESULTS DIRECTORY - draws what `make bench` printed as one SVG file a workload, with gnuplot.
set -eu

[ $# -eq 2 ] || { echo "usage: plot.sh RESULTS DIRECTORY" >&2; exit 2; }
results=$1
out=$2

[ -r "$results" ] || { echo "bench-plot: there is no $results; make bench >$results" >&2; exit 1; }
if ! command -v gnuplot >/dev/null 2>&1; then
    echo "skipped: no gnuplot here"
    exit
fi
mkdir -p "$out"

# The variants of a workload, as they first come.
variants()
{
    awk -F '\t' -v workload="$1" '$1 == workload && !seen[$2]++ { print $2 }' "$results"
}

# The same colour and mark for a variant in every picture.
style()
{
    case $1 in
    floor)             echo 'lw 3 lc rgb "#000000" pt 7' ;;
    floor-iovec)       echo 'lw 1 lc rgb "#000000" pt 6' ;;
    direct)            echo 'lw 1 lc rgb "#888888" pt 1' ;;
    libcstream)        echo 'lw 2 lc rgb "#0050b0" pt 5' ;;
    libcstream-push)   echo 'lw 2 lc rgb "#0050b0" pt 5' ;;
    libcstream-give)   echo 'lw 2 lc rgb "#0090d0" pt 9' ;;
    libcstream-read)   echo 'lw 2 lc rgb "#00a090" pt 11' ;;
    libcstream-late)   echo 'lw 2 lc rgb "#7050c0" pt 13' ;;
    libcstream-transform) echo 'lw 2 lc rgb "#b06030" pt 11' ;;
    libcstream-cork)   echo 'lw 2 lc rgb "#0050b0" pt 5' ;;
    libcstream-queued) echo 'lw 2 lc rgb "#0090d0" pt 9' ;;
    libcstream-copy)   echo 'lw 2 lc rgb "#7050c0" pt 13' ;;
    libevent-filter)   echo 'lw 1 lc rgb "#d07000" pt 4' ;;
    libevent|libevent-*) echo 'lw 1 lc rgb "#e0a030" pt 4' ;;
    libuv)             echo 'lw 1 lc rgb "#a03060" pt 8' ;;
    nginx)             echo 'lw 1 lc rgb "#30a030" pt 12' ;;
    gio-*)             echo 'lw 1 lc rgb "#a03060" pt 8' ;;
    apr-*)             echo 'lw 1 lc rgb "#608020" pt 10' ;;
    node)              echo 'lw 1 lc rgb "#30a030" pt 12' ;;
    *)                 echo 'lw 1 lc rgb "#b0b0b0" pt 2' ;;
    esac
}

head_of()
{
    cat <<END
set terminal svg size 800,480 dynamic enhanced background "#ffffff" font "sans-serif,13"
set output "$out/$1.svg"
set title "$2"
set datafile separator "\t"
set grid ytics lc rgb "#dddddd"
set key outside right top noenhanced
set logscale y 10
END
}

# One line a variant over the parameter: workload, title, what the parameter is, base of its scale.
lines()
{
    [ -n "$(variants "$1")" ] || return 0
    {
        head_of "$1" "$2"
        echo "set ylabel 'ns per chunk'"
        echo "set xlabel '$3'"
        echo "set logscale x $4"
        printf 'plot '
        variants "$1" | while read -r variant; do
            printf "\"< awk -F '\\\\t' '\$1 == \\\\\"%s\\\\\" && \$2 == \\\\\"%s\\\\\"' %s\" using 3:4 with linespoints %s title '%s', " \
                "$1" "$variant" "$results" "$(style "$variant")" "$variant"
        done
        echo
    } | gnuplot
    echo "$out/$1.svg"
}

# One bar a variant, in groups: file, title, the workloads as a pattern, what their figures are, what gnuplot is told beside.
# A group is a workload, or where a sixth argument says what the parameter counts, a parameter.
bars()
{
    table=$(mktemp)
    awk -F '\t' -v workloads="$3" -v counts="${6:-}" -v heads="$table.heads" '
        $1 ~ workloads && $2 ~ /^(floor|libcstream.*|node|nginx|libuv|libevent|socat)$/ {
            name = $1
            sub(/^[a-z]+-/, "", name)
            if (counts)
                name = $3 " " counts
            if (!(name in known)) { known[name]; names[++n] = name }
            if (!($2 in column)) { column[$2]; variants[++m] = $2 }
            ns[name, $2] = $4
        }
        END {
            for (j = 1; j <= m; j++) print variants[j] >heads
            for (i = 1; i <= n; i++) {
                printf "%s", names[i]
                for (j = 1; j <= m; j++)
                    printf "\t%s", (names[i], variants[j]) in ns ? ns[names[i], variants[j]] : "NaN"
                print ""
            }
        }' "$results" >"$table"
    if [ -s "$table" ]; then
        {
            head_of "$1" "$2"
            echo "set ylabel '$4'"
            echo "$5"
            echo "set xrange [-0.6:$(wc -l <"$table")-0.4]"
            echo "set style data histograms"
            echo "set style histogram clustered gap 1"
            echo "set style fill solid 0.8"
            echo "set boxwidth 0.9"
            printf 'plot '
            column=2
            while read -r variant; do
                colour=$(style "$variant" | sed 's/.*lc/lc/; s/ pt.*//')
                printf "'%s' using %d:xtic(1) %s title '%s', " "$table" "$column" "$colour" "$variant"
                column=$((column + 1))
            done <"$table.heads"
            echo
        } | gnuplot
        echo "$out/$1.svg"
    fi
    rm -f "$table" "$table.heads"
}

lines handoff "A chunk through one stage" "bytes of a chunk" 2
lines depth "A chunk of 1 KiB through many stages" "stages" 2
lines fanout "A chunk of 1 KiB to several sinks" "sinks" 2
lines gather "Writes of 64 bytes, gathered" "writes in one call of the sink" 2
lines scale-chunks "Many chunks of 1 KiB" "chunks" 10
lines scale-streams "Many live lines in one context" "lines" 10
bars ends "Ends that answer at once or later (source-sink), ns per chunk" '^ends-' ns ''
bars compute "Filters with real work, ns per chunk of 64 KiB" '^compute-' ns ''
bars lifecycle "A life of source, stage and sink, by how many are live, ns" '^lifecycle$' ns '' live

from_zero='unset logscale; set yrange [0:*]'
bars connections "A file of 1 KiB to 32 busy clients, while others are idle" '^connections-per-second$' 'requests a second' \
    "$from_zero" idle
bars proxy "Through a proxy" '^proxy-cpu-ms-per-gib$' 'ms of its processor time for a GiB' "$from_zero" 'busy connections'
bars proxy-round-trip "One byte through a proxy and back, while others are idle" '^proxy-round-trip-cpu-us$' \
    'us of its processor time' '' idle
bars echo "From a message of 64 bytes to its echo, 64 clients" '^echo-p[0-9]' us "$from_zero"
bars memory-per-connection "Memory of a server for an idle client" '^memory-per-connection-' bytes ''
