#!/bin/sh
# http-plot.sh RESULTS SVG - draws what `http-load.sh memory RESULTS` measured, with gnuplot.
set -eu

[ $# -eq 2 ] || { echo "usage: http-plot.sh RESULTS SVG" >&2; exit 2; }
if ! command -v gnuplot >/dev/null 2>&1; then
    echo "skipped: no gnuplot here"
    exit
fi
gnuplot <<END
set terminal svg size 800,420 dynamic enhanced background "#ffffff" font "sans-serif,13"
set output "$2"
set title "Memory of a server that sends a file of 64 MiB to slow clients"
set xlabel "clients, 64 KiB/s each"
set ylabel "resident memory, MiB"
set logscale y 10
set yrange [1:*]
set xrange [0:205]
set grid ytics lc rgb "#dddddd"
set key left top
plot "< grep ^whole '$1'" using 2:(\$3/1024) with linespoints lw 2 lc rgb "#d07000" pt 4 title "reading the file whole (--whole)", \\
     "< grep ^streaming '$1'" using 2:(\$3/1024) with linespoints lw 2 lc rgb "#0050b0" pt 5 title "streaming"
END
