/*
 * bench_socket.c - what a chunk costs from one socket to another. The parameter is the bytes of a
 * chunk.
 *
 *      write -> [socket pair] -> the relay -> [socket pair] -> read
 *
 * One thread does all, so that work is timed and not waiting: it writes a chunk, lets the relay
 * turn once, and reads the chunk. The floor is a relay by hand with poll, read and write.
 * libcstream is a pipe in a loop, whose source has a 'data' listener; libcstream-kernel is the pipe
 * alone.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

/* How much is read at a time: the default highWaterMark. */
#define BUFFER 65536

/* The ends [0] and [3] belong to the outside, [1] and [2] to the relay. */
struct line {
    int fds[4];
};

static struct line line_new(void)
{
    struct line line;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, line.fds) < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, line.fds + 2) < 0)
        bench_fail("bench_socket: no sockets");
    return line;
}

static void send_chunk(const struct line *line, size_t bytes)
{
    if (write(line->fds[0], bench_payload, bytes) != (ssize_t)bytes)
        bench_fail("bench_socket: short write");
}

/* Read the chunk: by one read, or by several if the relay has sent it in parts. */
static size_t receive_chunk(const struct line *line, uint8_t *buf, size_t bytes)
{
    size_t got = 0;
    ssize_t n;

    while (got < bytes && (n = recv(line->fds[3], buf, bytes - got, MSG_DONTWAIT)) > 0)
        got += (size_t)n;
    return got;
}

static uint64_t relay_by_hand(const struct bench_point *point)
{
    struct line line = line_new();
    uint8_t *buf = bench_array(1, BUFFER), *received = bench_array(1, point->bytes);
    struct pollfd fd = { .fd = line.fds[1], .events = POLLIN };
    uint64_t sum = 0;

    fcntl(line.fds[1], F_SETFL, O_NONBLOCK);
    fcntl(line.fds[2], F_SETFL, O_NONBLOCK);
    bench_start_clock();
    for (size_t i = 0; i < point->chunks; i++) {
        size_t got = 0;

        send_chunk(&line, point->bytes);
        while (got < point->bytes) {
            ssize_t n;

            if (poll(&fd, 1, -1) != 1 || (n = read(line.fds[1], buf, BUFFER)) <= 0)
                bench_fail("bench_socket: the relay failed");
            if (write(line.fds[2], buf, (size_t)n) != n)
                bench_fail("bench_socket: short write");
            got += receive_chunk(&line, received, point->bytes - got);
        }
        sum = bench_sum(sum, received, got);
    }
    bench_stop_clock();
    for (size_t i = 0; i < 4; i++)
        close(line.fds[i]);
    free(buf);
    free(received);
    return sum;
}

static void look(cst_stream *s, const cst_event *event, void *arg)
{
    (void)s;
    (void)event;
    (void)arg;
}

static uint64_t relay_by_streams(const struct bench_point *point, cst_listener_fn *fn)
{
    struct line line = line_new();
    uint8_t *received = bench_array(1, point->bytes);
    cst_stream *in, *out;
    cst_loop *loop;
    uint64_t sum = 0;

    if (cst_loop_new(&loop, NULL, NULL) < 0 ||
        cst_fd_source_new(&in, loop, line.fds[1], NULL) < 0 ||
        cst_fd_sink_new(&out, loop, line.fds[2], NULL) < 0)
        bench_fail("bench_socket: out of memory");
    if (fn)
        cst_on(in, CST_DATA, fn, NULL);
    cst_pipe(in, out, NULL);
    bench_start_clock();
    for (size_t i = 0; i < point->chunks; i++) {
        size_t got = 0;

        send_chunk(&line, point->bytes);
        while (got < point->bytes) {
            if (cst_loop_run_once(loop, CST_LOOP_FOREVER) != CST_MORE)
                bench_fail("bench_socket: the relay failed");
            got += receive_chunk(&line, received, point->bytes - got);
        }
        sum = bench_sum(sum, received, got);
    }
    bench_stop_clock();
    cst_unref(in);
    cst_unref(out);
    cst_loop_free(loop);
    close(line.fds[0]);
    close(line.fds[3]);
    free(received);
    return sum;
}

static uint64_t relay_with_libcstream(const struct bench_point *point)
{
    return relay_by_streams(point, look);
}

static uint64_t relay_through_the_kernel(const struct bench_point *point)
{
    return relay_by_streams(point, NULL);
}

int main(int argc, char **argv)
{
    static const struct bench_variant variants[] = {
        { "floor", relay_by_hand },
        { "libcstream", relay_with_libcstream },
        { "libcstream-kernel", relay_through_the_kernel },
    };
    static const struct bench_point points[] = {
        { .chunks = 10000, .bytes = 4096, .count = 1 },
        { .chunks = 4000, .bytes = 65536, .count = 1 },
    };
    static const struct bench_workload workload = {
        .name = "socket",
        .parameter = BENCH_BYTES,
        .variants = variants,
        .variant_count = BENCH_COUNT_OF(variants),
        .points = points,
        .point_count = BENCH_COUNT_OF(points),
    };

    return bench_main(argc, argv, &workload, 1);
}
