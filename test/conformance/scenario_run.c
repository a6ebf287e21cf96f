/*
 * scenario_run.c - the host of a scenario: what a program with an event loop would be around the
 * library.
 *
 *     turn:  deliver what was owed when it began, one by one, then do its ops;
 *            all deferred tasks run after each delivery, and after the ops;
 *            then one state line a stream
 */
#include "scenario_host.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IDLE_TURNS = 200 };

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void run_turns(struct host *host);
static void create_streams(struct host *host);
static void create(struct member *member);
static void say_state(const struct member *member);
static void free_streams(struct host *host);
static bool free_tickets(struct host *host);
static void free_jobs(struct host *host);

bool scenario_run(const struct scenario *sc, const cst_allocator *allocator,
                  const struct run_opts *opts)
{
    struct host host = { .scenario = sc, .allocator = allocator, .opts = opts };

    host.owed_tail = &host.owed;
    host.members = scenario_alloc(sc->stream_count + 1, sizeof *host.members);
    for (size_t i = 0; i < sc->stream_count; i++) {
        host.members[i].host = &host;
        host.members[i].decl = &sc->streams[i];
    }
    if (cst_ctx_new(&host.ctx, allocator, NULL) == CST_OK) {
        run_turns(&host);
        inject_check_end(&host);
    }
    host_say(&host, "done\n");
    host.over = true;

    free_streams(&host);
    bool freed = cst_ctx_free(host.ctx) == CST_OK;
    if (!freed)
        fprintf(stderr, "scenario: the context would not be freed\n");
    free_jobs(&host);
    bool exact = free_tickets(&host);
    free(host.members);
    return freed && exact;
}

/* --- turns ------------------------------------------------------------------------------------ */

static void settle(struct host *host)
{
    cst_budget budget = { .tasks = host->opts->task_budget, .bytes = host->opts->byte_budget };
    bool limited = budget.tasks > 0 || budget.bytes > 0;

    while (cst_ctx_run(host->ctx, limited ? &budget : NULL) == CST_MORE)
        inject_step(host);
}

static void deliver_owed(struct host *host)
{
    struct job *job = host->owed;

    host->owed = NULL;
    host->owed_tail = &host->owed;
    while (job != NULL && host->ctx != NULL) {
        struct job *next = job->next_owed;

        inject_step(host);
        if (host->ctx != NULL)
            method_deliver(job);
        settle(host);
        job = next;
    }
}

static void do_ops(struct host *host, const struct turn *turn)
{
    for (size_t i = 0; i < turn->op_count; i++) {
        const struct op *op = &host->scenario->ops[turn->first_op + i];

        host_say(host, "op");
        for (size_t k = 0; k < op->count; k++)
            host_say(host, " %s", op->words[k]);
        host_say(host, "\n");
        op_exec(host, op);
    }
    inject_step(host);
    settle(host);
}

static void run_turns(struct host *host)
{
    const struct scenario *sc = host->scenario;
    size_t scripted = sc->turn_count, last = scripted + MAX_IDLE_TURNS;

    for (size_t i = 0; i < scripted || (host->owed != NULL && i < last); i++) {
        if (host->ctx == NULL)
            return;
        host_say(host, "-- %zu\n", i + 1);
        deliver_owed(host);
        if (i == 0)
            create_streams(host);
        if (i < scripted)
            do_ops(host, &sc->turns[i]);
        for (size_t k = 0; k < sc->stream_count; k++)
            say_state(&host->members[k]);
        inject_step(host);
    }
}

/* --- creation --------------------------------------------------------------------------------- */

static void create_streams(struct host *host)
{
    for (size_t i = 0; i < host->scenario->stream_count; i++) {
        create(&host->members[i]);
        inject_step(host);
    }
}

/* Make both sides at the first line of a pair; at the second, take the other side. */
static cst_status create_pair_side(struct member *member)
{
    struct host *host = member->host;

    if (!host->pair_open) {
        host->pair_open = true;
        return cst_duplex_pair_new(&member->stream, &host->peer, host->ctx, &member->decl->opts);
    }
    host->pair_open = false;
    member->stream = host->peer;
    host->peer = NULL;
    return member->stream != NULL ? CST_OK : CST_E_NOMEM;
}

static cst_status create_passthrough(struct member *member)
{
    cst_ctx *ctx = member->host->ctx;
    const cst_ops *ops = &member->ops;

    if (ops->construct == NULL && ops->destroy == NULL)
        return cst_passthrough_new(&member->stream, ctx, &member->decl->opts);
    return cst_passthrough_new_with(&member->stream, ctx, ops, &member, &member->decl->opts);
}

/* Compose all streams that were declared before this one. */
static cst_status create_composition(struct member *member)
{
    const struct host *host = member->host;
    size_t count = (size_t)(member - host->members);
    cst_stream **streams = scenario_alloc(count + 1, sizeof *streams);

    for (size_t i = 0; i < count; i++)
        streams[i] = host->members[i].stream;
    cst_status status = cst_compose_new(&member->stream, streams, count, &member->decl->opts);
    free(streams);
    return status;
}

static cst_status create_stream(struct member *member)
{
    cst_stream **out = &member->stream;
    cst_ctx *ctx = member->host->ctx;
    const cst_ops *ops = &member->ops;
    const cst_opts *opts = &member->decl->opts;

    switch (member->decl->kind) {
    case KIND_READABLE:
        return cst_readable_new(out, ctx, ops, &member, opts);
    case KIND_WRITABLE:
        return cst_writable_new(out, ctx, ops, &member, opts);
    case KIND_DUPLEX:
        return cst_duplex_new(out, ctx, ops, &member, opts);
    case KIND_TRANSFORM:
        return cst_transform_new(out, ctx, ops, &member, opts);
    case KIND_PASSTHROUGH:
        return create_passthrough(member);
    case KIND_PAIR:
        return create_pair_side(member);
    case KIND_COMPOSE:
        return create_composition(member);
    case KINDS:
        break;
    }
    return CST_E_INVALID_ARG;
}

/* Attach a signal. If there is no memory for it, the stream is left without one. */
static void attach_signal(struct member *member)
{
    if (cst_abort_new(&member->abort, member->host->ctx) == CST_OK)
        cst_abort_attach(member->abort, member->stream);
}

static bool is_hooked(const struct member *member, cst_event_type type)
{
    const struct scenario *sc = member->host->scenario;

    for (size_t i = 0; i < sc->hook_count; i++)
        if (sc->hooks[i].occasion == ON_EVENT + (size_t)type &&
            strcmp(sc->hooks[i].name, member->decl->name) == 0)
            return true;
    return false;
}

static void create(struct member *member)
{
    static const cst_event_type heard[] = { CST_END,    CST_CLOSE, CST_FINISH, CST_DRAIN, CST_PAUSE,
                                            CST_RESUME, CST_ERROR, CST_PIPE,   CST_UNPIPE };

    method_define(member);
    if (create_stream(member) < 0) {
        member->stream = NULL;
        return;
    }
    if (member->decl->signal)
        attach_signal(member);
    for (size_t i = 0; i < COUNT_OF(heard); i++)
        if (!member->host->opts->deaf || heard[i] == CST_ERROR || is_hooked(member, heard[i]))
            member->listens_to[heard[i]] =
                cst_on(member->stream, heard[i], host_on_event, member) == CST_OK;
}

/* --- events ----------------------------------------------------------------------------------- */

static const char *stream_name(const struct host *host, const cst_stream *s)
{
    for (size_t i = 0; i < host->scenario->stream_count; i++)
        if (host->members[i].stream == s)
            return host->members[i].decl->name;
    return "?";
}

static void say_event(const struct member *member, const cst_event *event)
{
    const struct host *host = member->host;

    host_say(host, "ev %s %s", member->decl->name, scenario_event_names[event->type]);
    if (event->type == CST_DATA)
        host_say(host, " %s", host_chunk_text(event->chunk).text);
    if (event->type == CST_ERROR)
        host_say(host, " %s", host_code(host, event->error->status));
    if (event->type == CST_PIPE || event->type == CST_UNPIPE)
        host_say(host, " %s", stream_name(host, event->peer));
    host_say(host, "\n");
}

void host_on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct member *member = arg;
    size_t occasion = ON_EVENT + (size_t)event->type;
    size_t nth = ++member->times[occasion];

    (void)s;
    inject_check_event(member, event->type);
    inject_enter(member->host);
    say_event(member, event);
    host_do_hooks(member, occasion, nth);
    inject_leave(member->host);
}

/* --- what hangs on an occasion ---------------------------------------------------------------- */

static bool hangs_on(const struct hook *hook, const struct member *member, size_t occasion,
                     size_t nth)
{
    return hook->occasion == occasion && hook->nth == nth &&
           strcmp(hook->name, member->decl->name) == 0;
}

void host_do_hooks(const struct member *member, size_t occasion, size_t nth)
{
    const struct scenario *sc = member->host->scenario;

    for (size_t i = 0; i < sc->hook_count; i++)
        if (hangs_on(&sc->hooks[i], member, occasion, nth)) {
            op_exec(member->host, &sc->hooks[i].op);
            inject_step(member->host);
        }
}

bool host_has_hooks(const struct member *member, size_t occasion, size_t nth)
{
    const struct scenario *sc = member->host->scenario;

    for (size_t i = 0; i < sc->hook_count; i++)
        if (hangs_on(&sc->hooks[i], member, occasion, nth))
            return true;
    return false;
}

/* --- the trace -------------------------------------------------------------------------------- */

void host_say(const struct host *host, const char *format, ...)
{
    va_list args;

    if (host->over || host->opts->out == NULL)
        return;
    va_start(args, format);
    vfprintf(host->opts->out, format, args);
    va_end(args);
}

const char *host_code(const struct host *host, cst_status status)
{
    static const struct {
        cst_status status;
        const char *code;
    } codes[] = {
        { CST_OK, "ok" },
        { CST_E_WRITE_AFTER_END, "ERR_STREAM_WRITE_AFTER_END" },
        { CST_E_DESTROYED, "ERR_STREAM_DESTROYED" },
        { CST_E_PREMATURE_CLOSE, "ERR_STREAM_PREMATURE_CLOSE" },
        { CST_E_PUSH_AFTER_EOF, "ERR_STREAM_PUSH_AFTER_EOF" },
        { CST_E_UNSHIFT_AFTER_END_EVENT, "ERR_STREAM_UNSHIFT_AFTER_END_EVENT" },
        { CST_E_ALREADY_FINISHED, "ERR_STREAM_ALREADY_FINISHED" },
        { CST_E_UNABLE_TO_PIPE, "ERR_STREAM_UNABLE_TO_PIPE" },
        { CST_E_MULTIPLE_CALLBACK, "ERR_MULTIPLE_CALLBACK" },
        { CST_E_ABORT, "ABORT_ERR" },
    };

    for (size_t i = 0; i < COUNT_OF(codes); i++)
        if (codes[i].status == status)
            return codes[i].code;
    for (size_t i = 0; i < host->scenario->error_count; i++)
        if (status == CST_USER((cst_status)i))
            return host->scenario->errors[i];
    return cst_status_name(status);
}

struct chunk_text host_chunk_text(const cst_slice *chunk)
{
    struct chunk_text out = { "null" };
    uint32_t hash = 0x811c9dc5;

    if (chunk == NULL)
        return out;
    for (size_t i = 0; i < chunk->len; i++)
        hash = (hash ^ chunk->data[i]) * 0x01000193;
    snprintf(out.text, sizeof out.text, "%zu:%08lx", chunk->len, (unsigned long)hash);
    return out;
}

static void say_readable_state(const struct host *host, const cst_stream *s)
{
    static const char flowing[] = { 'n', '0', '1' };

    host_say(host, " flowing=%c paused=%d rlen=%zu",
             flowing[cst_readable_flowing(s) - CST_FLOWING_UNSET], cst_is_paused(s),
             cst_readable_length(s));
    host_say(host, " rended=%d didread=%d raborted=%d readable=%d", cst_readable_ended(s),
             cst_readable_did_read(s), cst_readable_aborted(s), cst_is_readable(s));
}

static void say_writable_state(const struct host *host, const cst_stream *s, bool says_length)
{
    if (says_length)
        host_say(host, " wlen=%zu", cst_writable_length(s));
    host_say(host, " needdrain=%d corked=%zu", cst_writable_need_drain(s), cst_writable_corked(s));
    host_say(host, " wended=%d finished=%d waborted=%d writable=%d", cst_writable_ended(s),
             cst_writable_finished(s), cst_writable_aborted(s), cst_is_writable(s));
}

static void say_state(const struct member *member)
{
    const struct host *host = member->host;
    const cst_stream *s = member->stream;

    if (s == NULL)
        return;
    /* In Node, what a destroyed composition has not written counts for ever. */
    bool counts_lost = member->decl->kind == KIND_COMPOSE && cst_is_destroyed(s);
    const cst_error *error = cst_errored(s);
    host_say(host, "st %s", member->decl->name);
    if (member->decl->kind != KIND_WRITABLE)
        say_readable_state(host, s);
    if (member->decl->kind != KIND_READABLE)
        say_writable_state(host, s, !counts_lost);
    host_say(host, " destroyed=%d closed=%d errored=%s\n", cst_is_destroyed(s), cst_is_closed(s),
             error != NULL ? host_code(host, error->status) : "-");
}

/* --- what ops and methods need ---------------------------------------------------------------- */

struct member *host_member(const struct host *host, const char *name)
{
    struct member *member = host->members;

    while (strcmp(member->decl->name, name) != 0)
        member++;
    return member;
}

/* Free the bytes. Before that look at their stream, which must change nothing. */
static void on_release(const void *bytes, size_t len, void *arg)
{
    const struct member *member = arg;

    (void)len;
    (void)cst_readable_length(member->stream);
    (void)cst_writable_length(member->stream);
    free((void *)(uintptr_t)bytes);
}

static cst_status wrap_bytes(cst_slice *out, struct member *member, char *bytes, size_t n)
{
    cst_status status =
        cst_slice_foreign(out, member->host->allocator, bytes, n, on_release, member);

    if (status != CST_OK)
        free(bytes);
    return status;
}

/* Take one block for each chunk from the allocator, not from the context's cache: then a use after
 * its end is detected. */
cst_status host_bytes(cst_slice *out, struct member *member, size_t n)
{
    /* The quick brown fox – naïve café, €5, 𝄞 music. As bytes: not every compiler has u8"". */
    static const char text[] = "The quick brown fox \xE2\x80\x93 na\xC3\xAFve caf\xC3\xA9, "
                               "\xE2\x82\xAC\x35, \xF0\x9D\x84\x9E music.\n";
    size_t period = sizeof text - 1;
    char *bytes = scenario_alloc(n + 1, 1);

    for (size_t i = 0; i < n; i++)
        bytes[i] = text[(member->text_offset + i) % period];
    member->text_offset = (member->text_offset + n) % period;
    if (member->host->opts->foreign)
        return wrap_bytes(out, member, bytes, n);
    cst_status status = cst_slice_copy(out, member->host->allocator, bytes, n);
    free(bytes);
    return status;
}

cst_status host_push(struct member *member, cst_stream *s, size_t n)
{
    cst_slice chunk;
    cst_status status = host_bytes(&chunk, member, n);

    if (status != CST_OK)
        return status;
    if (!member->host->opts->copies)
        return cst_push(s, chunk);
    status = cst_push_copy(s, chunk.data, chunk.len);
    cst_slice_unref(&chunk);
    return status;
}

/* --- the end ---------------------------------------------------------------------------------- */

/* Drop all streams. Slots and listeners may still run until the context is freed, but their ops
 * find no stream from here on. */
static void free_streams(struct host *host)
{
    for (size_t i = 0; i < host->scenario->stream_count; i++) {
        struct member *member = &host->members[i];
        cst_stream *s = member->stream;

        member->stream = NULL;
        cst_unref(s);
        cst_abort_unref(member->abort);
        member->abort = NULL;
    }
    cst_unref(host->peer);
}

/* Free the jobs and their chunks. Their streams were freed with the context. */
static void free_jobs(struct host *host)
{
    while (host->jobs != NULL) {
        struct job *job = host->jobs;

        host->jobs = job->next;
        cst_slice_unref(&job->call.chunk);
        free(job);
    }
}

/* Return whether a callback of a write or an end ran as often as was due, and any other callback no
 * more often than that: Node may not call those of pipelines. */
static bool is_exact(const struct ticket *ticket)
{
    if (ticket->member == NULL) {
        if (ticket->ran > ticket->due)
            fprintf(stderr, "scenario: the callback of %s %zu is due %zu times and ran %zu times\n",
                    ticket->kind == TICKET_PIPELINE ? "pipeline" : "finished", ticket->number,
                    ticket->due, ticket->ran);
        return ticket->ran <= ticket->due;
    }
    if (ticket->ran != ticket->due)
        fprintf(stderr, "scenario: a callback of %s (%s %zu) is due %zu times and ran %zu times\n",
                ticket->member->decl->name, ticket->kind == TICKET_END ? "end" : "write",
                ticket->number, ticket->due, ticket->ran);
    return ticket->ran == ticket->due;
}

static bool free_tickets(struct host *host)
{
    bool exact = true;

    while (host->tickets != NULL) {
        struct ticket *ticket = host->tickets;

        host->tickets = ticket->next;
        exact = is_exact(ticket) && exact;
        free(ticket);
    }
    return exact;
}
