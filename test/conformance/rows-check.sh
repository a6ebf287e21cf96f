#!/bin/sh
# rows-check.sh - holds the tests in test/node/ against rows.txt, the list of Node's own tests of its streams.
#
# A row's test is a function whose name is the row's, without .js or .mjs, with every other character that a C name
# cannot have turned to _; several tests of one row add __ and what each checks. It counts where it is registered, by
# cmocka_unit_test... or by a macro of the file that stands for one. Fails for
#
#   a row that applies and has no such test
#   a test that is not of a row, or that is defined and not registered
set -u

rows=${ROWS:-test/conformance/rows.txt}

# Each file on one line, so that a registration may be broken anywhere.
for file in test/node/test_*.c; do
    [ -f "$file" ] || continue
    printf '%s\t' "$file"
    sed 's/\\$//' "$file" | tr '\n\t' '  '
    echo
done | awk -v rows="$rows" '
    function complain(text) { print "failed: " text; failed = 1 }

    function row_name(id) {
        sub(/\.m?js$/, "", id)
        gsub(/[^A-Za-z0-9_]/, "_", id)
        return id
    }

    # Calls found(name) for every match of before, a name, after.
    function each(text, before, after, found,    name) {
        while (match(text, before "[A-Za-z0-9_]+" after)) {
            name = substr(text, RSTART, RLENGTH)
            text = substr(text, RSTART + RLENGTH)
            sub("^" before, "", name)
            sub(after "$", "", name)
            found[name] = 1
        }
    }

    # The row of a test: the longest name that it is, or that it begins with before a double underscore.
    function row_of(test,    row) {
        for (row = test; row != "" && !(row in area); row = substr(row, 1, RSTART - 1))
            if (!match(row, /__([^_]|_[^_])*$/))
                return ""
        return row
    }

    function read_rows(    line, part) {
        while ((getline line < rows) > 0) {
            if (line ~ /^#/ || line == "")
                continue
            if (split(line, part, / \| /) < 3 || part[3] !~ /^(yes|partly|no)$/ || (part[3] != "yes" && part[4] == ""))
                complain(rows ": " line)
            if (row_name(part[1]) in area)
                complain(rows " has " part[1] " twice")
            area[row_name(part[1])] = part[2]
            id[row_name(part[1])] = part[1]
            applies[row_name(part[1])] = part[3] != "no"
        }
    }

    BEGIN {
        FS = "\t"
        read_rows()
    }
    {
        split("", defined); split("", macros); split("", registered)
        each($2, "static void ", " *\\( *void *\\*\\* *state *\\)", defined)
        each($2, "#define +", "\\( *[a-z]+ *\\) +cmocka_unit_test", macros)
        each($2, "cmocka_unit_test[a-z_]*\\( *", " *[,)]", registered)
        for (macro in macros)
            each($2, "[^A-Za-z0-9_]" macro "\\( *", " *\\)", registered)
        for (test in defined) {
            row = row_of(test)
            if (row == "")
                complain($1 ": " test " is not of a row")
            else if (!(test in registered))
                complain($1 ": " test " is not registered")
            else
                tests[row]++
        }
    }
    END {
        for (row in area) {
            if (!applies[row]) {
                others++
                continue
            }
            all++
            if (tests[row])
                covered++
            else
                missing[area[row]] = missing[area[row]] "\n        " id[row]
            sum += tests[row]
        }
        for (one in missing)
            complain("rows about " one " without a test:" missing[one])
        printf "%d of %d rows that apply are covered, by %d tests; %d rows do not apply\n", covered, all, sum, others
        exit failed || !all
    }
'
