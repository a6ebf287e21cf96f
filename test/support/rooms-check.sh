#!/bin/sh
# rooms-check.sh - the rooms of the library, the directories of src, depend on rooms below them alone, and no files of one
# room depend on each other in a circle. From the bottom to the top:
#
#     base   bytes   ctx   stream   express   pipeline   filters, stdio   posix
#
# A file depends on another if its object takes a symbol from the other's object, or if it includes the other's header. The
# two of one level do not depend on each other. stream calls the fast path by the names cst__express_* of express.h alone:
# these arrows, upwards by design, are left out.
#
# rooms-check.sh --circles prints each arrow of the circles, with the names that make it.
set -u

BUILD=${BUILD:-build}
NM=${NM:-nm}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

sources=
for source in src/*/*.c; do
    [ "${POSIX:-1}" = 1 ] || [ "${source#src/posix/}" = "$source" ] || continue
    sources="$sources $source"
done

# FILE U NAME or FILE T NAME, of each object; FILE without src/. The files are lists of words.
# shellcheck disable=SC2046,SC2086
"$NM" -A -P -g $(printf "$BUILD/obj/%s " $sources | sed 's/\.c /.o /g') >"$work/nm" 2>"$work/nm.log" || :
[ ! -s "$work/nm.log" ] || { cat "$work/nm.log"; exit 1; }
awk '{ sub(/.*\/src\//, "", $1); sub(/\.o:$/, ".c", $1); print $1, $3 == "U" ? "U" : "T", $2 }' "$work/nm" >"$work/symbols"

# FILE I HEADER, of each include of a header of src.
awk '
    function there(name,    line) {
        if (!(name in known))
            known[name] = (getline line <("src/" name)) >= 0
        return known[name]
    }
    match($0, /^# *include *"[^"]*"/) {
        name = $0
        sub(/^[^"]*"/, "", name)
        sub(/".*/, "", name)
        file = substr(FILENAME, 5)
        room = file
        sub(/\/.*/, "", room)
        if (there(name))
            print file, "I", name
        else if (there(room "/" name))
            print file, "I", room "/" name
    }
' src/*/*.[ch] >"$work/includes"

awk -v show="${1:-}" '
    function room(file) { sub(/\/.*/, "", file); return file }
    function complain(text) { print "failed: " text; failed = 1 }

    # One arrow, and the names that make it.
    function arrow(from, to, name) {
        if (from == to)
            return
        if (!((from, to) in names))
            arrows[++n_arrows] = from SUBSEP to
        names[from, to] = names[from, to] " " name
    }

    # reach[f, t]: whether t can be reached from f, for the files of one room.
    function close_room(files, n,    i, j, k) {
        for (k = 1; k <= n; k++)
            for (i = 1; i <= n; i++)
                if ((files[i], files[k]) in reach)
                    for (j = 1; j <= n; j++)
                        if ((files[k], files[j]) in reach)
                            reach[files[i], files[j]] = 1
    }

    BEGIN {
        split("base bytes ctx stream express", order, " ")
        for (i in order)
            level[order[i]] = i
        level["pipeline"] = 6
        level["filters"] = level["stdio"] = 7
        level["posix"] = 8
    }
    $2 == "T" { home[$3] = $1; next }
    $2 == "U" { used[++n_used] = $1 SUBSEP $3; next }
    $2 == "I" { included[++n_included] = $1 SUBSEP $3; next }

    END {
        for (i = 1; i <= n_used; i++) {
            split(used[i], part, SUBSEP)
            if (part[2] in home && part[2] !~ /^cst__express_/)
                arrow(part[1], home[part[2]], part[2])
        }
        for (i = 1; i <= n_included; i++) {
            split(included[i], part, SUBSEP)
            if (part[2] != "express/express.h")
                arrow(part[1], part[2], "#include")
        }
        for (i = 1; i <= n_arrows; i++) {
            split(arrows[i], part, SUBSEP)
            from = part[1]; to = part[2]
            seen[from] = seen[to] = 1
            if (room(from) == room(to)) {
                reach[from, to] = 1
            } else if (!(room(from) in level) || !(room(to) in level)) {
                complain("the order of the rooms does not name " room(from) " or " room(to))
            } else if (level[room(from)] <= level[room(to)]) {
                complain(from " depends on " to ", which is not below it:" names[from, to])
            }
        }

        for (file in seen)
            files_of[room(file)] = files_of[room(file)] " " file
        for (name in files_of) {
            rooms++
            n = split(files_of[name], files, " ")
            close_room(files, n)
        }
        for (file in seen) {
            n_files++
            if (!((file, file) in reach))
                continue
            partners = ""
            for (other in seen)
                if (other != file && (file, other) in reach && (other, file) in reach)
                    partners = partners " " other
            complain(file " is in a circle with" partners)
        }
        for (i = 1; i <= n_arrows; i++) {
            split(arrows[i], part, SUBSEP)
            if (show == "--circles" && (part[2], part[1]) in reach)
                print part[1] " -> " part[2] ":" names[part[1], part[2]]
        }
        if (!rooms || !n_arrows)
            complain("no arrows were found")
        if (failed)
            exit 1
        printf "%d files in %d rooms, %d arrows between them: none upwards, no circle\n", n_files, rooms, n_arrows
    }
' "$work/symbols" "$work/includes"
