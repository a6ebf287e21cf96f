/*
 * echo.c - see echo.h. Nothing here knows of a loop: these are streams, and two timers.
 */
#include <inttypes.h>
#include <stdio.h>

#include "../upper_filter.h"
#include "echo.h"

#define MS UINT64_C(1000000)

#define MARK_BYTES 16384 /* the highWaterMark of all streams */

/* What each connection does. */
static const struct plan {
    const char *name;
    uint64_t bytes;
    bool is_late, is_stalled, is_deaf;
} plans[ECHO_CONNECTIONS] = {
    { .name = "plain", .bytes = 3 << 20 },
    { .name = "plain", .bytes = (2 << 20) + 1 },
    { .name = "one byte", .bytes = 1 },
    { .name = "empty", .bytes = 0 },
    /* more than the streams hold; the wire takes the rest, so that the server is done with it */
    { .name = "late", .bytes = 73728, .is_late = true },
    { .name = "stalled", .bytes = 100000, .is_stalled = true },
    { .name = "deaf", .bytes = 4 << 20, .is_deaf = true },
};

static const struct plan *plan_of(const struct echo_connection *c)
{
    return &plans[c->number];
}

/* --- the end ---------------------------------------------------------------------------------- */

static void wait_a_while(void *arg);

/* The last is the one that reads late; now it is its turn. */
static void ask_elsewhere(struct echo *echo)
{
    echo->ask(&echo->task, wait_a_while, echo, echo->host);
}

static void one_less(struct echo_connection *c)
{
    struct echo *echo = c->echo;

    if (--c->open > 0)
        return;
    cst_unref(c->source);
    cst_unref(c->sink);
    cst_unref(c->client);
    cst_unref(c->server);
    if (--echo->open == 1)
        ask_elsewhere(echo);
    else if (echo->open == 0)
        cst_timer_stop(echo->ctx, &echo->far);
}

static void on_sent(const cst_error *error, void *arg)
{
    (void)error; /* 'received' and 'echoed' say more */
    one_less(arg);
}

static void on_received(const cst_error *error, void *arg)
{
    struct echo_connection *c = arg;

    c->received = error ? error->status : CST_OK;
    if (plan_of(c)->is_stalled)
        cst_push_eof(c->source);
    one_less(c);
}

/* A client that is deaf hears of the end of its server, and takes the rest for nothing. */
static void on_echoed(const cst_error *error, void *arg)
{
    struct echo_connection *c = arg;

    c->echoed = error ? error->status : CST_OK;
    c->is_over = true;
    if (plan_of(c)->is_deaf && c->is_holding) {
        c->is_holding = false;
        cst_complete(c->held_call, CST_OK);
    }
    one_less(c);
}

static void on_close(cst_stream *end, const cst_event *event, void *arg)
{
    (void)end;
    (void)event;
    one_less(arg);
}

/* --- the source ------------------------------------------------------------------------------- */

static cst_status source_read(cst_stream *s, void *self, size_t size)
{
    struct echo_connection *c = *(struct echo_connection **)self;
    size_t len = c->left_bytes < size ? (size_t)c->left_bytes : size;
    cst_buf buf;
    cst_status st;

    if (len == 0) {
        if (!plan_of(c)->is_stalled)
            cst_push_eof(s);
        return CST_OK;
    }
    st = cst_buf_new_cached(&buf, cst_stream_ctx(s), size);
    if (st < 0)
        return st;
    for (size_t i = 0; i < len; i++) {
        c->random = c->random * 1664525 + 1013904223;
        buf.data[i] = (uint8_t)(c->random >> 24);
    }
    c->left_bytes -= len;
    return cst_give(s, cst_buf_freeze(&buf, len));
}

static const cst_ops source_ops = {
    .name = "source",
    .self_size = sizeof(struct echo_connection *),
    .read = source_read,
};

/* --- the sink --------------------------------------------------------------------------------- */

static void take_in(struct echo_connection *c, const cst_slice *chunk)
{
    for (size_t i = 0; i < chunk->len; i++)
        c->hash = (c->hash ^ chunk->data[i]) * UINT64_C(1099511628211); /* FNV-1a */
    c->got_bytes += chunk->len;
    if (plan_of(c)->is_stalled && c->got_bytes == plan_of(c)->bytes)
        cst_set_timeouts(c->server, &(cst_timeouts){ .total_ns = 50 * MS });
}

/* A slot that answers later keeps the struct; the bytes are kept for it. */
static cst_status hold(struct echo_connection *c, const cst_slice *chunk)
{
    c->held = *chunk;
    c->held_call = cst_this_call(c->sink);
    c->is_holding = true;
    if (plan_of(c)->is_deaf)
        cst_set_timeouts(c->server, &(cst_timeouts){ .idle_ns = 250 * MS });
    return CST_PENDING;
}

static cst_status sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct echo_connection *c = *(struct echo_connection **)self;

    (void)s;
    if (plan_of(c)->is_deaf && c->is_over)
        return CST_OK;
    if (plan_of(c)->is_deaf || (plan_of(c)->is_late && c->echo->open > 1))
        return hold(c, chunk);
    take_in(c, chunk);
    return CST_OK;
}

/* A slot that has not answered has to, however late. */
static cst_status sink_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct echo_connection *c = *(struct echo_connection **)self;

    (void)s;
    (void)error;
    if (c->is_holding) {
        c->is_holding = false;
        cst_complete(c->held_call, CST_E_DESTROYED);
    }
    return CST_OK;
}

static const cst_ops sink_ops = {
    .name = "sink",
    .self_size = sizeof(struct echo_connection *),
    .write = sink_write,
    .destroy = sink_destroy,
};

/* Reads at last. */
static void read_on(struct echo *echo)
{
    for (unsigned i = 0; i < ECHO_CONNECTIONS; i++) {
        struct echo_connection *c = &echo->connections[i];

        if (plans[i].is_late && c->is_holding) {
            c->is_holding = false;
            take_in(c, &c->held);
            cst_complete(c->held_call, CST_OK);
        }
    }
}

/* Something long, cut into steps: they fill several turns, and nothing else is going on. */
static void step(void *arg)
{
    struct echo *echo = arg;

    if (echo->steps_left-- > 0)
        cst_defer(echo->ctx, &echo->task, step, echo);
    else
        read_on(echo);
}

static void begin_steps(void *arg)
{
    struct echo *echo = arg;

    echo->steps_left = 4 * ECHO_TURN_TASKS;
    step(echo);
}

/* Another thread has answered. */
static void wait_a_while(void *arg)
{
    struct echo *echo = arg;

    cst_timer_start_in(echo->ctx, &echo->late, 100 * MS, begin_steps, echo);
}

/* --- putting it together ---------------------------------------------------------------------- */

static void never(void *arg)
{
    (void)arg;
    fprintf(stderr, "a timer has fired that is due in centuries\n");
}

void echo_init(struct echo *echo, cst_ctx *ctx, echo_ask_fn *ask, void *host)
{
    *echo = (struct echo){ .ctx = ctx, .ask = ask, .host = host };
    cst_ctx_set_default_high_water_mark(ctx, false, MARK_BYTES);
    /* A deadline that no milliseconds in an int can hold. */
    cst_timer_start(ctx, &echo->far, CST_NEVER / 2, never, NULL);
}

static cst_status make_streams(struct echo_connection *c, cst_stream **upper)
{
    cst_ctx *ctx = c->echo->ctx;
    const cst_opts one_chunk = { .high_water_mark = 1 };
    cst_status st = cst_readable_new(&c->source, ctx, &source_ops, &c, NULL);

    if (st < 0)
        return st;
    st = cst_writable_new(&c->sink, ctx, &sink_ops, &c, &one_chunk);
    return st < 0 ? st : upper_new(upper, ctx);
}

static cst_status join(struct echo_connection *c, cst_stream *upper)
{
    cst_stream *const sending[] = { c->source, c->client };
    cst_stream *const receiving[] = { c->client, c->sink };
    cst_stream *const echoing[] = { c->server, upper, c->server };
    cst_status st;

    if ((st = cst_on(c->client, CST_CLOSE, on_close, c)) < 0 ||
        (st = cst_on(c->server, CST_CLOSE, on_close, c)) < 0 ||
        (st = cst_pipeline(sending, 2, NULL, on_sent, c)) < 0 ||
        (st = cst_pipeline(receiving, 2, NULL, on_received, c)) < 0)
        return st;
    return cst_pipeline(echoing, 3, NULL, on_echoed, c);
}

cst_status echo_connect(struct echo *echo, cst_stream *client, cst_stream *server)
{
    unsigned number = echo->open++;
    struct echo_connection *c = &echo->connections[number];
    cst_stream *upper;
    cst_status st;

    *c = (struct echo_connection){
        .echo = echo,
        .number = number,
        .client = cst_ref(client),
        .server = cst_ref(server),
        .open = 5,
        .left_bytes = plans[number].bytes,
        .hash = UINT64_C(14695981039346656037),
        .random = number,
    };
    st = make_streams(c, &upper);
    if (st < 0)
        return st;
    st = join(c, upper);
    cst_unref(upper);
    return st;
}

bool echo_is_done(const struct echo *echo)
{
    return echo->open == 0;
}

void echo_print(const struct echo *echo)
{
    for (unsigned i = 0; i < ECHO_CONNECTIONS; i++) {
        const struct echo_connection *c = &echo->connections[i];

        printf("%-8s %8" PRIu64 " bytes, hash %016" PRIx64 ", echoed %s, received %s\n",
               plans[i].name, c->got_bytes, c->hash, cst_status_name(c->echoed),
               cst_status_name(c->received));
    }
}
