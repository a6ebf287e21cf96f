/*
 * serial_line.c - a context on bare metal: no operating system, no threads, no sleep but an idle
 * instruction.
 *
 * A serial line is received by DMA, made upper case by a filter, and sent by DMA:
 *
 *     UART RX  --DMA-->  port source  -->  upper  -->  port sink  --DMA-->  UART TX
 *
 * The device here is made of variables, so that the program runs anywhere: each tick of the clock
 * moves a byte and may end a transfer, as an interrupt would. The loop is that of a firmware's
 * main. All memory is in one array (arena.h): neither this file nor the objects of the library that
 * it uses call malloc.
 *
 * Calls shown: cst_port_source_new, cst_port_sink_new, cst_port_reserve, cst_port_commit,
 *              cst_port_peek, cst_port_consume, cst_ctx_set_now_ns, cst_set_timeouts
 */
#include <stdio.h>
#include <string.h>

#include <cstream/cstream.h>

/* --- the device ------------------------------------------------------------------------------- */

/* A transfer. The device works on it while the loop does something else. */
struct dma {
    uint8_t *to;
    const uint8_t *from;
    size_t len, moved;
    bool busy, done; /* done is all that an interrupt handler would set */
};

static const char received[] = "the quick brown fox jumps over the lazy dog\n";

static struct dma rx, tx;
static uint64_t ticks;
static size_t rx_taken;
static char sent[128];
static size_t sent_len;

/* The receiver stops if the line is quiet for a tick: a short transfer, as an idle-line interrupt
 * would make it. */
static void rx_tick(void)
{
    if (!rx.busy)
        return;
    if (rx.moved < rx.len && rx_taken < sizeof(received) - 1 && ticks % 8 != 0) {
        rx.to[rx.moved++] = (uint8_t)received[rx_taken++];
        return;
    }
    if (rx.moved > 0 || rx_taken == sizeof(received) - 1) {
        rx.busy = false;
        rx.done = true;
    }
}

static void tx_tick(void)
{
    if (!tx.busy)
        return;
    if (tx.moved < tx.len && sent_len < sizeof(sent))
        sent[sent_len++] = (char)tx.from[tx.moved++];
    if (tx.moved == tx.len || sent_len == sizeof(sent)) {
        tx.busy = false;
        tx.done = true;
    }
}

/* In place of the instruction that waits for an interrupt. */
static void wait_for_interrupt(void)
{
    ticks++;
    rx_tick();
    tx_tick();
}

/* --- starting and ending transfers ------------------------------------------------------------ */

/* The port has `completions` set, so this is called for each transfer, and all start here. */
static void start_receiving(cst_stream *s, unsigned want, void *arg)
{
    cst_span span;

    (void)arg;
    if ((want & CST_PORT_IN) && cst_port_reserve(&span, s) == CST_OK)
        rx = (struct dma){ .to = span.data, .len = span.len, .busy = true };
    if (want & CST_PORT_CANCEL)
        rx.busy = false, rx.done = true;
}

static void start_sending(cst_stream *s, unsigned want, void *arg)
{
    cst_const_span span;

    (void)arg;
    if ((want & CST_PORT_OUT) && cst_port_peek(&span, s, 1) == 1)
        tx = (struct dma){ .from = span.data, .len = span.len, .busy = true };
    if (want & CST_PORT_CANCEL)
        tx.busy = false, tx.done = true;
}

/* Do what the interrupts have left for the loop. */
static void end_transfers(cst_stream *line_in, cst_stream *line_out)
{
    if (rx.done) {
        rx.done = false;
        if (rx.moved > 0)
            cst_port_commit(line_in, rx.moved);
        else
            cst_port_eof(line_in);
    }
    if (tx.done) {
        tx.done = false;
        cst_port_consume(line_out, tx.moved);
    }
}

/* --- the application -------------------------------------------------------------------------- */

static cst_status upper(cst_stream *s, void *self, const cst_slice *chunk)
{
    cst_buf buf;
    cst_status st = cst_buf_new_cached(&buf, cst_stream_ctx(s), chunk->len);

    (void)self;
    if (st < 0)
        return st;
    for (size_t i = 0; i < chunk->len; i++)
        buf.data[i] =
            (uint8_t)(chunk->data[i] >= 'a' && chunk->data[i] <= 'z' ? chunk->data[i] - 'a' + 'A'
                                                                     : chunk->data[i]);
    return cst_give(s, cst_buf_freeze(&buf, chunk->len));
}

static const cst_ops upper_ops = { .name = "upper", .transform = upper };

static void on_end(const cst_error *error, void *arg)
{
    cst_status *outcome = arg;

    *outcome = error ? error->status : CST_OK;
}

/* A tick is a millisecond. */
static uint64_t clock_ns(void)
{
    return ticks * 1000000;
}

/* The loop of a firmware never ends. This one ends with the line, or if the pipeline fails. */
static cst_status serve(cst_ctx *ctx, cst_stream *line_in, cst_stream *line_out,
                        const cst_status *outcome)
{
    while (*outcome == CST_PENDING) {
        cst_budget budget = { .tasks = 100, .now_ns = clock_ns() };

        cst_ctx_set_now_ns(ctx, budget.now_ns);
        end_transfers(line_in, line_out);
        if (cst_ctx_run(ctx, &budget) != CST_MORE && clock_ns() < budget.due_ns)
            wait_for_interrupt();
    }
    return *outcome;
}

static cst_status run_line(cst_ctx *ctx)
{
    const cst_opts small = { .high_water_mark = 64 };
    const cst_port_opts in = { .interest = start_receiving, .completions = true, .span_bytes = 16 };
    const cst_port_opts out = { .interest = start_sending, .completions = true };
    cst_status outcome = CST_PENDING, st;
    cst_stream *stages[3];

    if ((st = cst_port_source_new(&stages[0], ctx, &in, &small)) < 0 ||
        (st = cst_transform_new(&stages[1], ctx, &upper_ops, NULL, &small)) < 0 ||
        (st = cst_port_sink_new(&stages[2], ctx, &out, &small)) < 0)
        return st;
    cst_set_timeouts(stages[0], &(cst_timeouts){ .idle_ns = UINT64_C(1000000000) });
    if ((st = cst_pipeline(stages, 3, NULL, on_end, &outcome)) < 0)
        return st;
    return serve(ctx, stages[0], stages[2], &outcome);
}

static _Alignas(max_align_t) unsigned char memory[16384];
static cst_arena arena;

int main(void)
{
    cst_status st;
    cst_ctx *ctx;

    if (cst_ctx_new(&ctx, cst_arena_init(&arena, memory, sizeof(memory)), NULL) < 0)
        return 1;
    st = run_line(ctx);
    cst_ctx_free(ctx);
    printf("%.*s", (int)sent_len, sent);
    if (fflush(stdout) != 0) {
        perror("serial_line: standard output");
        return 1;
    }
    fprintf(stderr, "%s after %u ticks, in %u bytes\n", cst_status_name(st), (unsigned)ticks,
            (unsigned)arena.peak_bytes);
    return st == CST_OK && sent_len == sizeof(received) - 1 ? 0 : 1;
}
