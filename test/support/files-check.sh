#!/bin/sh
# files-check.sh - no file of src/stream has more than 500 lines, none of src more than 620, no function of src more than 40,
# and no line of src, include, test and docs/examples, comments included, more than 100 columns.
#
# What was longer when this check was written stands in files-left.txt: `KIND FILE COUNT`, where KIND is lines, function
# (the lines of its longest one) or columns (how many lines are too wide). Nothing may be added there, and no count may grow.
#
# files-check.sh --update writes that list anew, with what is longer now.
set -u

left=test/support/files-left.txt
if [ "${1:-}" = --update ]; then
    sh "$0" --list | sed -n 's/^left: //p' | LC_ALL=C sort >"$left.new" && mv "$left.new" "$left"
    [ -s "$left" ] || rm -f "$left"
    exit
fi
[ -f "$left" ] || left=/dev/null

# A function begins with the first line of its head, in the first column, and ends with the next `}` there. Columns are
# characters: the bytes that continue one in UTF-8 do not count.
{
    find src include test docs/examples -name '*.[ch]'
} | LC_ALL=C sort | LC_ALL=C awk -v list="${1:-}" '
    function note(kind, file, n, limit) {
        if (n > limit) {
            count[kind " " file] = n
            limits[kind " " file] = limit
        }
    }
    function look_at(file,    line, number, head, wide, longest, width, in_src) {
        in_src = file ~ /^src\//
        while ((getline line <file) > 0) {
            number++
            width = line
            gsub(/[\200-\277]/, "", width)
            wide += length(width) > 100
            if (!in_src || file !~ /\.c$/)
                continue
            if (line ~ /^[A-Za-z_].*[(,]/ && !head)
                head = number
            else if (line == "" || line ~ /;$/ && line !~ /^[ \t{}]/)
                head = body ? head : 0
            if (line == "{" && head)
                body = 1
            if (line == "}" && body) {
                if (number - head + 1 > longest)
                    longest = number - head + 1
                head = body = 0
            }
        }
        close(file)
        files++
        note("columns", file, wide, 0)
        if (in_src) {
            note("lines", file, number, file ~ /^src\/stream\// ? 500 : 620)
            note("function", file, longest, 40)
        }
    }
    BEGIN {
        while ((getline line <ARGV[1]) > 0) {
            split(line, part, " ")
            may[part[1] " " part[2]] = part[3]
        }
        ARGV[1] = ""
    }
    { look_at($0) }
    END {
        for (what in count) {
            if (list != "")
                print "left: " what " " count[what]
            if (!(what in may) || count[what] > may[what]) {
                printf "failed: %s: %d, but %d is the limit\n", what, count[what], what in may ? may[what] : limits[what]
                failed = 1
            }
        }
        for (what in may) {
            if (what in count)
                kept++
            else
                print "mended, strike it from files-left.txt: " what
        }
        if (failed || !files)
            exit 1
        printf "%d files within the limits", files
        printf kept ? ", but for %d entries of files-left.txt\n" : "\n", kept
    }
' "$left"
