/*
 * scenario_replay.c - replays packed scenarios, all in one process.
 *
 * A packed file is text, one entry after another:
 *
 *     == NAME
 *     the scenario's lines
 *     --trace
 *     the trace's lines
 */
#include "scenario_replay.h"

#include "scenario_parse.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_SAME = 0, EXIT_DIFFERS = 1, EXIT_UNREADABLE = 2 };

struct entry {
    char *name, *scenario, *trace; /* NUL-terminated, in the pack's text */
};

struct pack {
    char *text;
    struct entry *entries;
    size_t count;
};

struct corpus {
    struct pack *packs;
    size_t count;
    size_t entries; /* of all packs */
};

struct replay {
    bool deaf;
    replay_run_fn *run;
    void *arg;
    FILE *got; /* the trace of the entry that runs; the same file for all */
    size_t passed;
};

static bool read_corpus(struct corpus *corpus, char *const *paths);
static void free_corpus(struct corpus *corpus);
static void replay_corpus(struct replay *replay, const struct corpus *corpus);
static void replay_entry(struct replay *replay, const struct entry *entry);

int replay(char *const *paths, bool deaf, replay_run_fn *run, void *arg)
{
    struct replay replay = { .deaf = deaf, .run = run, .arg = arg, .got = tmpfile() };
    struct corpus corpus = { .count = 0 };
    bool ready = replay.got != NULL && read_corpus(&corpus, paths);

    if (ready)
        replay_corpus(&replay, &corpus);
    if (replay.got != NULL)
        fclose(replay.got);
    else
        fprintf(stderr, "scenario: no room for a temporary file\n");
    bool same = replay.passed == corpus.entries;
    free_corpus(&corpus);
    if (!ready)
        return EXIT_UNREADABLE;
    return same ? EXIT_SAME : EXIT_DIFFERS;
}

static void replay_corpus(struct replay *replay, const struct corpus *corpus)
{
    printf("[==========] Running %zu test(s).\n", corpus->entries);
    for (size_t i = 0; i < corpus->count; i++)
        for (size_t k = 0; k < corpus->packs[i].count; k++)
            replay_entry(replay, &corpus->packs[i].entries[k]);
    printf("[  PASSED  ] %zu test(s).\n", replay->passed);
}

/* --- packed files ----------------------------------------------------------------------------- */

static const char entry_mark[] = "== ";
static const char trace_mark[] = "--trace\n";

/* The first line from text on that begins with mark, or NULL. */
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

/* Ends the text where the mark stands; gives what is behind the mark. */
static char *cut(char *at, const char *mark)
{
    *at = '\0';
    return at + strlen(mark);
}

/* Reads the entry whose mark text stands at; gives the next entry's mark or NULL, and an entry
 * without a name where it lacks a part. */
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

static bool read_pack(struct pack *pack, const char *path)
{
    FILE *in = fopen(path, "rb");

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

/* False, with a line on standard error, where a file cannot be read. Free the corpus in either
 * case. */
static bool read_corpus(struct corpus *corpus, char *const *paths)
{
    size_t count = 0;

    while (paths[count] != NULL)
        count++;
    corpus->packs = scenario_alloc(count, sizeof *corpus->packs);
    corpus->count = count;
    for (size_t i = 0; i < count; i++) {
        if (!read_pack(&corpus->packs[i], paths[i])) {
            fprintf(stderr, "scenario: cannot read %s\n", paths[i]);
            return false;
        }
        corpus->entries += corpus->packs[i].count;
    }
    return true;
}

static void free_corpus(struct corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        free(corpus->packs[i].text);
        free(corpus->packs[i].entries);
    }
    free(corpus->packs);
}

/* --- one entry -------------------------------------------------------------------------------- */

/* What was printed to out since it was last rewound. */
static char *read_back(FILE *out)
{
    long len = ftell(out);
    char *text = scenario_alloc((size_t)len + 1, 1);

    rewind(out);
    text[fread(text, 1, (size_t)len, out)] = '\0';
    return text;
}

/* The first line in which the two differ, as each has it. */
static void say_difference(const char *want, const char *got)
{
    size_t line = 1, start = 0;

    for (size_t i = 0; want[i] != '\0' && want[i] == got[i]; i++)
        if (want[i] == '\n') {
            line++;
            start = i + 1;
        }
    printf("line %zu differs\n", line);
    printf("  node  %.*s\n", (int)strcspn(want + start, "\n"), want + start);
    printf("  here  %.*s\n", (int)strcspn(got + start, "\n"), got + start);
}

/* Whether a line of a trace is an event that a deaf run has no listener for. */
static bool is_unheard(const char *line, const char *scenario)
{
    char name[32], event[32], hook[sizeof name + sizeof event + sizeof "when  "];

    if (sscanf(line, "ev %31s %31s", name, event) != 2 || strcmp(event, "data") == 0 ||
        strcmp(event, "readable") == 0 || strcmp(event, "error") == 0)
        return false;
    snprintf(hook, sizeof hook, "when %s %s ", name, event);
    return strstr(scenario, hook) == NULL;
}

static void leave_out_unheard(char *trace, const char *scenario)
{
    char *kept = trace;

    for (char *line = trace, *next; *line != '\0'; line = next) {
        size_t len = strcspn(line, "\n");

        next = line + len + (line[len] == '\n');
        if (is_unheard(line, scenario))
            continue;
        memmove(kept, line, (size_t)(next - line));
        kept += next - line;
    }
    *kept = '\0';
}

/* The name is out before the run, so that it shows which scenario the runner did not survive. */
static void replay_entry(struct replay *replay, const struct entry *entry)
{
    printf("[ RUN      ] %s\n", entry->name);
    fflush(stdout);
    rewind(replay->got);
    if (replay->deaf)
        leave_out_unheard(entry->trace, entry->scenario);
    int code = replay->run(entry->scenario, replay->got, replay->arg);
    char *got = read_back(replay->got);
    bool same = strcmp(got, entry->trace) == 0;

    if (!same)
        say_difference(entry->trace, got);
    if (code != 0)
        printf("the run ends with %d\n", code);
    free(got);
    bool passed = same && code == 0;
    replay->passed += passed;
    printf("[  %s ] %s\n", passed ? "     OK" : "FAILED ", entry->name);
}
