/*
 * scenario_inject.c - see scenario_inject.h.
 */
#include "scenario_inject.h"

#include "scenario_host.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* A run with more steps does not end: no scenario of the corpus has a hundredth of them. */
enum { MOST_STEPS = 1000000 };

const char *const inject_kinds[FAULTS] = { "destroy", "destroye", "unref", "free",
                                           "full",    "alloc",    "alloc+" };

/* --- as text ---------------------------------------------------------------------------------- */

static char *cut_at(char *text, char mark)
{
    char *at = text != NULL ? strchr(text, mark) : NULL;

    if (at != NULL)
        *at++ = '\0';
    return at;
}

static bool parse_fault(struct fault *fault, char *text)
{
    char *number = cut_at(text, ':'), *name = cut_at(number, ':'), *end;
    size_t kind = 0;

    while (kind < FAULTS && strcmp(inject_kinds[kind], text) != 0)
        kind++;
    if (kind == FAULTS || number == NULL || *number < '1' || *number > '9')
        return false;
    *fault = (struct fault){ .kind = (enum fault_kind)kind, .stream = name };
    fault->k = strtoul(number, &end, 10);
    return *end == '\0' && (name != NULL) == (kind < FAULT_FREE);
}

bool inject_parse(struct inject *inject, char *text)
{
    while (text != NULL && inject->count < MOST_FAULTS) {
        char *next = cut_at(text, ',');

        if (!parse_fault(&inject->faults[inject->count++], text))
            return false;
        text = next;
    }
    return text == NULL;
}

void inject_print(const struct inject *inject, FILE *out)
{
    for (size_t i = 0; i < inject->count; i++) {
        const struct fault *fault = &inject->faults[i];

        fprintf(out, "%s%s:%zu", i > 0 ? "," : "", inject_kinds[fault->kind], fault->k);
        if (fault->stream != NULL)
            fprintf(out, ":%s", fault->stream);
    }
}

/* --- the faults ------------------------------------------------------------------------------- */

static void complain(struct inject *inject, const char *format, ...)
{
    va_list args;

    fputs("scenario: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    inject->broken = true;
}

/* Free the context. Forget the streams only after it: slots and listeners still run in
 * cst_ctx_free, and look for their streams. */
static void free_ctx(struct host *host)
{
    struct inject *inject = host->opts->inject;

    inject->free_due = false;
    for (size_t i = 0; i < host->scenario->stream_count; i++) {
        cst_abort_unref(host->members[i].abort);
        host->members[i].abort = NULL;
    }
    if (cst_ctx_free(host->ctx) != CST_OK)
        complain(inject, "the context would not be freed");
    host->ctx = NULL;
    host->peer = NULL;
    host->owed = NULL;
    for (size_t i = 0; i < host->scenario->stream_count; i++)
        host->members[i].stream = NULL;
}

static bool ask_to_free(struct host *host)
{
    struct inject *inject = host->opts->inject;

    if (inject->inside > 0 && cst_ctx_free(host->ctx) != CST_E_NESTED)
        complain(inject, "the context is freed inside a callback");
    if (inject->inside > 0 && cst_ctx_run(host->ctx, NULL) != CST_E_NESTED)
        complain(inject, "the context runs inside a callback");
    inject->free_due = true;
    return true;
}

static struct member *named_member(const struct host *host, const char *name)
{
    for (size_t i = 0; i < host->scenario->stream_count; i++)
        if (strcmp(host->members[i].decl->name, name) == 0)
            return &host->members[i];
    return NULL;
}

/* Unref or destroy the fault's stream. Return false if the host does not have it any more. */
static bool harm_stream(const struct host *host, const struct fault *fault)
{
    struct member *member = named_member(host, fault->stream);
    cst_stream *s = member != NULL ? member->stream : NULL;

    if (s == NULL)
        return false;
    if (fault->kind == FAULT_UNREF) {
        member->stream = NULL;
        cst_unref(s);
    } else {
        bool with_error = fault->kind == FAULT_DESTROYE;

        if (cst_destroy(s, with_error ? CST_USER(ERROR_OWN) : CST_OK) != CST_OK)
            complain(host->opts->inject, "%s cannot be destroyed", fault->stream);
    }
    return true;
}

static void leave_crowd(void *arg)
{
    struct inject *inject = arg;

    if (--inject->crowd_left == 0)
        inject->heap.empty = false;
}

/* Queue tasks until the queue is full and gets no memory. Tasks without room, the streams' own
 * among them, are kept in another way and run before the rest. */
static bool fill_queue(struct host *host)
{
    struct inject *inject = host->opts->inject;

    inject->heap.empty = true;
    for (size_t i = 0; i < CROWD; i++)
        inject->crowd_left +=
            cst_defer(host->ctx, &inject->crowd[i], leave_crowd, inject) == CST_OK;
    return true;
}

static bool inject_fault(struct host *host, const struct fault *fault)
{
    if (fault->kind == FAULT_FREE)
        return ask_to_free(host);
    return fault->kind == FAULT_FULL ? fill_queue(host) : harm_stream(host, fault);
}

static void inject_faults(struct host *host)
{
    struct inject *inject = host->opts->inject;
    size_t step = inject->step;

    for (size_t i = 0; i < inject->count; i++) {
        struct fault *fault = &inject->faults[i];

        if (fault->kind < FAULT_ALLOC && fault->k == step)
            fault->came = inject_fault(host, fault);
    }
}

void inject_step(struct host *host)
{
    struct inject *inject = host->opts->inject;

    if (inject == NULL || host->ctx == NULL || host->over)
        return;
    if (++inject->step > MOST_STEPS) {
        fprintf(stderr, "scenario: no end after %d steps\n", MOST_STEPS);
        abort();
    }
    inject_faults(host);
    if (inject->free_due && inject->inside == 0)
        free_ctx(host);
}

void inject_enter(struct host *host)
{
    struct inject *inject = host->opts->inject;

    if (inject == NULL)
        return;
    if (host->ctx == NULL)
        complain(inject, "something is called although the context is gone");
    inject->inside++;
    inject_step(host);
}

void inject_leave(const struct host *host)
{
    if (host->opts->inject != NULL)
        host->opts->inject->inside--;
}

/* --- what holds ------------------------------------------------------------------------------- */

/* If a stream was destroyed before its construct ran, both are called, as in Node. */
void inject_check_slot(const struct member *member, const cst_stream *s, enum method method)
{
    struct inject *inject = member->host->opts->inject;

    if (inject == NULL)
        return;
    if (cst_is_closed(s))
        complain(inject, "a slot of %s is called after its close", member->decl->name);
    else if (cst_is_destroyed(s) && method != METHOD_DESTROY && method != METHOD_CONSTRUCT)
        complain(inject, "a slot of %s is called after its destroy", member->decl->name);
}

/* Return whether the queue has been full. Tasks of streams then run too early, out of order. */
static bool was_full(const struct inject *inject)
{
    for (size_t i = 0; i < inject->count; i++)
        if (inject->faults[i].kind == FAULT_FULL && inject->faults[i].came)
            return true;
    return false;
}

/* Return whether the event may follow 'close'. 'pause', 'resume', 'pipe' and 'unpipe' are emitted
 * by calls, also on a closed stream. A 'finish' that waits for its task when the stream is
 * destroyed is emitted, as in Node. */
static bool may_follow_close(cst_event_type type)
{
    return type == CST_PAUSE || type == CST_RESUME || type == CST_PIPE || type == CST_UNPIPE ||
           type == CST_FINISH;
}

void inject_check_event(const struct member *member, cst_event_type type)
{
    struct inject *inject = member->host->opts->inject;
    size_t closes = member->times[ON_EVENT + CST_CLOSE] - (type == CST_CLOSE);

    if (inject == NULL)
        return;
    if (closes > 0 && !may_follow_close(type) && !was_full(inject))
        complain(inject, "'%s' of %s comes after its 'close'", scenario_event_names[type],
                 member->decl->name);
    if (type == CST_ERROR && member->times[ON_EVENT + CST_ERROR] > 1)
        complain(inject, "a second 'error' of %s", member->decl->name);
}

/* Return whether a destroyed stream must close: if it has a construct or destroy slot, the answer
 * may never come; a composition waits for its streams. */
static bool has_to_close(const struct member *member)
{
    return member->ops.construct == NULL && member->ops.destroy == NULL &&
           member->decl->kind != KIND_COMPOSE;
}

/* Return whether 'close' is heard. The first line of a pair has the options of both sides. */
static bool hears_close(const struct member *member)
{
    const struct scenario *sc = member->host->scenario;

    if (!member->listens_to[CST_CLOSE] || member->decl->opts.no_emit_close)
        return false;
    for (size_t i = 0; i < sc->stream_count && member->decl->kind == KIND_PAIR; i++)
        if (sc->streams[i].kind == KIND_PAIR && sc->streams[i].opts.no_emit_close)
            return false;
    return true;
}

static void check_close(const struct member *member)
{
    struct inject *inject = member->host->opts->inject;
    const cst_stream *s = member->stream;

    if (s == NULL)
        return;
    if (cst_is_destroyed(s) && !cst_is_closed(s) && has_to_close(member))
        complain(inject, "%s is destroyed and does not close", member->decl->name);
    if (cst_is_closed(s) && hears_close(member) && member->times[ON_EVENT + CST_CLOSE] == 0)
        complain(inject, "%s is closed without a 'close'", member->decl->name);
}

void inject_check_end(const struct host *host)
{
    if (host->opts->inject == NULL || host->ctx == NULL)
        return;
    cst_ctx_run(host->ctx, NULL); /* run what a fault at the last step has queued */
    for (size_t i = 0; i < host->scenario->stream_count; i++)
        check_close(&host->members[i]);
}

/* --- a run ------------------------------------------------------------------------------------ */

static void arm(struct inject *inject)
{
    for (size_t i = 0; i < inject->count; i++)
        if (inject->faults[i].kind >= FAULT_ALLOC)
            inject->heap.failures[i] =
                (struct heap_failure){ .at = inject->faults[i].k,
                                       .after = inject->faults[i].kind == FAULT_ALLOC_FROM };
}

bool inject_run(struct inject *inject, const struct scenario *sc, const struct run_opts *opts)
{
    const cst_allocator allocator = heap_allocator(&inject->heap);
    struct run_opts with_faults = *opts;

    with_faults.inject = inject;
    if (with_faults.task_budget == 0)
        with_faults.task_budget = 1;
    arm(inject);
    bool exact = scenario_run(sc, &allocator, &with_faults);
    exact = heap_has_all_back(&inject->heap) && exact;
    for (size_t i = 0; i < inject->count; i++)
        if (inject->faults[i].kind >= FAULT_ALLOC)
            inject->faults[i].came = inject->faults[i].k <= inject->heap.calls;
    return exact && !inject->broken;
}
