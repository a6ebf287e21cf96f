/*
 * glib.c - GLib's main loop drives a context: one GSource, which is ready when there is work.
 *
 *     wake      g_main_context_wakeup, from other threads only
 *     due       the ready time of the source; both clocks are g_get_monotonic_time
 *     time      told before bytes are moved
 *     MORE      cst_ctx_has_work, which GLib asks by prepare and check
 *     interest  a descriptor of the source; if nothing is wanted, it is removed
 *     spans     lent from read_into and write_from to their return, no longer
 *
 * Whether there is work is asked, not remembered: prepare sees a post that comes between a turn and
 * the sleep, and a post that comes later wakes.
 *
 * It runs the program of echo.h. Calls shown: cst_ctx_run, cst_ctx_set_now_ns,
 * cst_ctx_has_work, cst_port_new
 */
#define _POSIX_C_SOURCE 200809L

#include <glib.h>
#include <stdlib.h>
#include <unistd.h>

#include "sockets.h"

struct end {
    struct loop *loop;
    cst_stream *port;
    gpointer tag; /* of the descriptor in the source, or NULL */
    int fd;
    bool is_closed;
};

struct loop {
    cst_ctx *ctx;
    GThread *thread;
    GMainContext *main;
    GSource *source;
    size_t count;
    struct end ends[MAX_ENDS];
};

/* What GLib allocates for a source begins with its own part. */
struct source {
    GSource base;
    struct loop *loop;
};

/* --- ends ------------------------------------------------------------------------------------- */

/* GLib reports a hang-up whatever is asked for. So a socket of which nothing is wanted has to be
 * removed, or the loop would not sleep. */
static void watch(struct end *end, unsigned want)
{
    GSource *source = end->loop->source;
    GIOCondition condition =
        (want & CST_PORT_IN ? G_IO_IN : 0) | (want & CST_PORT_OUT ? G_IO_OUT : 0);

    if (condition && end->tag) {
        g_source_modify_unix_fd(source, end->tag, condition);
    } else if (condition) {
        end->tag = g_source_add_unix_fd(source, end->fd, condition);
    } else if (end->tag) {
        g_source_remove_unix_fd(source, end->tag);
        end->tag = NULL;
    }
}

/* The last call, with 0, may come after 'close'. */
static void on_interest(cst_stream *port, unsigned want, void *arg)
{
    struct end *end = arg;

    if (end->is_closed)
        return;
    watch(end, want);
    if (want & CST_PORT_END)
        shut(port, end->fd);
}

/* No span is lent any more. */
static void on_close(cst_stream *port, const cst_event *event, void *arg)
{
    struct end *end = arg;

    (void)event;
    watch(end, 0);
    end->is_closed = true;
    close(end->fd);
    cst_unref(port);
}

static cst_status open_end(cst_stream **out, int fd, void *arg)
{
    struct loop *loop = arg;
    struct end *end = &loop->ends[loop->count];
    const cst_port_opts opts = { .interest = on_interest, .arg = end, .wants_end = true };
    cst_status st = cst_port_new(&end->port, loop->ctx, &opts, NULL);

    if (st < 0) {
        close(fd);
        return st;
    }
    set_nonblocking(fd);
    end->fd = fd;
    end->loop = loop;
    loop->count++;
    *out = end->port;
    return cst_on(end->port, CST_CLOSE, on_close, end);
}

/* --- the context ------------------------------------------------------------------------------ */

/* GLib remembers it until the loop sleeps next. */
static void wake(void *arg)
{
    struct loop *loop = arg;

    if (g_thread_self() != loop->thread)
        g_main_context_wakeup(loop->main);
}

static gboolean has_work(GSource *source)
{
    return cst_ctx_has_work(((struct source *)source)->loop->ctx);
}

static gboolean prepare(GSource *source, gint *timeout_ms)
{
    *timeout_ms = -1; /* the ready time is the timeout */
    return has_work(source);
}

/* The next read or write tells what an error or a hang-up means. No callback runs here, so no end
 * is closed meanwhile. */
static void move_bytes(struct loop *loop)
{
    for (size_t i = 0; i < loop->count; i++) {
        struct end *end = &loop->ends[i];
        unsigned ready = end->tag ? g_source_query_unix_fd(loop->source, end->tag) : 0;

        if (ready & (G_IO_IN | G_IO_HUP | G_IO_ERR))
            read_into(end->port, end->fd);
        if (ready & (G_IO_OUT | G_IO_HUP | G_IO_ERR))
            write_from(end->port, end->fd);
    }
}

/* GLib counts microseconds. */
static gboolean move_and_turn(GSource *source, GSourceFunc fn, gpointer data)
{
    struct loop *loop = ((struct source *)source)->loop;
    cst_budget budget = { .tasks = ECHO_TURN_TASKS, .bytes = ECHO_TURN_BYTES };

    (void)fn;
    (void)data;
    budget.now_ns = (uint64_t)g_get_monotonic_time() * 1000;
    cst_ctx_set_now_ns(loop->ctx, budget.now_ns);
    move_bytes(loop);
    cst_ctx_run(loop->ctx, &budget);
    g_source_set_ready_time(source,
                            budget.due_ns == CST_NEVER ? -1 : (gint64)(budget.due_ns / 1000 + 1));
    return G_SOURCE_CONTINUE;
}

static bool loop_init(struct loop *loop)
{
    static GSourceFuncs funcs = { .prepare = prepare,
                                  .check = has_work,
                                  .dispatch = move_and_turn };
    const cst_ctx_opts opts = { .wake = wake, .wake_arg = loop };

    *loop = (struct loop){ .thread = g_thread_self(), .main = g_main_context_new() };
    loop->source = g_source_new(&funcs, sizeof(struct source));
    ((struct source *)loop->source)->loop = loop;
    g_source_set_ready_time(loop->source, 0); /* the first turn */
    g_source_attach(loop->source, loop->main);
    return cst_ctx_new(&loop->ctx, cst_allocator_malloc(), &opts) == CST_OK;
}

int main(void)
{
    static struct loop loop;
    struct program program;
    int result;

    if (!loop_init(&loop))
        return EXIT_FAILURE;
    program_begin(&program, loop.ctx, open_end, &loop);
    while (!program_is_done(&program))
        g_main_context_iteration(loop.main, TRUE);
    result = program_end(&program);
    cst_ctx_free(loop.ctx);
    g_source_destroy(loop.source);
    g_source_unref(loop.source);
    g_main_context_unref(loop.main);
    return result;
}
