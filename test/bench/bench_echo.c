/*
 * bench_echo.c - a server that sends back what comes, on this library and on others
 * (network/serve.h).
 *
 *   echo-p50-us, echo-p99-us   the median of the time from a message of 64 bytes to its answer, and
 *                              the time that one in a hundred exceeds, for so many clients, each of
 *                              which sends its next message when it has the answer
 *   echo-per-second            messages answered
 *   echo-cpu-us                the server's processor time for one
 *   accept-per-second          one byte sent back to each of 32 clients, which connect anew for
 *                              each; the parameter is 32
 *   accept-cpu-us              the server's processor time for one of these
 *   memory-per-connection-echo-bytes   the memory that an idle client adds, of so many; each has
 *                                      sent one message
 */
#include "network/network.h"

enum { accept_clients = 32, echo_clients = 64 };

static struct network_figures rate, cpu, p50, p99;

static void measure(const struct network_servers *servers, const struct network_load *load,
                    const struct bench_effort *effort)
{
    for (size_t round = 0; round < effort->rounds; round++)
        for (size_t i = 0; i < servers->count; i++) {
            struct network_result result = network_run(&servers->list[i], load);

            rate.rounds[i][round] = result.per_second;
            cpu.rounds[i][round] = result.cpu_us;
            p50.rounds[i][round] = result.p50_us;
            p99.rounds[i][round] = result.p99_us;
        }
}

static void print_echo(const struct bench_workload *w, const struct bench_effort *effort)
{
    const struct network_load load = { .request = &network_message,
                                       .clients = echo_clients,
                                       .seconds = effort->quick ? 0.05 : 0.4 };
    struct network_servers servers = { .count = 0 };

    (void)w;
    p50.workload = "echo-p50-us";
    p99.workload = "echo-p99-us";
    rate.workload = "echo-per-second";
    cpu.workload = "echo-cpu-us";
    network_place(true);
    network_start(&servers, "echo");
    measure(&servers, &load, effort);
    network_print(&p50, &servers, effort->rounds, echo_clients);
    network_print(&p99, &servers, effort->rounds, echo_clients);
    network_print(&rate, &servers, effort->rounds, echo_clients);
    network_print(&cpu, &servers, effort->rounds, echo_clients);
    network_stop_all(&servers);
}

static void print_accept(const struct bench_workload *w, const struct bench_effort *effort)
{
    const struct network_load load = { .request = &network_byte,
                                       .clients = accept_clients,
                                       .seconds = effort->quick ? 0.05 : 0.4,
                                       .reconnects = true };
    struct network_servers servers = { .count = 0 };

    (void)w;
    rate.workload = "accept-per-second";
    cpu.workload = "accept-cpu-us";
    network_place(true);
    network_start(&servers, "echo");
    measure(&servers, &load, effort);
    network_print(&rate, &servers, effort->rounds, accept_clients);
    network_print(&cpu, &servers, effort->rounds, accept_clients);
    network_stop_all(&servers);
}

/* The memory is counted from when the server has had some clients: what they all use is there. */
static void print_memory(const struct bench_workload *w, const struct bench_effort *effort)
{
    const struct network_load load = { .request = &network_message,
                                       .clients = 32,
                                       .seconds = 0.02 };
    const size_t idle = effort->quick ? 200 : network_most_idle(1);
    struct network_servers servers = { .count = 0 };

    network_place(true);
    network_start(&servers, "echo");
    for (size_t i = 0; idle > 0 && i < servers.count; i++) {
        struct network_crowd crowd = { 0 };
        double before;

        network_run(&servers.list[i], &load);
        before = (double)network_memory(&servers.list[i]);
        network_crowd_grow(&crowd, &servers.list[i], &network_message, idle);
        bench_print(w->name, servers.list[i].name, idle,
                    ((double)network_memory(&servers.list[i]) - before) / (double)idle, 0);
    }
    network_stop_all(&servers);
}

int main(int argc, char **argv)
{
    static const struct bench_workload workloads[] = {
        { .name = "echo", .print = print_echo },
        { .name = "accept", .print = print_accept },
        { .name = "memory-per-connection-echo-bytes", .print = print_memory },
    };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}
