/*
 * superloop.c - a loop without an operating system drives a context: devices that copy by
 * themselves, an interrupt, a counter of ticks.
 *
 *     wake      a flag; an interrupt may raise it too
 *     due       the alarm that ends the sleep of the processor
 *     time      told before devices are asked what they have done
 *     MORE      no sleep
 *     interest  hands a span to a device; takes it back if the port was destroyed
 *     spans     the device's from then on, until it no longer needs them
 *
 * The devices, the interrupt and the time are made up here, so that the program runs anywhere and
 * always prints one result. A device is wired to another: it copies from the span that the other
 * sends into the span that it was given to fill.
 *
 * All memory is in one array (cstream/arena.h): nothing here calls malloc.
 *
 * It runs the program of echo.h. Calls shown: cst_ctx_run, cst_ctx_set_now_ns, cst_post,
 * cst_port_new, cst_port_reserve, cst_port_commit, cst_port_peek, cst_port_consume, cst_port_ended
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "echo.h"

enum { DEVICES = 2 * ECHO_CONNECTIONS, COPY_BYTES = 4096 };

#define TICK_NS UINT64_C(10000)
#define BROKEN CST_OS(1) /* the devices' own number for a wire that was cut */

struct device {
    cst_stream *port;
    struct device *peer;
    cst_span to_fill;       /* data is NULL while nothing is lent */
    cst_const_span to_send; /* likewise */
};

struct loop {
    cst_ctx *ctx;
    volatile sig_atomic_t is_awake;
    uint64_t now_ns;
    uint64_t interrupt_ns; /* when it comes */
    cst_task *task;        /* what its handler posts */
    cst_task_fn *fn;
    void *arg;
    struct device devices[DEVICES];
    struct echo echo;
};

/* --- devices ---------------------------------------------------------------------------------- */

static void take_back(struct device *device)
{
    if (device->to_fill.data)
        cst_port_commit(device->port, 0);
    if (device->to_send.data)
        cst_port_consume(device->port, 0);
    device->to_fill.data = NULL;
    device->to_send.data = NULL;
}

static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct device *device = arg;

    if (want & CST_PORT_IN)
        cst_port_reserve(&device->to_fill, port);
    if (want & CST_PORT_OUT)
        cst_port_peek(&device->to_send, port, 1);
    if (want & CST_PORT_END) {
        cst_port_eof(device->peer->port);
        device->peer->to_fill.data = NULL;
        cst_port_ended(port, CST_OK);
    }
    if (want & CST_PORT_CANCEL)
        take_back(device);
}

/* No span is lent any more. The bytes of the other end are dropped from now on. */
static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    struct device *device = arg, *peer = device->peer;

    (void)port;
    (void)event;
    if (peer->to_send.data) {
        peer->to_send.data = NULL;
        cst_port_fail(peer->port, CST_WRITING, BROKEN);
    } else {
        peer->to_fill.data = NULL;
        cst_port_eof(peer->port);
    }
}

/* In place of what a device does by itself while the processor does something else. */
static void copy(struct device *from)
{
    struct device *to = from->peer;
    size_t len = from->to_send.len < to->to_fill.len ? from->to_send.len : to->to_fill.len;

    if (!from->to_send.data || !to->to_fill.data)
        return;
    if (len > COPY_BYTES)
        len = COPY_BYTES;
    memcpy(to->to_fill.data, from->to_send.data, len);
    from->to_send.data = NULL;
    to->to_fill.data = NULL;
    cst_port_consume(from->port, len);
    cst_port_commit(to->port, len);
}

/* --- the processor ---------------------------------------------------------------------------- */

static void wake(void *arg)
{
    struct loop *loop = arg;

    loop->is_awake = 1;
}

/* The handler of an interrupt may call cst_post, and nothing else. */
static void on_interrupt(struct loop *loop)
{
    loop->interrupt_ns = CST_NEVER;
    cst_post(loop->ctx, loop->task, loop->fn, loop->arg);
}

static void ask_for_interrupt(cst_task *task, cst_task_fn *fn, void *arg, void *host)
{
    struct loop *loop = host;

    loop->task = task;
    loop->fn = fn;
    loop->arg = arg;
    loop->interrupt_ns = loop->now_ns + 20000 * TICK_NS;
}

/* Sleep until the alarm or the interrupt, whichever is first. On a real machine, disable interrupts
 * between the test of the flag and the stop of the processor, so that none comes in between. */
static void sleep_until(struct loop *loop, uint64_t due_ns)
{
    uint64_t end_ns = due_ns < loop->interrupt_ns ? due_ns : loop->interrupt_ns;

    if (loop->now_ns < end_ns)
        loop->now_ns = end_ns;
    if (loop->now_ns >= loop->interrupt_ns)
        on_interrupt(loop);
}

static void turn(struct loop *loop)
{
    cst_budget budget = { .tasks = ECHO_TURN_TASKS,
                          .bytes = ECHO_TURN_BYTES,
                          .now_ns = loop->now_ns };
    cst_status st;

    loop->is_awake = 0;
    st = cst_ctx_run(loop->ctx, &budget);
    loop->now_ns += TICK_NS;
    cst_ctx_set_now_ns(loop->ctx, loop->now_ns);
    for (int i = 0; i < DEVICES; i++)
        copy(&loop->devices[i]);
    if (st != CST_MORE && !loop->is_awake)
        sleep_until(loop, budget.due_ns);
}

/* --- putting it together ---------------------------------------------------------------------- */

static cst_status open_device(struct device *device, cst_ctx *ctx, struct device *peer)
{
    const cst_port_opts opts = {
        .interest = on_interest, .arg = device, .completions = true, .wants_end = true
    };
    cst_status st = cst_port_new(&device->port, ctx, &opts, NULL);

    device->peer = peer;
    return st < 0 ? st : cst_on(device->port, CST_CLOSE, on_close, device);
}

static cst_status connect_all(struct loop *loop)
{
    cst_status st = CST_OK;

    for (int i = 0; i < DEVICES && st >= 0; i += 2) {
        struct device *client = &loop->devices[i], *server = &loop->devices[i + 1];

        if ((st = open_device(client, loop->ctx, server)) < 0 ||
            (st = open_device(server, loop->ctx, client)) < 0)
            return st;
        st = echo_connect(&loop->echo, client->port, server->port);
    }
    return st;
}

static _Alignas(max_align_t) unsigned char memory[2 << 20];
static cst_arena arena;

int main(void)
{
    static struct loop loop = { .interrupt_ns = CST_NEVER };
    const cst_ctx_opts opts = { .wake = wake, .wake_arg = &loop };

    if (cst_ctx_new(&loop.ctx, cst_arena_init(&arena, memory, sizeof(memory)), &opts) < 0)
        return EXIT_FAILURE;
    echo_init(&loop.echo, loop.ctx, ask_for_interrupt, &loop);
    if (connect_all(&loop) < 0)
        return EXIT_FAILURE;
    while (!echo_is_done(&loop.echo))
        turn(&loop);
    echo_print(&loop.echo);
    for (int i = 0; i < DEVICES; i++)
        cst_unref(loop.devices[i].port);
    cst_ctx_free(loop.ctx);
    return EXIT_SUCCESS;
}
