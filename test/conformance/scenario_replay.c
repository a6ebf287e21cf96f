/*
 * scenario_replay.c - replay packed scenarios, all in one process.
 */
#include "scenario_replay.h"

#include "scenario_pack.h"
#include "scenario_parse.h"

#include <stdlib.h>
#include <string.h>

enum { EXIT_SAME = 0, EXIT_DIFFERS = 1, EXIT_UNREADABLE = 2 };

struct replay {
    bool deaf;
    replay_run_fn *run;
    void *arg;
    FILE *got; /* the trace of the running entry; one file serves all */
    size_t passed;
};

static void replay_corpus(struct replay *replay, const struct corpus *corpus);
static void replay_entry(struct replay *replay, const struct entry *entry);

int replay(char *const *paths, bool deaf, replay_run_fn *run, void *arg)
{
    struct replay replay = { .deaf = deaf, .run = run, .arg = arg, .got = tmpfile() };
    struct corpus corpus = { .count = 0 };
    bool ready = replay.got != NULL && corpus_read(&corpus, paths);

    if (ready)
        replay_corpus(&replay, &corpus);
    if (replay.got != NULL)
        fclose(replay.got);
    else
        fprintf(stderr, "scenario: no room for a temporary file\n");
    bool same = replay.passed == corpus.entries;
    corpus_free(&corpus);
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

/* --- one entry -------------------------------------------------------------------------------- */

/* Return what was printed to out since it was last rewound. */
static char *read_back(FILE *out)
{
    long len = ftell(out);
    char *text = scenario_alloc((size_t)len + 1, 1);

    rewind(out);
    text[fread(text, 1, (size_t)len, out)] = '\0';
    return text;
}

/* Print the first line in which the traces differ, as each has it. */
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

/* Return whether a line of a trace is an event for which a deaf run has no listener. */
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

/* Replay an entry. Print its name first, so that a crash shows which scenario it was in. */
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
