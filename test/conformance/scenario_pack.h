/*
 * scenario_pack.h - packed files of scenarios with their traces.
 *
 * A packed file is text, one entry after another:
 *
 *     == NAME
 *     the scenario's lines
 *     --trace
 *     the trace's lines
 */
#ifndef SCENARIO_PACK_H
#define SCENARIO_PACK_H

#include <stdbool.h>
#include <stddef.h>

/** One entry. Its strings are in the pack's text, each with a NUL after it. */
struct entry {
    char *name, *scenario, *trace;
};

struct pack {
    const char *path;
    char *text;
    struct entry *entries;
    size_t count;
};

struct corpus {
    struct pack *packs;
    size_t count;
    size_t entries; /* of all packs */
};

/** Read the files that paths names, up to its NULL. Return false, with a line on standard error, if
 * a file cannot be read. Free the corpus in either case. */
bool corpus_read(struct corpus *corpus, char *const *paths);
void corpus_free(struct corpus *corpus);

/** Return the entry of that name, or NULL. */
struct entry *corpus_find(const struct corpus *corpus, const char *name);

#endif
