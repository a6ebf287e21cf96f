/*
 * scenario.c - reads a scenario on standard input, runs it on the library, prints its trace; or
 * replays recorded ones. See README.md.
 */
#include "scenario_replay.h"
#include "scenario_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FINE = 0, EXIT_USAGE = 2, EXIT_DEFECT = 4 };

/* The allocator that the library gets: it counts, and fails when told. */
struct heap {
    size_t calls;
    size_t live_blocks, live_bytes;
    size_t fail_at;  /* which call fails, counted from 1; 0 is none */
    bool fail_after; /* and all that follow it */
};

struct options {
    struct run_opts run;
    struct heap heap;
    char **replay; /* the packed files, up to a NULL; NULL where standard input is the scenario */
};

static bool parse_options(struct options *options, char **args);
static int run_stdin(struct options *options);
static replay_run_fn run_text;

int main(int argc, char **argv)
{
    struct options options = { .replay = NULL };

    if (argc < 1 || !parse_options(&options, argv + 1)) {
        fprintf(stderr, "usage: scenario [--explicit | --status] [--fail-alloc N | N+] "
                        "[--task-budget K] [--copy] [--deaf] [--replay FILE...]\n");
        return EXIT_USAGE;
    }
    return options.replay != NULL ? replay(options.replay, options.run.deaf, run_text, &options)
                                  : run_stdin(&options);
}

/* --- the command line ------------------------------------------------------------------------- */

/* A number from 1, and what follows it. */
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

static bool parse_options(struct options *options, char **args)
{
    for (; *args != NULL; args++) {
        const char *rest = "";

        if (strcmp(*args, "--explicit") == 0) {
            options->run.explicit_answers = true;
        } else if (strcmp(*args, "--status") == 0) {
            options->run.explicit_answers = false;
        } else if (strcmp(*args, "--copy") == 0) {
            options->run.copies = true;
        } else if (strcmp(*args, "--deaf") == 0) {
            options->run.deaf = true;
        } else if (strcmp(*args, "--replay") == 0) {
            options->replay = args + 1;
            return args[1] != NULL;
        } else if (strcmp(*args, "--fail-alloc") == 0) {
            if (!parse_count(&options->heap.fail_at, &rest, *++args))
                return false;
            options->heap.fail_after = strcmp(rest, "+") == 0;
            rest += options->heap.fail_after;
        } else if (strcmp(*args, "--task-budget") == 0) {
            if (!parse_count(&options->run.task_budget, &rest, *++args))
                return false;
        } else {
            return false;
        }
        if (*rest != '\0')
            return false;
    }
    return true;
}

/* --- the allocator ---------------------------------------------------------------------------- */

static void *heap_alloc(void *user, size_t size)
{
    struct heap *heap = user;
    size_t call = ++heap->calls;

    if (call == heap->fail_at || (heap->fail_after && call > heap->fail_at))
        return NULL;
    void *ptr = malloc(size);
    if (ptr == NULL)
        return NULL;
    heap->live_blocks++;
    heap->live_bytes += size;
    return ptr;
}

static void heap_free(void *user, void *ptr, size_t size)
{
    struct heap *heap = user;

    heap->live_blocks--;
    heap->live_bytes -= size;
    free(ptr);
}

/* --- the run ---------------------------------------------------------------------------------- */

static int run(const struct scenario *sc, struct options *options)
{
    struct heap *heap = &options->heap;
    const cst_allocator allocator = { .alloc = heap_alloc, .free = heap_free, .user = heap };
    bool exact = scenario_run(sc, &allocator, &options->run);

    /* Both: a block given back with another size than it was asked for shows in the bytes alone. */
    if (heap->live_blocks != 0 || heap->live_bytes != 0) {
        fprintf(stderr, "scenario: %zu blocks, %zu bytes are live at the end\n", heap->live_blocks,
                heap->live_bytes);
        exact = false;
    }
    if (fflush(options->run.out) != 0)
        fprintf(stderr, "scenario: the trace could not be written\n");
    return exact ? EXIT_FINE : EXIT_DEFECT;
}

/* Each run counts its allocations from none. */
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
