/*
 * scenario_op.c - the ops. Each makes one call of the library, or a few, and prints what it
 * returned.
 */
#include "scenario_host.h"

#include <stdlib.h>
#include <string.h>

typedef void op_fn(struct host *host, struct member *member, const struct op *op);

static op_fn op_push, op_unshift, op_read, op_readall, op_pause, op_resume, op_listen, op_unlisten,
    op_pipe, op_unpipe, op_write, op_end, op_cork, op_uncork, op_destroy, op_abort, op_pipeline,
    op_finished, op_setenc;

static op_fn *const op_fns[VERBS] = {
    [OP_PUSH] = op_push,       [OP_UNSHIFT] = op_unshift,   [OP_READ] = op_read,
    [OP_READALL] = op_readall, [OP_PAUSE] = op_pause,       [OP_RESUME] = op_resume,
    [OP_LISTEN] = op_listen,   [OP_UNLISTEN] = op_unlisten, [OP_PIPE] = op_pipe,
    [OP_UNPIPE] = op_unpipe,   [OP_WRITE] = op_write,       [OP_END] = op_end,
    [OP_CORK] = op_cork,       [OP_UNCORK] = op_uncork,     [OP_DESTROY] = op_destroy,
    [OP_ABORT] = op_abort,     [OP_PIPELINE] = op_pipeline, [OP_FINISHED] = op_finished,
    [OP_SETENC] = op_setenc,
};

void op_exec(struct host *host, const struct op *op)
{
    inject_step(host);
    for (size_t i = 1; i <= op->streams; i++)
        if (host_member(host, op->words[i])->stream == NULL)
            return;
    op_fns[op->verb](host, host_member(host, op->words[1]), op);
}

/* Return whether the op has this word at this index. */
static bool word_is(const struct op *op, size_t index, const char *word)
{
    return index < op->count && strcmp(op->words[index], word) == 0;
}

/* --- the readable side ------------------------------------------------------------------------ */

static void op_push(struct host *host, struct member *member, const struct op *op)
{
    cst_status status = op->n == NO_NUMBER ? cst_push_eof(member->stream)
                                           : host_push(member, member->stream, op->n);

    host_say(host, "ret push %s %d\n", member->decl->name, status == CST_OK);
}

/* Return the next n bytes, or their text if the stream reads as text. */
static cst_status readable_bytes(cst_slice *out, struct member *member, size_t n)
{
    cst_encoding encoding;
    cst_slice bytes;
    cst_status status = host_bytes(&bytes, member, n);

    if (status != CST_OK || cst_readable_encoding(&encoding, member->stream) != CST_OK) {
        *out = bytes;
        return status;
    }
    status = cst_slice_to_text(out, member->host->allocator, encoding, &bytes);
    cst_slice_unref(&bytes);
    return status;
}

static void op_unshift(struct host *host, struct member *member, const struct op *op)
{
    cst_slice chunk;
    cst_status status = readable_bytes(&chunk, member, op->n);

    if (status == CST_OK)
        status = cst_unshift(member->stream, chunk);
    host_say(host, "ret unshift %s %d\n", member->decl->name, status == CST_OK);
}

/* Read once. Return whether there was a chunk. */
static bool read_once(struct member *member, size_t size)
{
    cst_slice chunk = cst_slice_empty();
    bool got = cst_read(&chunk, member->stream, size) == CST_OK;

    host_say(member->host, "ret read %s %s\n", member->decl->name,
             host_chunk_text(got ? &chunk : NULL).text);
    cst_slice_unref(&chunk);
    return got;
}

static void op_read(struct host *host, struct member *member, const struct op *op)
{
    (void)host;
    read_once(member, op->n);
}

static void op_readall(struct host *host, struct member *member, const struct op *op)
{
    (void)host;
    while (read_once(member, op->n))
        continue;
}

static void op_pause(struct host *host, struct member *member, const struct op *op)
{
    (void)host, (void)op;
    cst_pause(member->stream);
}

static void op_resume(struct host *host, struct member *member, const struct op *op)
{
    (void)host, (void)op;
    cst_resume(member->stream);
}

static cst_event_type op_event(const struct op *op)
{
    return word_is(op, 2, "data") ? CST_DATA : CST_READABLE;
}

static void op_listen(struct host *host, struct member *member, const struct op *op)
{
    cst_event_type type = op_event(op);

    (void)host;
    if (!member->listens_to[type])
        member->listens_to[type] = cst_on(member->stream, type, host_on_event, member) == CST_OK;
}

static void op_unlisten(struct host *host, struct member *member, const struct op *op)
{
    cst_event_type type = op_event(op);

    (void)host;
    if (!member->listens_to[type])
        return;
    cst_off(member->stream, type, host_on_event, member);
    member->listens_to[type] = false;
}

static void op_setenc(struct host *host, struct member *member, const struct op *op)
{
    cst_encoding encoding = CST_UTF8;

    (void)host;
    cst_encoding_from_name(&encoding, op->words[2]);
    cst_set_encoding(member->stream, encoding);
}

static void op_pipe(struct host *host, struct member *member, const struct op *op)
{
    cst_pipe_opts opts = { .no_end = word_is(op, 3, "noend") };

    cst_pipe(member->stream, host_member(host, op->words[2])->stream, &opts);
}

static void op_unpipe(struct host *host, struct member *member, const struct op *op)
{
    cst_unpipe(member->stream, op->streams == 2 ? host_member(host, op->words[2])->stream : NULL);
}

/* --- the writable side ------------------------------------------------------------------------ */

static struct ticket *new_ticket(struct host *host, struct member *member, enum ticket_kind kind,
                                 size_t number)
{
    struct ticket *ticket = scenario_alloc(1, sizeof *ticket);

    *ticket = (struct ticket){
        .next = host->tickets, .host = host, .member = member, .kind = kind, .number = number
    };
    host->tickets = ticket;
    return ticket;
}

static void say_done(const struct ticket *ticket, cst_status status)
{
    const char *name = ticket->member->decl->name, *code = host_code(ticket->host, status);

    if (ticket->kind == TICKET_WRITE)
        host_say(ticket->host, "cb write %s %zu %s\n", name, ticket->number, code);
    else if (ticket->kind == TICKET_SAME)
        host_say(ticket->host, "cb write %s same %s\n", name, code);
    else
        host_say(ticket->host, "cb end %s %s\n", name, code);
}

static void on_done(cst_stream *s, cst_status status, void *arg)
{
    struct ticket *ticket = arg;
    struct member *member = ticket->member;
    size_t occasion = ticket->kind == TICKET_END ? ON_END_DONE : ON_WRITE_DONE;

    (void)s;
    ticket->ran++;
    if (status < 0 && member->decl->kind == KIND_COMPOSE)
        return; /* Node calls no callback here */
    inject_enter(ticket->host);
    say_done(ticket, status);
    host_do_hooks(member, occasion, ++member->times[occasion]);
    inject_leave(ticket->host);
}

/* Count a callback that must run. A call that was refused at once owes none. */
static void count_due(struct ticket *ticket, cst_status status)
{
    if (ticket != NULL && status != CST_E_NOMEM && status != CST_E_INVALID_ARG)
        ticket->due++;
}

/* Return the ticket of a write, or NULL if it has no callback. */
static struct ticket *write_ticket(struct host *host, struct member *member, const struct op *op)
{
    size_t number = ++member->write_count;

    if (word_is(op, 3, "nocb"))
        return NULL;
    if (!word_is(op, 3, "same"))
        return new_ticket(host, member, TICKET_WRITE, number);
    if (member->same == NULL)
        member->same = new_ticket(host, member, TICKET_SAME, 0);
    return member->same;
}

static void op_write(struct host *host, struct member *member, const struct op *op)
{
    struct ticket *ticket = write_ticket(host, member, op);
    cst_done_fn *done = ticket != NULL ? on_done : NULL;
    cst_slice chunk = cst_slice_empty();
    cst_status status = host_bytes(&chunk, member, op->n);

    if (status == CST_OK && host->opts->copies) {
        status = cst_write_copy(member->stream, chunk.data, chunk.len, done, ticket);
        cst_slice_unref(&chunk);
    } else if (status == CST_OK) {
        status = cst_write(member->stream, chunk, done, ticket);
    }
    count_due(ticket, status);
    host_say(host, "ret write %s %d\n", member->decl->name, status == CST_OK);
}

static void op_end(struct host *host, struct member *member, const struct op *op)
{
    struct ticket *ticket = new_ticket(host, member, TICKET_END, 0);
    cst_slice chunk;
    cst_status status;

    if (op->n == NO_NUMBER)
        status = cst_end(member->stream, on_done, ticket);
    else if ((status = host_bytes(&chunk, member, op->n)) == CST_OK)
        status = cst_end_with(member->stream, chunk, on_done, ticket);
    count_due(ticket, status);
}

static void op_cork(struct host *host, struct member *member, const struct op *op)
{
    (void)host, (void)op;
    cst_cork(member->stream);
}

static void op_uncork(struct host *host, struct member *member, const struct op *op)
{
    (void)host, (void)op;
    cst_uncork(member->stream);
}

/* --- the whole stream, and several ------------------------------------------------------------ */

static void op_destroy(struct host *host, struct member *member, const struct op *op)
{
    (void)host;
    cst_destroy(member->stream, op->n == NO_NUMBER ? CST_OK : CST_USER((cst_status)op->n));
}

static void op_abort(struct host *host, struct member *member, const struct op *op)
{
    (void)host, (void)op;
    if (member->abort != NULL)
        cst_abort_fire(member->abort);
}

static void on_outcome(const cst_error *error, void *arg)
{
    struct ticket *ticket = arg;
    const char *what = ticket->kind == TICKET_PIPELINE ? "pipeline" : "finished";
    cst_status status = error != NULL ? error->status : CST_OK;

    ticket->ran++;
    inject_enter(ticket->host);
    host_say(ticket->host, "cb %s %zu %s\n", what, ticket->number, host_code(ticket->host, status));
    inject_leave(ticket->host);
}

static void op_pipeline(struct host *host, struct member *member, const struct op *op)
{
    struct ticket *ticket = new_ticket(host, NULL, TICKET_PIPELINE, ++host->pipeline_count);
    cst_stream **streams = scenario_alloc(op->streams, sizeof *streams);

    (void)member;
    for (size_t i = 0; i < op->streams; i++)
        streams[i] = host_member(host, op->words[i + 1])->stream;
    cst_status status = cst_pipeline(streams, op->streams, NULL, on_outcome, ticket);
    ticket->due = status == CST_OK || status == CST_E_UNABLE_TO_PIPE;
    if (status < 0)
        host_say(host, "throw pipeline %s\n", host_code(host, status));
    free(streams);
}

static void op_finished(struct host *host, struct member *member, const struct op *op)
{
    struct ticket *ticket = new_ticket(host, NULL, TICKET_FINISHED, ++host->finished_count);
    cst_finished_opts opts = { .no_readable = false };

    for (size_t i = 2; i < op->count; i++) {
        opts.no_readable |= word_is(op, i, "readable=0");
        opts.no_writable |= word_is(op, i, "writable=0");
        opts.no_error |= word_is(op, i, "error=0");
    }
    ticket->due = cst_finished(member->stream, &opts, on_outcome, ticket) == CST_OK;
}
