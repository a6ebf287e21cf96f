/*
 * scenario_method.c - the slots of the scenario's streams, each of which does what its script says.
 *
 * A slot prints its call and takes the item whose turn it is. It does the item's acts at once, or
 * leaves them as a job: to the library's queue (tick), or to the host (later). One of the acts is
 * the answer. If it is the last act of a `now` item, and nothing hangs on what comes after, the
 * slot returns it; else it is passed to cst_complete. The trace must not show which.
 */
#include "scenario_host.h"

static const struct act default_write_acts[] = { { .kind = ACT_CB } };
static const struct act default_transform_acts[] = { { .kind = ACT_X }, { .kind = ACT_CB } };

static const struct item item_never = { .when = MOMENT_NEVER };
static const struct item default_write = { MOMENT_NOW, default_write_acts, 1 };
static const struct item default_transform = { MOMENT_NOW, default_transform_acts, 2 };

static cst_status scripted(struct member *member, cst_stream *s, enum method method,
                           const cst_slice *chunk);
static const struct item *next_item(const struct member *member, enum method method);
static void do_first(struct call *call);
static cst_status do_now(const struct call *call);
static void leave_for_later(const struct call *call);
static void do_acts(const struct call *call, size_t count);

/* --- the slots -------------------------------------------------------------------------------- */

/* Return the member: the state of each stream is a pointer to it. */
static struct member *member_of(void *self)
{
    return *(struct member **)self;
}

static cst_status slot_construct(cst_stream *s, void *self)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s construct\n", member->decl->name);
    return scripted(member, s, METHOD_CONSTRUCT, NULL);
}

static cst_status slot_read(cst_stream *s, void *self, size_t size)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s read %zu\n", member->decl->name, size);
    return scripted(member, s, METHOD_READ, NULL);
}

static cst_status slot_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s write %s\n", member->decl->name, host_chunk_text(chunk).text);
    return scripted(member, s, METHOD_WRITE, NULL);
}

static cst_status slot_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s writev ", member->decl->name);
    for (size_t i = 0; i < count; i++)
        host_say(member->host, "%s%s", i > 0 ? "+" : "", host_chunk_text(&chunks[i]).text);
    host_say(member->host, "\n");
    return scripted(member, s, METHOD_WRITE, NULL);
}

static cst_status slot_final(cst_stream *s, void *self)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s final\n", member->decl->name);
    return scripted(member, s, METHOD_FINAL, NULL);
}

static cst_status slot_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s transform %s\n", member->decl->name,
             host_chunk_text(chunk).text);
    return scripted(member, s, METHOD_TRANSFORM, chunk);
}

static cst_status slot_flush(cst_stream *s, void *self)
{
    struct member *member = member_of(self);

    host_say(member->host, "call %s flush\n", member->decl->name);
    return scripted(member, s, METHOD_FLUSH, NULL);
}

static cst_status slot_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct member *member = member_of(self);
    const char *code = error != NULL ? host_code(member->host, error->status) : "-";

    host_say(member->host, "call %s destroy %s\n", member->decl->name, code);
    return scripted(member, s, METHOD_DESTROY, NULL);
}

void method_define(struct member *member)
{
    const struct decl *decl = member->decl;
    enum kind kind = decl->kind;
    bool sink = kind == KIND_WRITABLE || kind == KIND_DUPLEX;
    const struct script **scripts = member->scripts;
    cst_ops *ops = &member->ops;

    for (size_t i = 0; i < METHODS; i++)
        scripts[i] = scenario_script(member->host->scenario, decl->name, (enum method)i);
    *ops = (cst_ops){ .name = decl->name, .self_size = sizeof(struct member *) };
    if (kind == KIND_READABLE || kind == KIND_DUPLEX)
        ops->read = slot_read;
    if (sink)
        ops->write = slot_write;
    if (sink && decl->writev)
        ops->writev = slot_writev;
    if ((sink || kind == KIND_TRANSFORM) && scripts[METHOD_FINAL] != NULL)
        ops->final = slot_final;
    if (kind == KIND_TRANSFORM)
        ops->transform = slot_transform;
    if (kind == KIND_TRANSFORM && scripts[METHOD_FLUSH] != NULL)
        ops->flush = slot_flush;
    if (scripts[METHOD_CONSTRUCT] != NULL)
        ops->construct = slot_construct;
    if (scripts[METHOD_DESTROY] != NULL)
        ops->destroy = slot_destroy;
}

/* --- one call --------------------------------------------------------------------------------- */

/* Do the acts now, or leave them for later. Return what the slot returns. */
static cst_status answer_or_leave(const struct call *call)
{
    if (call->item->when == MOMENT_NOW)
        return do_now(call);
    if (call->item->when != MOMENT_NEVER)
        leave_for_later(call);
    return call->method == METHOD_READ ? CST_OK : CST_PENDING;
}

static cst_status scripted(struct member *member, cst_stream *s, enum method method,
                           const cst_slice *chunk)
{
    struct call call = { .member = member, .stream = s, .method = method };

    inject_check_slot(member, s, method);
    inject_enter(member->host);
    call.item = next_item(member, method);
    call.nth = ++member->times[IN_METHOD + method];
    if (chunk != NULL)
        call.chunk = *chunk;
    do_first(&call);
    inject_step(member->host);
    cst_status status = answer_or_leave(&call);
    inject_leave(member->host);
    return status;
}

static const struct item *next_item(const struct member *member, enum method method)
{
    const struct script *script = member->scripts[method];
    size_t n = member->times[IN_METHOD + method];

    if (method == METHOD_READ)
        return script != NULL && n < script->count ? &script->items[n] : &item_never;
    if (script != NULL)
        return &script->items[n % script->count];
    return method == METHOD_TRANSFORM ? &default_transform : &default_write;
}

/* Return whether the slot's return value is its answer. */
static bool returns_answer(const struct call *call)
{
    const struct item *item = call->item;
    enum act_kind least = call->method == METHOD_READ ? ACT_GIVE : ACT_CB;
    enum act_kind most = call->method == METHOD_READ ? ACT_GIVE : ACT_CBE;
    enum act_kind last;

    if (item->when != MOMENT_NOW || call->member->host->opts->explicit_answers ||
        host_has_hooks(call->member, AFTER_METHOD + call->method, call->nth))
        return false;
    last = item->acts[item->count - 1].kind;
    return last >= least && last <= most;
}

/* Return whether the slot calls cst_complete, even if it also returns an answer. */
static bool completes(const struct call *call)
{
    size_t count = call->item->count - returns_answer(call);

    for (size_t i = 0; i < count; i++)
        if (call->item->acts[i].kind >= ACT_CB)
            return true;
    return false;
}

/* Do what hangs on the call. A slot that completes asks for its call (cst_this_call): every other
 * time first of all, else after the ops. A slot that returns its answer does not ask, and calls
 * only what its script names; with --ask it asks every other time. */
static void do_first(struct call *call)
{
    bool asks_first = call->nth % 2 == 1;
    bool has_call = call->method != METHOD_READ;
    bool asks = has_call && (completes(call) || (asks_first && call->member->host->opts->ask));

    if (asks && asks_first)
        call->answer = cst_this_call(call->stream);
    host_do_hooks(call->member, IN_METHOD + call->method, call->nth);
    if (asks && !asks_first)
        call->answer = cst_this_call(call->stream);
}

static void run_task(void *arg)
{
    struct job *job = arg;
    struct host *host = job->call.member->host;

    inject_enter(host);
    method_deliver(job);
    inject_leave(host);
}

static void leave_for_later(const struct call *call)
{
    struct host *host = call->member->host;
    struct job *job = scenario_alloc(1, sizeof *job);

    job->call = *call;
    job->call.chunk = cst_slice_ref(&call->chunk);
    cst_ref(call->stream);
    job->next = host->jobs;
    host->jobs = job;
    if (call->item->when == MOMENT_TICK) {
        cst_defer(host->ctx, &job->task, run_task, job);
        return;
    }
    *host->owed_tail = job;
    host->owed_tail = &job->next_owed;
}

void method_deliver(struct job *job)
{
    do_acts(&job->call, job->call.item->count);
    cst_slice_unref(&job->call.chunk);
    if (job->call.member->host->ctx != NULL)
        cst_unref(job->call.stream);
}

/* --- acts ------------------------------------------------------------------------------------- */

struct answer {
    cst_status status;
    bool with_chunk;
    cst_slice chunk;
};

/* Make the answer of cb, cbx, cbN or cbe. Only transform and flush have use for a chunk. */
static struct answer make_answer(const struct call *call, const struct act *act)
{
    struct answer answer = { .status = CST_OK };

    if (act->kind == ACT_CBE)
        answer.status = CST_USER(ERROR_CB);
    if (act->kind == ACT_CBX)
        answer.chunk = cst_slice_ref(&call->chunk);
    if (act->kind == ACT_CBN)
        answer.status = host_bytes(&answer.chunk, call->member, act->n);
    answer.with_chunk = (act->kind == ACT_CBX || act->kind == ACT_CBN) && answer.status == CST_OK;
    if (answer.with_chunk && call->method != METHOD_TRANSFORM && call->method != METHOD_FLUSH) {
        cst_slice_unref(&answer.chunk);
        answer.with_chunk = false;
    }
    return answer;
}

/* Return the call to complete. In Node all writes have one callback, so any call of a write will
 * do: every other slot asks again for its call with each answer. After a write of its own, what it
 * gets is the call of that write. */
static cst_call call_to_answer(const struct call *call)
{
    bool runs = call->item->when == MOMENT_NOW;

    return runs && call->method == METHOD_WRITE && call->nth % 2 == 0 ? cst_this_call(call->stream)
                                                                      : call->answer;
}

static void complete(const struct call *call, const struct act *act)
{
    struct answer answer = make_answer(call, act);

    if (answer.with_chunk)
        cst_complete_with(call->answer, answer.chunk);
    else
        cst_complete(call_to_answer(call), answer.status);
}

/* Return what cst_give returns. With --ask, look at the stream after it. */
static cst_status give(const struct call *call, cst_slice chunk)
{
    cst_status status = cst_give(call->stream, chunk);

    if (call->member->host->opts->ask)
        (void)cst_readable_length(call->stream);
    return status;
}

static cst_status returned_answer(const struct call *call, const struct act *act)
{
    struct answer answer = make_answer(call, act);

    return answer.with_chunk ? give(call, answer.chunk) : answer.status;
}

static cst_status returned_chunk(const struct call *call, const struct act *act)
{
    cst_slice chunk;
    cst_status status = host_bytes(&chunk, call->member, act->n);

    return status == CST_OK ? give(call, chunk) : status;
}

/* Do the acts inside the slot. Return what the slot returns. */
static cst_status do_now(const struct call *call)
{
    const struct act *last = &call->item->acts[call->item->count - 1];
    bool of_read = call->method == METHOD_READ;

    if (!returns_answer(call)) {
        do_acts(call, call->item->count);
        host_do_hooks(call->member, AFTER_METHOD + call->method, call->nth);
        return of_read ? CST_OK : CST_PENDING;
    }
    do_acts(call, call->item->count - 1);
    return of_read ? returned_chunk(call, last) : returned_answer(call, last);
}

static void say_push(const struct call *call, cst_status status)
{
    host_say(call->member->host, "ret push %s %d\n", call->member->decl->name, status == CST_OK);
}

static cst_status push_bytes(const struct call *call, size_t n)
{
    return host_push(call->member, call->stream, n);
}

/* Write once for each item, so that a stream that writes to itself comes to an end. */
static void write_bytes(const struct call *call, size_t n)
{
    const struct script *script = call->member->scripts[call->method];
    cst_slice chunk;

    if (call->nth <= script->count && host_bytes(&chunk, call->member, n) == CST_OK)
        cst_write(call->stream, chunk, NULL, NULL);
}

static void do_act(const struct call *call, const struct act *act)
{
    switch (act->kind) {
    case ACT_PUSH:
        say_push(call, push_bytes(call, act->n));
        break;
    case ACT_GIVE:
        push_bytes(call, act->n);
        break;
    case ACT_WRITE:
        write_bytes(call, act->n);
        break;
    case ACT_X:
        say_push(call, cst_push(call->stream, cst_slice_ref(&call->chunk)));
        break;
    case ACT_EOF:
        say_push(call, cst_push_eof(call->stream));
        break;
    case ACT_DESTROY:
        cst_destroy(call->stream, CST_OK);
        break;
    case ACT_DESTROYE:
        cst_destroy(call->stream, CST_USER(ERROR_OWN));
        break;
    case ACT_CB:
    case ACT_CBX:
    case ACT_CBN:
    case ACT_CBE:
        complete(call, act);
        break;
    }
}

/* Do the first `count` acts of the item, whatever each of them leads to. */
static void do_acts(const struct call *call, size_t count)
{
    struct host *host = call->member->host;

    for (size_t i = 0; i < count && host->ctx != NULL; i++) {
        do_act(call, &call->item->acts[i]);
        inject_step(host);
    }
}
