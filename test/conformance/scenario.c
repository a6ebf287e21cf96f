/*
 * scenario.c - reads a scenario on standard input, runs it on the library, and prints its trace; or
 * replays recorded ones, or injects faults into them. See README.md.
 */
#include "scenario_heap.h"
#include "scenario_inject.h"
#include "scenario_inject_all.h"
#include "scenario_pack.h"
#include "scenario_replay.h"
#include "scenario_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_DEFECT = 4 };

struct options;

/* Do something with the packed files. Return the exit code. */
typedef int files_fn(struct options *options);

struct options {
    struct run_opts run;
    struct heap_failure failure;
    struct inject inject;    /* the faults of --inject */
    struct inject_plan plan; /* of --inject-all; its run is a copy of the options above */
    files_fn *with_files;    /* NULL: standard input is the scenario */
    char **files;            /* up to a NULL */
    const char *entry;       /* the one entry of the files that is run */
};

static bool parse_options(struct options *options, char **args);
static files_fn replay_files, inject_files, run_entry;
static int run_stdin(struct options *options);
static replay_run_fn run_text;

int main(int argc, char **argv)
{
    struct options options = { .with_files = NULL };

    if (argc < 1 || !parse_options(&options, argv + 1)) {
        fprintf(stderr, "usage: scenario [--explicit | --status] [--fail-alloc N | N+] "
                        "[--task-budget K] [--byte-budget B] [--copy]\n"
                        "                [--ask] [--foreign] [--deaf]\n"
                        "                [--replay FILE...]\n"
                        "                [--inject FAULT[,FAULT]] [--entry NAME FILE...]\n"
                        "                [--sample N] [--pairs N] [--seed N] [--inject-all "
                        "FILE...]\n");
        return EXIT_USAGE;
    }
    return options.with_files != NULL ? options.with_files(&options) : run_stdin(&options);
}

/* --- the command line ------------------------------------------------------------------------- */

/* Read a number from 1 on. *rest is what follows it. */
static bool parse_count(size_t *out, const char **rest, const char *word)
{
    char *end;
    unsigned long n;

    if (word == NULL || word[0] < '1' || word[0] > '9')
        return false;
    n = strtoul(word, &end, 10);
    *out = n;
    *rest = end;
    return true;
}

/* Set an option that says how streams are used. Return false if the word is none. */
static bool parse_way(struct run_opts *run, const char *word)
{
    if (strcmp(word, "--explicit") == 0)
        run->explicit_answers = true;
    else if (strcmp(word, "--status") == 0)
        run->explicit_answers = false;
    else if (strcmp(word, "--copy") == 0)
        run->copies = true;
    else if (strcmp(word, "--ask") == 0)
        run->ask = true;
    else if (strcmp(word, "--foreign") == 0)
        run->foreign = true;
    else if (strcmp(word, "--deaf") == 0)
        run->deaf = true;
    else
        return false;
    return true;
}

/* Return where the number of an option goes, or NULL if the option has none. */
static size_t *number_of(struct options *options, const char *word)
{
    if (strcmp(word, "--fail-alloc") == 0)
        return &options->failure.at;
    if (strcmp(word, "--task-budget") == 0)
        return &options->run.task_budget;
    if (strcmp(word, "--byte-budget") == 0)
        return &options->run.byte_budget;
    if (strcmp(word, "--sample") == 0)
        return &options->plan.sample;
    if (strcmp(word, "--pairs") == 0)
        return &options->plan.pairs;
    return strcmp(word, "--seed") == 0 ? &options->plan.seed : NULL;
}

static bool parse_number_of(struct options *options, size_t *number, const char *word)
{
    const char *rest;

    if (!parse_count(number, &rest, word))
        return false;
    if (number == &options->failure.at) {
        options->failure.after = strcmp(rest, "+") == 0;
        rest += options->failure.after;
    }
    return *rest == '\0';
}

/* Read an option after which only files come. Return false if args does not begin with one. */
static bool parse_files(struct options *options, char **args)
{
    if (strcmp(*args, "--replay") == 0) {
        options->with_files = replay_files;
    } else if (strcmp(*args, "--inject-all") == 0) {
        options->with_files = inject_files;
    } else if (strcmp(*args, "--entry") == 0 && args[1] != NULL) {
        options->with_files = run_entry;
        options->entry = *++args;
    } else {
        return false;
    }
    options->files = args + 1;
    return true;
}

static bool parse_options(struct options *options, char **args)
{
    for (; *args != NULL; args++) {
        size_t *number = number_of(options, *args);

        if (parse_files(options, args))
            return options->files[0] != NULL;
        if (number != NULL) {
            if (!parse_number_of(options, number, *++args))
                return false;
        } else if (strcmp(*args, "--inject") == 0) {
            if (*++args == NULL || !inject_parse(&options->inject, *args))
                return false;
        } else if (!parse_way(&options->run, *args)) {
            return false;
        }
    }
    return true;
}

/* --- the run ---------------------------------------------------------------------------------- */

static bool run_with_failure(const struct scenario *sc, const struct options *options)
{
    struct heap heap = { .failures = { options->failure } };
    const cst_allocator allocator = heap_allocator(&heap);
    bool exact = scenario_run(sc, &allocator, &options->run);

    return heap_has_all_back(&heap) && exact;
}

static int run(const struct scenario *sc, struct options *options)
{
    bool exact = options->inject.count > 0 ? inject_run(&options->inject, sc, &options->run)
                                           : run_with_failure(sc, options);

    if (fflush(options->run.out) != 0)
        fprintf(stderr, "scenario: the trace could not be written\n");
    return exact ? EXIT_FINE : EXIT_DEFECT;
}

/* Run a scenario. Its allocations and its steps are counted from 1. */
static int run_text(char *text, FILE *out, void *arg)
{
    struct options options = *(const struct options *)arg;
    struct scenario sc;

    options.run.out = out;
    int code = scenario_parse(&sc, text) ? run(&sc, &options) : EXIT_USAGE;
    scenario_free(&sc);
    return code;
}

static int run_stdin(struct options *options)
{
    char *text = scenario_read(stdin);
    int code = run_text(text, stdout, options);

    free(text);
    return code;
}

/* --- packed files ----------------------------------------------------------------------------- */

static int replay_files(struct options *options)
{
    return replay(options->files, options->run.deaf, run_text, options);
}

static int inject_files(struct options *options)
{
    options->plan.run = options->run;
    return inject_all(options->files, &options->plan);
}

static int run_entry(struct options *options)
{
    struct corpus corpus = { .count = 0 };
    struct entry *entry = NULL;
    int code = EXIT_USAGE;

    if (corpus_read(&corpus, options->files)) {
        entry = corpus_find(&corpus, options->entry);
        if (entry == NULL)
            fprintf(stderr, "scenario: no entry is called '%s'\n", options->entry);
    }
    if (entry != NULL)
        code = run_text(entry->scenario, stdout, options);
    corpus_free(&corpus);
    return code;
}
