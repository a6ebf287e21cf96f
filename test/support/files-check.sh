#!/bin/sh
# files-check.sh - no file of src/stream has more than 500 lines, none of src more than 620, no function of src more than 40,
# and no line of src, include, test and docs/examples, comments included, more than 100 columns.
set -u

# A function begins with the first line of its head, in the first column, and ends with the next `}` there. Columns are
# characters: the bytes that continue one in UTF-8 do not count.
find src include test docs/examples -name '*.[ch]' | LC_ALL=C sort | LC_ALL=C awk '
    function hold(what, file, n, limit) {
        if (n > limit) {
            printf "failed: %s: %d %s, but %d is the limit\n", file, n, what, limit
            failed = 1
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
        hold("lines of more than 100 columns", file, wide, 0)
        if (in_src) {
            hold("lines", file, number, file ~ /^src\/stream\// ? 500 : 620)
            hold("lines in a function", file, longest, 40)
        }
    }
    { look_at($0) }
    END {
        if (failed || !files)
            exit 1
        print files " files, their functions and their lines within the limits"
    }
'
