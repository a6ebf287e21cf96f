/*
 * bench_proxy.c - a proxy between clients and a server, on this library and on others
 * (network/serve.h), and socat. Both the clients and the server are this process.
 *
 *   proxy-mib-per-second   through the proxy, from its client to its server, by writes of 64 KiB.
 *                          The parameter is how many connections are busy at once
 *   proxy-cpu-ms-per-gib   the proxy's processor time for that
 *   proxy-round-trip-cpu-us   the proxy's processor time for one byte there and one back, while
 *                             other clients are idle. The parameter is how many
 *
 * The server throws away what comes without looking (MSG_TRUNC), so that it costs little; each
 * connection begins with bytes that are compared.
 */
#define _GNU_SOURCE
#include "network/network.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_connections = 16, levels = 3, write_bytes = 65536 };

static struct network_figures rate, cpu;

/* --- throughput ------------------------------------------------------------------------------- */

/* Connections through the proxy: the client's end and the server's. */
struct lines {
    int in[most_connections], out[most_connections];
    size_t count;
};

static void lines_open(struct lines *lines, const struct network_server *proxy, size_t count)
{
    uint8_t got[write_bytes / 2];

    lines->count = count;
    for (size_t i = 0; i < count; i++) {
        lines->in[i] = network_connect(proxy->port);
        lines->out[i] = network_accept(proxy->upstream);
        network_send(lines->in[i], bench_payload, sizeof(got));
        network_receive(lines->out[i], got, sizeof(got));
        if (memcmp(got, bench_payload, sizeof(got)) != 0)
            bench_fail(proxy->name);
    }
}

static void lines_close(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++) {
        network_close(lines->in[i]);
        network_close(lines->out[i]);
    }
}

/* Send and receive once on each line. Return the bytes received; put the bytes sent into *sent. */
static size_t pass(const struct lines *lines, size_t *sent)
{
    size_t received = 0;

    *sent = 0;
    for (size_t i = 0; i < lines->count; i++) {
        ssize_t n = send(lines->in[i], bench_payload, write_bytes, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n > 0)
            *sent += (size_t)n;
        else if (errno != EAGAIN)
            bench_fail("a proxy has closed a connection");
        n = recv(lines->out[i], NULL, 1 << 20, MSG_DONTWAIT | MSG_TRUNC);
        if (n > 0)
            received += (size_t)n;
        else if (n == 0 || errno != EAGAIN)
            bench_fail("a proxy has closed a connection");
    }
    return received;
}

static void wait_for_lines(const struct lines *lines)
{
    struct pollfd fds[2 * most_connections];

    for (size_t i = 0; i < lines->count; i++) {
        fds[2 * i] = (struct pollfd){ .fd = lines->in[i], .events = POLLOUT };
        fds[2 * i + 1] = (struct pollfd){ .fd = lines->out[i], .events = POLLIN };
    }
    if (poll(fds, 2 * lines->count, 30000) <= 0)
        bench_fail("a proxy moves nothing");
}

/* Move what `seconds` allow. Count what has arrived. */
static void stream(const struct network_server *proxy, size_t connections, double seconds,
                   double *mib_per_second, double *cpu_ms_per_gib)
{
    double start, cpu_ns, received = 0;
    struct lines lines;

    lines_open(&lines, proxy, connections);
    cpu_ns = network_cpu_ns(proxy);
    start = network_now_ns();
    while (network_now_ns() < start + seconds * 1e9) {
        size_t sent, n = pass(&lines, &sent);

        received += (double)n;
        if (n == 0 && sent == 0)
            wait_for_lines(&lines);
    }
    cpu_ns = network_cpu_ns(proxy) - cpu_ns;
    *mib_per_second = received / 1048576 / ((network_now_ns() - start) / 1e9);
    *cpu_ms_per_gib = cpu_ns / 1e6 / (received / 1073741824);
    lines_close(&lines);
}

/* Each socat serves one connection. */
static void stream_socat(size_t row, size_t round, double seconds)
{
    struct network_server socat = network_start_socat();

    stream(&socat, 1, seconds, &rate.rounds[row][round], &cpu.rounds[row][round]);
    network_stop(&socat);
}

static void print_proxy(const struct bench_workload *w, const struct bench_effort *effort)
{
    const double seconds = effort->quick ? 0.05 : 0.5;
    struct network_servers servers = { .count = 0 };

    (void)w;
    rate.workload = "proxy-mib-per-second";
    cpu.workload = "proxy-cpu-ms-per-gib";
    network_place(true);
    network_start(&servers, "proxy");
    for (size_t connections = 1; connections <= most_connections; connections *= 16) {
        struct network_servers all = servers;

        if (connections == 1 && network_has_socat())
            all.list[all.count++].name = "socat";
        for (size_t round = 0; round < effort->rounds; round++)
            for (size_t i = 0; i < all.count; i++)
                if (i < servers.count)
                    stream(&all.list[i], connections, seconds, &rate.rounds[i][round],
                           &cpu.rounds[i][round]);
                else
                    stream_socat(i, round, seconds);
        network_print(&rate, &all, effort->rounds, connections);
        network_print(&cpu, &all, effort->rounds, connections);
    }
    network_stop_all(&servers);
}

/* --- round trips ------------------------------------------------------------------------------ */

/* Return the proxy's time for a trip of one byte. */
static double round_trip(const struct network_server *proxy, double seconds)
{
    const int in = network_connect(proxy->port), out = network_accept(proxy->upstream);
    double start, cpu_ns = 0;
    size_t trips;
    char byte = 'x';

    start = network_now_ns();
    for (trips = 0; trips < 2 || network_now_ns() < start + seconds * 1e9; trips++) {
        if (trips == 1) { /* the first one established the connection */
            cpu_ns = network_cpu_ns(proxy);
            start = network_now_ns();
        }
        network_send(in, &byte, 1);
        network_receive(out, &byte, 1);
        network_send(out, &byte, 1);
        network_receive(in, &byte, 1);
    }
    cpu_ns = network_cpu_ns(proxy) - cpu_ns;
    network_close(in);
    network_close(out);
    return cpu_ns / 1e3 / (double)(trips - 1);
}

static void print_round_trip(const struct bench_workload *w, const struct bench_effort *effort)
{
    const size_t idle[levels] = { 0, effort->quick ? 50 : 1000,
                                  effort->quick ? 100 : network_most_idle(2) };
    struct network_crowd crowds[NETWORK_MOST] = { { 0 } };
    struct network_servers servers = { .count = 0 };

    cpu.workload = w->name;
    network_place(false);
    network_start(&servers, "proxy");
    for (size_t level = 0; level < levels; level++) {
        if (level > 0 && idle[level] <= idle[level - 1]) {
            fprintf(stderr, "skipped: too few open files allowed for idle clients\n");
            break;
        }
        for (size_t i = 0; i < servers.count; i++)
            network_crowd_grow(&crowds[i], &servers.list[i], &network_byte, idle[level]);
        for (size_t round = 0; round < effort->rounds; round++)
            for (size_t i = 0; i < servers.count; i++)
                cpu.rounds[i][round] = round_trip(&servers.list[i], effort->quick ? 0.02 : 0.3);
        network_print(&cpu, &servers, effort->rounds, idle[level]);
    }
    network_stop_all(&servers);
}

int main(int argc, char **argv)
{
    static const struct bench_workload workloads[] = {
        { .name = "proxy", .print = print_proxy },
        { .name = "proxy-round-trip-cpu-us", .print = print_round_trip },
    };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}
