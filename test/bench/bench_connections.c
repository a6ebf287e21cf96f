/*
 * bench_connections.c - a server of files beside nginx: docs/examples/posix/http_server, one
 * process each, a file of 1 KiB.
 *
 *   connections-per-second   requests answered for 32 busy clients, while others are idle: they
 *                            stay connected and have asked once. The parameter is how many are idle
 *   connections-cpu-us       the server's processor time for one of these requests
 *   connections-memory-kib   memory of the server with so many idle clients
 *   memory-per-connection-file-bytes   the memory that an idle client adds, of so many
 *   accept-file-per-second   requests answered for 32 clients that connect anew for each; the
 *                            parameter is 32
 *   accept-file-cpu-us       the server's processor time for one of these
 */
#include "network/network.h"

#include <stdio.h>

enum { busy_clients = 32, levels = 3 };

static double seconds(const struct bench_effort *effort)
{
    return effort->quick ? 0.05 : 0.5;
}

static struct network_figures rate, cpu;

static void measure(const struct network_servers *servers, const struct network_load *load,
                    const struct bench_effort *effort, size_t parameter)
{
    for (size_t round = 0; round < effort->rounds; round++)
        for (size_t i = 0; i < servers->count; i++) {
            struct network_result result = network_run(&servers->list[i], load);

            rate.rounds[i][round] = result.per_second;
            cpu.rounds[i][round] = result.cpu_us;
        }
    network_print(&rate, servers, effort->rounds, parameter);
    network_print(&cpu, servers, effort->rounds, parameter);
}

/* Print the memory with this crowd, and what each of it has added to `before`. */
static void print_memory(const struct network_servers *servers, size_t *before, size_t idle)
{
    for (size_t i = 0; i < servers->count; i++) {
        const char *name = servers->list[i].name;
        size_t bytes = network_memory(&servers->list[i]);

        bench_print("connections-memory-kib", name, idle, (double)bytes / 1024, 0);
        if (idle == 0)
            before[i] = bytes;
        else
            bench_print("memory-per-connection-file-bytes", name, idle,
                        ((double)bytes - (double)before[i]) / (double)idle, 0);
    }
}

static void print_connections(const struct bench_workload *w, const struct bench_effort *effort)
{
    const struct network_load load = { .request = &network_get,
                                       .clients = busy_clients,
                                       .seconds = seconds(effort) };
    const size_t idle[levels] = { 0, effort->quick ? 100 : 1000,
                                  effort->quick ? 200 : network_most_idle(1) };
    struct network_crowd crowds[NETWORK_MOST] = { { 0 } };
    struct network_servers servers = { .count = 0 };
    size_t before[NETWORK_MOST];

    (void)w;
    rate.workload = "connections-per-second";
    cpu.workload = "connections-cpu-us";
    network_place(true);
    network_start_files(&servers);
    for (size_t i = 0; i < servers.count; i++)
        network_run(&servers.list[i], &load); /* warm up */
    for (size_t level = 0; level < levels; level++) {
        if (level > 0 && idle[level] <= idle[level - 1]) {
            fprintf(stderr, "skipped: too few open files allowed for idle clients\n");
            break;
        }
        for (size_t i = 0; i < servers.count; i++)
            network_crowd_grow(&crowds[i], &servers.list[i], &network_get, idle[level]);
        measure(&servers, &load, effort, idle[level]);
        print_memory(&servers, before, idle[level]);
    }
    network_stop_all(&servers);
}

static void print_accept(const struct bench_workload *w, const struct bench_effort *effort)
{
    const struct network_load load = { .request = &network_get_once,
                                       .clients = busy_clients,
                                       .seconds = seconds(effort),
                                       .reconnects = true };
    struct network_servers servers = { .count = 0 };

    (void)w;
    rate.workload = "accept-file-per-second";
    cpu.workload = "accept-file-cpu-us";
    network_place(true);
    network_start_files(&servers);
    measure(&servers, &load, effort, busy_clients);
    network_stop_all(&servers);
}

int main(int argc, char **argv)
{
    static const struct bench_workload workloads[] = {
        { .name = "connections", .print = print_connections },
        { .name = "accept-file", .print = print_accept },
    };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}
