/*
 * scenario_inject_all.c - see scenario_inject_all.h.
 */
#include "scenario_inject_all.h"

#include "scenario_inject.h"
#include "scenario_pack.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

enum { EXIT_HELD = 0, EXIT_UNREADABLE = 2, EXIT_BROKEN = 4 };

/*
 * FURTHER_STEPS  drawn beyond those of a run without faults: the first of a pair may add some
 * MOST_FAILED    after so many failed runs the rest is skipped, as it would show nothing new
 */
enum { FURTHER_STEPS = 8, MOST_FAILED = 50 };

struct sums {
    size_t points[FAULTS];
    size_t pairs, failed;
};

/* A scenario, what it has without a fault, and the run it is in. */
struct subject {
    const struct inject_plan *plan;
    struct sums *sums;
    const char *path, *name;
    struct scenario sc;
    size_t steps, allocations;
    uint64_t dice;
    struct inject inject;
};

/* What the signal handler prints. */
static const struct subject *volatile running;

static void say_running(const struct subject *subject)
{
    const struct run_opts *run = &subject->plan->run;

    fprintf(stderr, "failed: scenario%s%s%s --inject ", run->explicit_answers ? " --explicit" : "",
            run->copies ? " --copy" : "", run->deaf ? " --deaf" : "");
    inject_print(&subject->inject, stderr);
    if (run->task_budget > 0)
        fprintf(stderr, " --task-budget %zu", run->task_budget);
    fprintf(stderr, " --entry %s %s\n", subject->name, subject->path);
}

/* Print where the process dies. Nothing else can be done. */
static void on_death(int number)
{
    signal(number, SIG_DFL);
    if (running != NULL)
        say_running(running);
    raise(number);
}

/* --- dice ------------------------------------------------------------------------------------- */

/* Hash a name with FNV-1a. */
static uint64_t dice_of(const char *name, size_t seed)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash;
}

/* Draw a number from 1 to n, by splitmix64. */
static size_t draw(struct subject *subject, size_t n)
{
    uint64_t z = subject->dice += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (size_t)((z ^ (z >> 31)) % n) + 1;
}

static struct fault draw_fault(struct subject *subject)
{
    enum fault_kind kind = (enum fault_kind)(draw(subject, FAULTS) - 1);
    struct fault fault = { .kind = kind };

    if (kind < FAULT_FREE)
        fault.stream = subject->sc.streams[draw(subject, subject->sc.stream_count) - 1].name;
    fault.k =
        draw(subject, (kind < FAULT_ALLOC ? subject->steps : subject->allocations) + FURTHER_STEPS);
    return fault;
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Run with these faults. Return whether all of them came about. */
static bool run_with(struct subject *subject, const struct fault *faults, size_t count)
{
    struct inject *inject = &subject->inject;
    bool came = true;

    if (subject->sums->failed == MOST_FAILED)
        return false;
    *inject = (struct inject){ .count = count };
    for (size_t i = 0; i < count; i++)
        inject->faults[i] = faults[i];
    running = subject;
    if (!inject_run(inject, &subject->sc, &subject->plan->run)) {
        subject->sums->failed++;
        say_running(subject);
    }
    running = NULL;
    for (size_t i = 0; i < count; i++)
        came = came && inject->faults[i].came;
    return came;
}

static void run_point(struct subject *subject, const struct fault *fault)
{
    subject->sums->points[fault->kind] += run_with(subject, fault, 1);
}

static void run_every_point(struct subject *subject)
{
    const struct scenario *sc = &subject->sc;

    for (size_t kind = 0; kind < FAULTS; kind++) {
        struct fault fault = { .kind = (enum fault_kind)kind };
        size_t streams = kind < FAULT_FREE ? sc->stream_count : 1;
        size_t last = kind < FAULT_ALLOC ? subject->steps : subject->allocations;

        for (fault.k = 1; fault.k <= last; fault.k++)
            for (size_t i = 0; i < streams; i++) {
                fault.stream = kind < FAULT_FREE ? sc->streams[i].name : NULL;
                run_point(subject, &fault);
            }
    }
}

static void run_sample(struct subject *subject)
{
    for (size_t i = 0; i < subject->plan->sample; i++) {
        struct fault fault = draw_fault(subject);

        run_point(subject, &fault);
    }
}

static void run_pairs(struct subject *subject)
{
    for (size_t i = 0; i < subject->plan->pairs; i++) {
        struct fault faults[MOST_FAULTS];

        for (size_t k = 0; k < MOST_FAULTS; k++)
            faults[k] = draw_fault(subject);
        subject->sums->pairs += run_with(subject, faults, MOST_FAULTS);
    }
}

/* Run one scenario with its faults. Return false if it cannot be read. */
static bool inject_entry(struct subject *subject, char *text)
{
    bool readable = scenario_parse(&subject->sc, text);

    if (readable) {
        subject->dice = dice_of(subject->name, subject->plan->seed);
        run_with(subject, NULL, 0);
        subject->steps = subject->inject.step;
        subject->allocations = subject->inject.heap.calls;
        if (subject->plan->sample == 0)
            run_every_point(subject);
        else
            run_sample(subject);
        run_pairs(subject);
    }
    scenario_free(&subject->sc);
    return readable;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void say_sums(const struct sums *sums)
{
    size_t points = 0;

    for (size_t kind = 0; kind < FAULTS; kind++)
        points += sums->points[kind];
    printf("%zu points (", points);
    for (size_t kind = 0; kind < FAULTS; kind++)
        printf("%s%s %zu", kind > 0 ? ", " : "", inject_kinds[kind], sums->points[kind]);
    printf("), %zu pairs, %zu failed\n", sums->pairs, sums->failed);
    fflush(stdout); /* leaks are looked for after main, and that may abort */
}

static bool inject_pack(const struct inject_plan *plan, struct sums *sums, const struct pack *pack)
{
    for (size_t i = 0; i < pack->count; i++) {
        const struct entry *entry = &pack->entries[i];
        struct subject subject = {
            .plan = plan, .sums = sums, .path = pack->path, .name = entry->name
        };

        if (!inject_entry(&subject, entry->scenario))
            return false;
    }
    return true;
}

int inject_all(char *const *paths, const struct inject_plan *plan)
{
    struct corpus corpus = { .count = 0 };
    struct sums sums = { .failed = 0 };
    bool readable = corpus_read(&corpus, paths);

    signal(SIGABRT, on_death);
    signal(SIGTERM, on_death);
    for (size_t i = 0; readable && i < corpus.count; i++)
        readable = inject_pack(plan, &sums, &corpus.packs[i]);
    corpus_free(&corpus);
    if (!readable)
        return EXIT_UNREADABLE;
    say_sums(&sums);
    return sums.failed == 0 ? EXIT_HELD : EXIT_BROKEN;
}
