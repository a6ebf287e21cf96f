/*
 * scenario_pack.c - see scenario_pack.h.
 */
#include "scenario_pack.h"

#include "scenario_parse.h"

#include <stdlib.h>
#include <string.h>

static const char entry_mark[] = "== ";
static const char trace_mark[] = "--trace\n";

/* Return the first line from `text` on that begins with mark, or NULL. */
static char *find_line(char *text, const char *mark)
{
    size_t len = strlen(mark);

    while (strncmp(text, mark, len) != 0) {
        text = strchr(text, '\n');
        if (text == NULL)
            return NULL;
        text++;
    }
    return text;
}

static size_t count_entries(char *text)
{
    size_t count = 0;

    while ((text = find_line(text, entry_mark)) != NULL) {
        count++;
        text++;
    }
    return count;
}

/* End the text at the mark. Return what follows the mark. */
static char *cut(char *at, const char *mark)
{
    *at = '\0';
    return at + strlen(mark);
}

/* Read the entry whose mark is at `text`. Return the next entry's mark, or NULL. An entry without
 * both parts gets no name. */
static char *read_entry(struct entry *out, char *text)
{
    char *next = find_line(text + 1, entry_mark);
    char *end_of_name = strchr(text, '\n');
    char *trace = find_line(text, trace_mark);

    if (end_of_name == NULL || trace == NULL || (next != NULL && trace > next))
        return NULL;
    out->name = cut(text, entry_mark);
    out->scenario = cut(end_of_name, "\n");
    out->trace = cut(trace, trace_mark);
    return next;
}

static bool read_pack(struct pack *pack)
{
    FILE *in = fopen(pack->path, "rb");

    if (in == NULL)
        return false;
    pack->text = scenario_read(in);
    fclose(in);
    pack->count = count_entries(pack->text);
    pack->entries = scenario_alloc(pack->count + 1, sizeof *pack->entries);

    char *text = find_line(pack->text, entry_mark);
    for (size_t i = 0; i < pack->count; i++) {
        text = read_entry(&pack->entries[i], text);
        if (pack->entries[i].name == NULL)
            return false;
    }
    return pack->count > 0;
}

bool corpus_read(struct corpus *corpus, char *const *paths)
{
    size_t count = 0;

    while (paths[count] != NULL)
        count++;
    corpus->packs = scenario_alloc(count, sizeof *corpus->packs);
    corpus->count = count;
    for (size_t i = 0; i < count; i++) {
        corpus->packs[i].path = paths[i];
        if (!read_pack(&corpus->packs[i])) {
            fprintf(stderr, "scenario: cannot read %s\n", paths[i]);
            return false;
        }
        corpus->entries += corpus->packs[i].count;
    }
    return true;
}

void corpus_free(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        free(corpus->packs[i].text);
        free(corpus->packs[i].entries);
    }
    free(corpus->packs);
}

struct entry *corpus_find(const struct corpus *corpus, const char *name)
{
    for (size_t i = 0; i < corpus->count; i++)
        for (size_t k = 0; k < corpus->packs[i].count; k++)
            if (strcmp(corpus->packs[i].entries[k].name, name) == 0)
                return &corpus->packs[i].entries[k];
    return NULL;
}
