/*
 * test_reentrancy.c - any call may be made in any callback. Every call of the library is made in
 * every slot, listener and callback, on the stream itself, its source and its sink, for every kind
 * of stream, with slots that answer at once and later, in a pipeline and connected by pipes.
 *
 * Each cell of this matrix is a run of its own. Required is:
 *
 *     the place is reached
 *     every callback that was accepted is called once, and no other
 *     each stream emits 'end', 'finish', 'error' and 'close' once at most, and nothing after
 *     'close' but a 'finish' that was already due
 *     the context becomes idle
 *     no block is left; if all streams are destroyed at the end, as in half of the cells, none of
 *     theirs is left even before the context is freed
 *
 * The sanitizers see the rest.
 */
#include "main.h"

#include <string.h>

#include "reentrancy.h"

#define CHUNKS 3
#define MARK 4
#define TURNS 200
#define FEWEST_CELLS 6000 /* for each kind */

#define OF(kind) (1u << (kind))
#define ALL (OF(KINDS) - 1)
#define READS (ALL & ~(OF(WRITABLE) | OF(FOR_EACH)))
#define WRITES (ALL & ~(OF(READABLE) | OF(FROM)))
#define SLOTS \
    (OF(READABLE) | OF(WRITABLE) | OF(DUPLEX) | OF(TRANSFORM) | OF(PASSTHROUGH)) /* the test's */
#define SINKS (OF(WRITABLE) | OF(DUPLEX))

static const char *const kind_names[KINDS] = {
    "readable", "writable",    "duplex", "transform", "passthrough",
    "pair",     "composition", "from",   "flat_map",  "for_each",
};

static const char *const target_names[TARGETS] = { "itself", "its source", "its sink" };

/* The places, and which kinds of streams have them. */
static const struct {
    const char *name;
    unsigned kinds;
} places[PLACES] = {
    [IN_CONSTRUCT] = { "construct", SLOTS },
    [IN_READ] = { "read", OF(READABLE) | OF(DUPLEX) },
    [IN_WRITE] = { "write", SINKS },
    [IN_WRITEV] = { "writev", SINKS },
    [IN_FINAL] = { "final", SLOTS &WRITES },
    [IN_TRANSFORM] = { "transform", OF(TRANSFORM) },
    [IN_FLUSH] = { "flush", OF(TRANSFORM) | OF(PASSTHROUGH) },
    [IN_DESTROY] = { "destroy", SLOTS },
    [IN_TRANSFER] = { "transfer", SINKS },
    [IN_FUNCTION] = { "its function", OF(FROM) | OF(FLAT_MAP) | OF(FOR_EACH) },
    [IN_RESULT] = { "its result", OF(FOR_EACH) },
    [ON(CST_DATA)] = { "'data'", READS },
    [ON(CST_READABLE)] = { "'readable'", READS },
    [ON(CST_END)] = { "'end'", READS },
    [ON(CST_CLOSE)] = { "'close'", ALL },
    [ON(CST_FINISH)] = { "'finish'", WRITES },
    [ON(CST_PREFINISH)] = { "'prefinish'", WRITES },
    [ON(CST_DRAIN)] = { "'drain'", WRITES },
    [ON(CST_PAUSE)] = { "'pause'", READS },
    [ON(CST_RESUME)] = { "'resume'", READS },
    [ON(CST_ERROR)] = { "'error'", ALL },
    [ON(CST_PIPE)] = { "'pipe'", WRITES },
    [ON(CST_UNPIPE)] = { "'unpipe'", WRITES },
    [IN_WRITE_DONE] = { "done of a write", WRITES },
    [IN_END_DONE] = { "done of an end", WRITES },
    [IN_FINISHED] = { "done of finished", ALL },
    [IN_PIPELINE] = { "done of a pipeline", ALL },
    [IN_TASK] = { "a task", ALL },
    [IN_IMMEDIATE] = { "an immediate", ALL },
    [IN_TURN_END] = { "the end of a turn", ALL },
    [IN_TIMER] = { "a timer", ALL },
    [IN_TIMEOUT] = { "a timeout", ALL },
};

/* Fail, and name the cell, if something does not hold. */
static void require(const struct cell *cell, bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s, in %s of a %s, on %s, slots %s, %s: %s\n", cell->call->name,
            places[cell->place].name, kind_names[cell->kind], target_names[cell->target],
            cell->late ? "late" : "at once", cell->piped ? "pipes" : "a pipeline", what);
    fail();
}

/* --- what is possible ------------------------------------------------------------------------- */

static bool reads(enum kind kind)
{
    return READS & OF(kind);
}

static bool writes(enum kind kind)
{
    return WRITES & OF(kind);
}

static bool cell_is_possible(const struct cell *cell)
{
    if (!(places[cell->place].kinds & OF(cell->kind)))
        return false;
    if (cell->late && !(SLOTS & OF(cell->kind)))
        return false; /* the cell that answers at once is equal: nothing here answers later */
    if (cell->place == IN_PIPELINE && cell->piped)
        return false;
    if (cell->call->once)
        return cell->target == SELF;
    return (cell->target != SOURCE || writes(cell->kind)) &&
           (cell->target != SINK || reads(cell->kind));
}

/* --- for the calls ---------------------------------------------------------------------------- */

void cell_reached(struct cell *cell)
{
    cst_stream *target = cell->streams[cell->target];

    if (cell->made)
        return;
    cell->made = true;
    cell->call->make(cell, target);
}

static void reached(struct cell *cell, int place)
{
    if (cell->place == place)
        cell_reached(cell);
}

struct owed *cell_owes(struct cell *cell)
{
    require(cell, cell->owed_count < MOST_OWED, "too many callbacks");
    return &cell->owed[cell->owed_count++];
}

static void answered(struct cell *cell, cst_status st, bool silent)
{
    struct owed *owed = &cell->owed[cell->owed_count - 1];

    owed->accepted = st != CST_E_INVALID_ARG && st != CST_E_NOMEM;
    owed->silent = silent;
}

void cell_answered(struct cell *cell, cst_status st)
{
    answered(cell, st, false);
}

void cell_may_answer(struct cell *cell, cst_status st)
{
    answered(cell, st, true);
}

void cell_done(cst_stream *s, cst_status status, void *arg)
{
    struct owed *owed = arg;

    (void)s;
    (void)status;
    owed->called++;
}

void cell_outcome(const cst_error *error, void *arg)
{
    (void)error;
    cell_done(NULL, CST_OK, arg);
}

cst_stream **cell_room(struct cell *cell)
{
    require(cell, cell->extra_count + 2 <= MOST_EXTRA, "too many streams");
    return &cell->extra[cell->extra_count];
}

cst_stream *cell_keep(struct cell *cell, cst_status st)
{
    return st < 0 ? NULL : cell->extra[cell->extra_count++];
}

/* --- slots ------------------------------------------------------------------------------------ */

/* Return whether the call was a cst_give on s: then its slot must return CST_GIVEN. */
static bool has_given(struct cell *cell, const cst_stream *s)
{
    bool given = cell->given == s;

    if (given)
        cell->given = NULL;
    return given;
}

static cst_status answer(cst_stream *s, struct cell *cell)
{
    if (has_given(cell, s))
        return CST_GIVEN;
    if (!cell->late || cell->late_count == MOST_LATE)
        return CST_OK;
    cell->late_calls[cell->late_count++] = cst_this_call(s);
    return CST_PENDING;
}

static cst_status slot(cst_stream *s, void *self, int place)
{
    struct part *part = self;
    struct cell *cell = part->cell;

    require(cell, cell->watches[part->which].seen[CST_CLOSE] == 0, "a slot after 'close'");
    if (part->which == SELF)
        reached(cell, place);
    return answer(s, cell);
}

#define SLOT(name, place)                             \
    static cst_status name(cst_stream *s, void *self) \
    {                                                 \
        return slot(s, self, place);                  \
    }
SLOT(slot_construct, IN_CONSTRUCT)
SLOT(slot_final, IN_FINAL)
SLOT(slot_flush, IN_FLUSH)

static cst_status slot_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    (void)chunk;
    return slot(s, self, IN_WRITE);
}

static cst_status slot_writev(cst_stream *s, void *self, const cst_slice *chunks, size_t count)
{
    (void)chunks;
    (void)count;
    return slot(s, self, IN_WRITEV);
}

static cst_status slot_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct part *part = self;

    (void)error;
    require(part->cell, ++part->cell->watches[part->which].destroyed == 1, "destroyed twice");
    return slot(s, self, IN_DESTROY);
}

static cst_status slot_transform(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_push(s, cst_slice_ref(chunk));
    return slot(s, self, IN_TRANSFORM);
}

static cst_status slot_transfer(cst_stream *s, void *self, cst_transfer *transfer)
{
    struct part *part = self;

    (void)s;
    (void)transfer;
    reached(part->cell, IN_TRANSFER);
    return CST_EMPTY;
}

static cst_status slot_read(cst_stream *s, void *self, size_t size)
{
    struct part *part = self;
    struct cell *cell = part->cell;

    (void)size;
    require(cell, cell->watches[part->which].seen[CST_CLOSE] == 0, "a read after 'close'");
    if (part->which == SELF)
        reached(cell, IN_READ);
    if (has_given(cell, s))
        return CST_GIVEN;
    if (cell->left[part->which] > 0) {
        cell->left[part->which]--;
        cst_push_copy(s, "chunks", 6);
    } else if (cell->may_end) {
        cst_push_eof(s);
    }
    return CST_OK;
}

static const cst_ops source_ops = {
    .name = "source", .self_size = sizeof(struct part), .read = slot_read, .destroy = slot_destroy
};
static const cst_ops sink_ops = { .name = "sink",
                                  .self_size = sizeof(struct part),
                                  .write = slot_write,
                                  .final = slot_final,
                                  .destroy = slot_destroy };

/* Fill in the slots. A kind ignores those it has no use for. Slots that change how others are
 * called are set only in the cells that are about them. */
static void fill_ops(struct cell *cell)
{
    cell->ops = (cst_ops){ .name = "middle",
                           .self_size = sizeof(struct part),
                           .construct = slot_construct,
                           .read = slot_read,
                           .write = slot_write,
                           .final = cell->place == IN_FLUSH ? NULL : slot_final,
                           .transform = slot_transform,
                           .flush = slot_flush,
                           .destroy = slot_destroy };
    if (cell->kind == PASSTHROUGH)
        cell->ops.transform = NULL;
    if (cell->place == IN_WRITEV)
        cell->ops.writev = slot_writev;
    if (cell->place == IN_TRANSFER)
        cell->ops.transfer = slot_transfer;
}

/* --- functions of ready-made streams ---------------------------------------------------------- */

static cst_status yield(cst_slice *out, void *arg)
{
    struct cell *cell = arg;

    reached(cell, IN_FUNCTION);
    if (cell->left[SELF] == 0)
        return CST_EOF;
    cell->left[SELF]--;
    *out = cst_slice_static("chunks", 6);
    return CST_OK;
}

static cst_status on_item_of_flat_map(cst_stream *s, const cst_slice *chunk, void *arg)
{
    struct cell *cell = arg;

    reached(cell, IN_FUNCTION);
    if (has_given(cell, s))
        return CST_GIVEN;
    cst_push(s, cst_slice_ref(chunk));
    return CST_OK;
}

static cst_status on_each(const cst_slice *chunk, void *arg)
{
    (void)chunk;
    reached(arg, IN_FUNCTION);
    return CST_OK;
}

static void on_result(const cst_error *error, void *arg)
{
    struct cell *cell = arg;

    (void)error;
    cell->result.called++;
    reached(cell, IN_RESULT);
}

/* --- listeners and callbacks ------------------------------------------------------------------ */

static void check_event(const struct watch *watch, cst_event_type type)
{
    bool once = type == CST_END || type == CST_FINISH || type == CST_ERROR || type == CST_CLOSE;

    require(watch->cell, !once || watch->seen[type] == 1, "an event twice");
    require(watch->cell,
            watch->seen[CST_CLOSE] == 0 || type == CST_CLOSE || type == CST_FINISH ||
                type == CST_PIPE || type == CST_UNPIPE,
            places[ON(type)].name);
}

static void read_all(cst_stream *s)
{
    cst_slice chunk;

    while (cst_read(&chunk, s, CST_READ_ANY) == CST_OK)
        cst_slice_unref(&chunk);
}

static void on_event(cst_stream *s, const cst_event *event, void *arg)
{
    struct watch *watch = arg;
    struct cell *cell = watch->cell;

    watch->seen[event->type]++;
    check_event(watch, event->type);
    if (watch == &cell->watches[SELF])
        reached(cell, ON(event->type));
    if (event->type == CST_READABLE)
        read_all(s);
}

static void watch(struct cell *cell, enum target which)
{
    cell->watches[which].cell = cell;
    for (int type = 0; type < CST_EVENT_TYPES_; type++) {
        bool changes_reading = type == CST_DATA || type == CST_READABLE;

        if (!changes_reading || (which == SELF && cell->place == ON(type)))
            assert_int_equal(
                cst_on(cell->streams[which], (cst_event_type)type, on_event, &cell->watches[which]),
                CST_OK);
    }
}

static void on_write_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    (void)status;
    reached(arg, IN_WRITE_DONE);
}

static void on_end_done(cst_stream *s, cst_status status, void *arg)
{
    (void)s;
    (void)status;
    reached(arg, IN_END_DONE);
}

static void on_finished(const cst_error *error, void *arg)
{
    (void)error;
    reached(arg, IN_FINISHED);
}

static void on_pipeline(const cst_error *error, void *arg)
{
    (void)error;
    reached(arg, IN_PIPELINE);
}

static void on_turn(void *arg)
{
    cell_reached(arg);
}

static void on_timeout(cst_stream *s, cst_timeout_kind kind, void *arg)
{
    (void)s;
    (void)kind;
    reached(arg, IN_TIMEOUT);
}

/* --- the line --------------------------------------------------------------------------------- */

static cst_status make_pair(struct cell *cell, const cst_opts *opts)
{
    cst_status st = cst_duplex_pair_new(&cell->streams[SELF], &cell->inside[0], cell->ctx, opts);

    /* Send back what is written. */
    return st < 0 ? st : cst_pipe(cell->inside[0], cell->inside[0], NULL);
}

static cst_status make_composition(struct cell *cell, const cst_opts *opts)
{
    cst_status st = cst_passthrough_new(&cell->inside[0], cell->ctx, opts);

    if (st == CST_OK)
        st = cst_passthrough_new(&cell->inside[1], cell->ctx, opts);
    return st < 0 ? st : cst_compose_new(&cell->streams[SELF], cell->inside, 2, opts);
}

static cst_status make_middle(struct cell *cell)
{
    const cst_opts opts = { .high_water_mark = MARK };
    const struct part part = { .cell = cell, .which = SELF };
    cst_stream **out = &cell->streams[SELF];

    switch (cell->kind) {
    case READABLE:
        return cst_readable_new(out, cell->ctx, &cell->ops, &part, &opts);
    case WRITABLE:
        return cst_writable_new(out, cell->ctx, &cell->ops, &part, &opts);
    case DUPLEX:
        return cst_duplex_new(out, cell->ctx, &cell->ops, &part, &opts);
    case TRANSFORM:
        return cst_transform_new(out, cell->ctx, &cell->ops, &part, &opts);
    case PASSTHROUGH:
        return cst_passthrough_new_with(out, cell->ctx, &cell->ops, &part, &opts);
    case PAIR:
        return make_pair(cell, &opts);
    case COMPOSITION:
        return make_composition(cell, &opts);
    case FROM:
        return cst_from_fn_new(out, cell->ctx, &opts, yield, cell);
    case FLAT_MAP:
        return cst_flat_map_new(out, cell->ctx, &opts, on_item_of_flat_map, cell);
    case FOR_EACH:
    case KINDS:
        break;
    }
    cell->result.accepted = true;
    return cst_for_each_new(out, cell->ctx, &opts, on_each, on_result, cell);
}

static void make_streams(struct cell *cell)
{
    const cst_opts opts = { .high_water_mark = MARK };
    struct part part = { .cell = cell, .which = SOURCE };

    fill_ops(cell);
    assert_int_equal(make_middle(cell), CST_OK);
    if (writes(cell->kind))
        assert_int_equal(
            cst_readable_new(&cell->streams[SOURCE], cell->ctx, &source_ops, &part, &opts), CST_OK);
    part.which = SINK;
    if (reads(cell->kind))
        assert_int_equal(cst_writable_new(&cell->streams[SINK], cell->ctx, &sink_ops, &part, &opts),
                         CST_OK);
    for (int which = 0; which < TARGETS; which++) {
        cell->left[which] = CHUNKS;
        if (cell->streams[which])
            watch(cell, (enum target)which);
    }
}

static void write_two_at_once(cst_stream *s)
{
    cst_cork(s);
    cst_write(s, cst_slice_static("first", 5), NULL, NULL);
    cst_write(s, cst_slice_static("second", 6), NULL, NULL);
    cst_uncork(s);
}

static void start_place(struct cell *cell)
{
    cst_stream *s = cell->streams[SELF];

    switch (cell->place) {
    case IN_WRITE_DONE:
        cst_write(s, cst_slice_static("first", 5), on_write_done, cell);
        break;
    case IN_WRITEV:
    case ON(CST_DRAIN):
        write_two_at_once(s);
        break;
    case IN_FINISHED:
        cst_finished(s, NULL, on_finished, cell);
        break;
    case IN_TASK:
        cst_defer(cell->ctx, &cell->task, on_turn, cell);
        break;
    case IN_IMMEDIATE:
        cst_immediate(cell->ctx, &cell->task, on_turn, cell);
        break;
    case IN_TURN_END:
        cst_at_turn_end(cell->ctx, &cell->task, on_turn, cell);
        break;
    case IN_TIMER:
        cst_timer_start(cell->ctx, &cell->timer, 15, on_turn, cell);
        break;
    case IN_TIMEOUT:
        cst_set_timeouts(s, &(cst_timeouts){ .total_ns = 15, .fn = on_timeout, .arg = cell });
        break;
    default: /* the place is reached by itself */
        break;
    }
}

static void join(struct cell *cell)
{
    bool is_read = cell->place == ON(CST_READABLE);
    cst_stream *row[TARGETS];
    size_t count = 0;

    if (writes(cell->kind))
        row[count++] = cell->streams[SOURCE];
    row[count++] = cell->streams[SELF];
    if (reads(cell->kind) && !is_read)
        row[count++] = cell->streams[SINK];
    if (!cell->piped && count > 1) {
        cst_pipeline(row, count, NULL, on_pipeline, cell);
        return;
    }
    for (size_t i = 0; i + 1 < count; i++)
        cst_pipe(row[i], row[i + 1], NULL);
}

/* Pause the middle stream for places that are reached only then. */
static void hold(struct cell *cell)
{
    cst_stream *s = cell->streams[SELF];

    if (s &&
        (cell->place == IN_TIMEOUT || cell->place == ON(CST_ERROR) || cell->place == ON(CST_PAUSE)))
        cst_pause(s);
}

/* --- running it ------------------------------------------------------------------------------- */

static void turn(struct cell *cell, uint64_t now_ns)
{
    size_t owed = cell->late_count;
    cst_status st;

    for (size_t i = 0; i < owed && i < cell->late_count; i++) {
        cst_call call = cell->late_calls[0];

        cell->late_count--;
        memmove(cell->late_calls, cell->late_calls + 1, cell->late_count * sizeof(call));
        cst_complete(call, CST_OK);
    }
    /* Twice: what is queued for the end of a turn, at the end of a turn, waits for the next. */
    for (int i = 0; i < 2; i++)
        st = cst_ctx_run(cell->ctx, &(cst_budget){ .now_ns = now_ns, .tasks = 5000 });
    require(cell, st == CST_IDLE || st == CST_E_UNHANDLED, "no rest");
}

static void finish_up(struct cell *cell)
{
    cst_stream *s = cell->streams[SELF];

    cell->may_end = true;
    if (s && cell->place == ON(CST_ERROR))
        cst_destroy(s, CST_USER(9));
    if (s && cell->place == IN_END_DONE)
        cst_end(s, on_end_done, cell);
    if (s)
        cst_resume(s);
    for (size_t i = 0; i < 2; i++) {
        cst_stream *origin = cell->streams[i];

        if (origin && (i == SOURCE || cell->kind == READABLE || cell->kind == DUPLEX))
            cst_push_eof(origin);
    }
}

static void run(struct cell *cell)
{
    uint64_t now_ns = 0;

    turn(cell, now_ns);
    for (int i = 0; i < 8; i++)
        turn(cell, now_ns += 10);
    finish_up(cell);
    for (int i = 0; i < TURNS && (cell->late_count > 0 || i < 12); i++)
        turn(cell, now_ns += 10);
}

static void destroy_and_unref(cst_stream *s)
{
    cst_destroy(s, CST_OK);
    cst_unref(s);
}

/* Return false if the call has dropped a stream's last handle: the stream may live on. */
static bool all_are_held(const struct cell *cell)
{
    for (int which = 0; which < TARGETS; which++)
        if (cell->watches[which].cell && !cell->streams[which])
            return false;
    return true;
}

/* Run until the streams are freed. Without caches, their blocks must then be freed, long before the
 * context is. */
static void see_them_go(struct cell *cell, bool all)
{
    for (int i = 0; i < TURNS && (cell->late_count > 0 || i < 2); i++)
        turn(cell, 1000);
    cst_chain_fini(&cell->chain);
#ifdef CST_NO_CACHE
    require(cell, !all || cell->heap.live_blocks == cell->blocks_before, "a stream stays");
#else
    (void)all;
#endif
}

static void let_go(struct cell *cell)
{
    bool all = all_are_held(cell);
    void (*let_one_go)(cst_stream *) = cell->left_open ? cst_unref : destroy_and_unref;

    for (size_t i = 0; i < TARGETS; i++)
        let_one_go(cell->streams[i]);
    for (size_t i = 0; i < 2; i++)
        let_one_go(cell->inside[i]);
    for (size_t i = 0; i < cell->extra_count; i++)
        let_one_go(cell->extra[i]);
    cst_abort_unref(cell->abort);
    cst_timer_stop(cell->ctx, &cell->timer);
    cst_timer_stop(cell->ctx, &cell->call_timer);
    if (!cell->left_open)
        see_them_go(cell, all);
    require(cell, cst_ctx_free(cell->ctx) == CST_OK, "not freed");
    cst_chain_fini(&cell->chain);
}

static void check_callbacks(const struct cell *cell)
{
    for (size_t i = 0; i < cell->owed_count; i++) {
        const struct owed *owed = &cell->owed[i];

        require(cell, owed->called <= (owed->accepted ? 1 : 0), "a callback too many");
        require(cell, owed->called == 1 || owed->silent || !owed->accepted, "a callback too few");
    }
    require(cell, cell->result.called == (cell->result.accepted ? 1 : 0), "no result, or two");
}

static void run_cell(struct cell *cell)
{
    test_heap_init(&cell->heap);
    cst_chain_init(&cell->chain, test_heap_allocator(&cell->heap));
    assert_int_equal(cst_ctx_new(&cell->ctx, test_heap_allocator(&cell->heap), NULL), CST_OK);
    cell->blocks_before = cell->heap.live_blocks;
    assert_int_equal(cst_abort_new(&cell->abort, cell->ctx), CST_OK);
    make_streams(cell);
    start_place(cell);
    join(cell);
    hold(cell);
    run(cell);
    require(cell, cell->made, "the place was not reached");
    let_go(cell);
    check_callbacks(cell);
    require(cell, cell->heap.live_blocks == 0, "blocks are left");
}

/* --- the matrix ------------------------------------------------------------------------------- */

static size_t run_calls(enum kind kind, int place, bool late, bool piped)
{
    size_t executed = 0;

    for (size_t i = 0; i < test_call_count * TARGETS; i++) {
        struct cell cell = { .kind = kind,
                             .place = place,
                             .late = late,
                             .piped = piped,
                             .left_open = piped ^ (i / TARGETS & 1),
                             .call = &test_calls[i / TARGETS],
                             .target = (enum target)(i % TARGETS) };

        if (!cell_is_possible(&cell))
            continue;
        run_cell(&cell);
        executed++;
    }
    return executed;
}

static void any_call_may_be_made_in_any_callback(void **state)
{
    enum kind kind = *(enum kind *)*state;
    size_t executed = 0;

    for (int place = 0; place < PLACES; place++)
        for (int way = 0; way < 4; way++)
            executed += run_calls(kind, place, way & 1, way & 2);
    printf("%zu cells\n", executed);
    assert_true(executed >= FEWEST_CELLS);
}

static enum kind kinds[KINDS] = { READABLE, WRITABLE,    DUPLEX, TRANSFORM, PASSTHROUGH,
                                  PAIR,     COMPOSITION, FROM,   FLAT_MAP,  FOR_EACH };

#define OF_KIND(name, kind) { name, any_call_may_be_made_in_any_callback, NULL, NULL, &kinds[kind] }

static const struct CMUnitTest tests[] = {
    OF_KIND("any_call_in_any_callback_of_a_readable", READABLE),
    OF_KIND("any_call_in_any_callback_of_a_writable", WRITABLE),
    OF_KIND("any_call_in_any_callback_of_a_duplex", DUPLEX),
    OF_KIND("any_call_in_any_callback_of_a_transform", TRANSFORM),
    OF_KIND("any_call_in_any_callback_of_a_passthrough", PASSTHROUGH),
    OF_KIND("any_call_in_any_callback_of_a_pair", PAIR),
    OF_KIND("any_call_in_any_callback_of_a_composition", COMPOSITION),
    OF_KIND("any_call_in_any_callback_of_from", FROM),
    OF_KIND("any_call_in_any_callback_of_flat_map", FLAT_MAP),
    OF_KIND("any_call_in_any_callback_of_for_each", FOR_EACH),
};

TEST_MAIN(tests)
