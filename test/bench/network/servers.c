/* servers.c - see network.h: what is started, measured and stopped. */
#define _GNU_SOURCE
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { most_children = 64, most_files = 16, most_idle = 10000 };

/* What has to go when the program ends: processes, and files in the order in which they were made.
 * A signal may come at any time, so an entry is complete before it is counted. */
static struct {
    volatile pid_t children[most_children];
    bool is_idle[most_children]; /* it has idle clients */
    char files[most_files][PATH_MAX];
    volatile sig_atomic_t file_count;
} left;

/* The processor of the servers. */
static cpu_set_t server_place;

/* --- the end ---------------------------------------------------------------------------------- */

static void end_child(volatile pid_t *child)
{
    kill(*child, SIGKILL);
    waitpid(*child, NULL, 0);
    *child = 0;
}

/* All of it may be called in a handler. */
static void clean_up(void)
{
    for (size_t i = 0; i < most_children; i++)
        if (left.children[i] > 0)
            end_child(&left.children[i]);
    while (left.file_count > 0) {
        const char *path = left.files[--left.file_count];

        if (unlink(path) < 0)
            rmdir(path);
    }
}

static void on_signal(int number)
{
    clean_up();
    signal(number, SIG_DFL);
    raise(number);
}

/* Allow this process and its children all the files that they may have. */
static void allow_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static void prepare(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    allow_files();
    atexit(clean_up);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    signal(SIGPIPE, SIG_IGN);
}

static const char *remember(const char *path)
{
    if (left.file_count == most_files)
        bench_fail("too many files");
    snprintf(left.files[left.file_count], PATH_MAX, "%s", path);
    left.file_count++;
    return left.files[left.file_count - 1];
}

/* --- starting --------------------------------------------------------------------------------- */

/* Take the first two of the processors that this process had when it began. */
void network_place(bool apart)
{
    static size_t cpus[2], count;
    cpu_set_t place;

    if (count == 0) {
        if (sched_getaffinity(0, sizeof(place), &place) < 0)
            bench_fail("sched_getaffinity");
        for (size_t cpu = 0; cpu < CPU_SETSIZE && count < 2; cpu++)
            if (CPU_ISSET(cpu, &place))
                cpus[count++] = cpu;
    }
    CPU_ZERO(&server_place);
    CPU_SET(cpus[apart && count == 2], &server_place);
    CPU_ZERO(&place);
    CPU_SET(cpus[0], &place);
    sched_setaffinity(0, sizeof(place), &place);
}

size_t network_most_idle(size_t files_each)
{
    struct rlimit limit;
    size_t most;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        bench_fail("getrlimit");
    most = (size_t)limit.rlim_max / 8 * 7 / files_each / 1000 * 1000;
    return most < most_idle ? most : most_idle;
}

static volatile pid_t *free_child(void)
{
    for (size_t i = 0; i < most_children; i++)
        if (left.children[i] == 0)
            return &left.children[i];
    bench_fail("too many children");
}

/* Fork. Return 0 in the child, which ends when this process does, however that is. */
static pid_t fork_child(bool is_idle)
{
    const pid_t parent = getpid();
    volatile pid_t *child;

    prepare();
    child = free_child();
    fflush(stdout);
    left.is_idle[child - left.children] = is_idle;
    if ((*child = fork()) < 0)
        bench_fail("no child");
    if (*child > 0)
        return *child;
    memset(&left, 0, sizeof(left)); /* the parent's */
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    return 0;
}

/* Start a program. Its output is *out, or nothing. */
static pid_t spawn(char *const argv[], FILE **out)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        bench_fail("no pipe");
    pid = fork_child(false);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        signal(SIGPIPE, SIG_DFL);
        sched_setaffinity(0, sizeof(server_place), &server_place);
        if (dup2(null, STDIN_FILENO) >= 0 && dup2(out ? fds[1] : null, STDOUT_FILENO) >= 0)
            execvp(argv[0], argv);
        _exit(127);
    }
    close(fds[1]);
    if (out)
        *out = fdopen(fds[0], "r");
    else
        close(fds[0]);
    return pid;
}

void network_fork(void (*fn)(void *arg), void *arg)
{
    int fds[2];
    char byte;

    if (pipe2(fds, O_CLOEXEC) < 0)
        bench_fail("no pipe");
    if (fork_child(true) == 0) {
        fn(arg);
        if (write(fds[1], "", 1) == 1)
            for (;;)
                pause();
        _exit(1);
    }
    close(fds[1]);
    if (read(fds[0], &byte, 1) != 1)
        bench_fail("the idle clients failed");
    close(fds[0]);
}

static void add(struct network_servers *servers, struct network_server server)
{
    if (servers->count == NETWORK_MOST)
        bench_fail("too many servers");
    servers->list[servers->count++] = server;
}

/* Put the path of a file beside this program into `path`. Return false if it cannot be run. */
static bool find(char path[PATH_MAX], const char *name)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (n <= 0)
        bench_fail("/proc/self/exe");
    self[n] = '\0';
    *strrchr(self, '/') = '\0';
    if (snprintf(path, PATH_MAX, "%s/%s", self, name) >= PATH_MAX)
        bench_fail("a long path");
    return access(path, X_OK) == 0;
}

static bool is_in_path(const char *program)
{
    char command[128];

    snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0;
}

/* Start a program that prints its port, in this format. */
static struct network_server start_printing(const char *name, char *const argv[],
                                            const char *format)
{
    struct network_server server = { .name = name, .upstream = -1 };
    FILE *out;

    server.pid = spawn(argv, &out);
    if (!out || fscanf(out, format, &server.port) != 1)
        bench_fail(argv[0]);
    fclose(out);
    return server;
}

void network_start(struct network_servers *servers, const char *job)
{
    static const char *const names[][2] = {
        { "floor", "serve_epoll" },
        { "libcstream", "serve_cstream" },
        { "libuv", "serve_libuv" },
        { "libevent", "serve_libevent" },
    };

    for (size_t i = 0; i < BENCH_COUNT_OF(names); i++) {
        char path[PATH_MAX], word[8], upstream[8];
        char *argv[] = { path, word, NULL, NULL };
        struct network_server server;
        int listener = -1;
        uint16_t port;

        snprintf(word, sizeof(word), "%s", job);
        if (!find(path, names[i][1])) {
            fprintf(stderr, "skipped: no %s here\n", names[i][0]);
            continue;
        }
        if (strcmp(job, "proxy") == 0) {
            listener = network_listen(&port);
            snprintf(upstream, sizeof(upstream), "%u", (unsigned)port);
            argv[2] = upstream;
        }
        server = start_printing(names[i][0], argv, "%hu");
        server.upstream = listener;
        add(servers, server);
    }
}

static uint16_t free_port(void)
{
    uint16_t port;

    close(network_listen(&port));
    return port;
}

/* --- file servers ----------------------------------------------------------------------------- */

static void make_file(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    remember(path);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) < 0)
        bench_fail(path);
}

/* Make a directory for the file that is served and for what nginx needs. It exists until the
 * program ends. */
static const char *directory(void)
{
    static char path[64];
    char file[sizeof(path) + sizeof(NETWORK_FILE)];

    if (path[0])
        return path;
    prepare();
    strcpy(path, "/tmp/cst-bench-XXXXXX");
    if (!mkdtemp(path))
        bench_fail("no directory for files");
    remember(path);
    snprintf(file, sizeof(file), "%s" NETWORK_FILE, path);
    make_file(file, (const char *)bench_payload, network_file_size);
    return path;
}

static void start_http_server(struct network_servers *servers)
{
    char path[PATH_MAX], root[64];
    char *argv[] = { path, "--port", "0", "--idle-seconds", "3600", root, NULL };

    snprintf(root, sizeof(root), "%s", directory());
    if (!find(path, "../examples/posix/http_server"))
        bench_fail("http_server is not built");
    add(servers, start_printing("libcstream", argv, "http://127.0.0.1:%hu/"));
}

/* One process, as a worker is, so that what is measured and stopped is that one. */
static const char nginx_config[] = "daemon off;\n"
                                   "master_process off;\n"
                                   "pid pid;\n"
                                   "error_log stderr crit;\n"
                                   "events { worker_connections 20000; }\n"
                                   "http {\n"
                                   "    access_log off;\n"
                                   "    sendfile on;\n"
                                   "    keepalive_requests 1000000000;\n"
                                   "    keepalive_timeout 1h;\n"
                                   "    client_body_temp_path temp;\n"
                                   "    proxy_temp_path temp;\n"
                                   "    fastcgi_temp_path temp;\n"
                                   "    uwsgi_temp_path temp;\n"
                                   "    scgi_temp_path temp;\n"
                                   "    server { listen 127.0.0.1:%u; root .; }\n"
                                   "}\n";

static void start_nginx(struct network_servers *servers)
{
    struct network_server server = { .name = "nginx", .upstream = -1, .port = free_port() };
    const char *dir = directory();
    char path[80], text[2048];
    char *argv[] = { "nginx", "-p", (char *)(uintptr_t)dir, "-e", "stderr", "-c", path, NULL };

    snprintf(path, sizeof(path), "%s/pid", dir);
    remember(path);
    snprintf(path, sizeof(path), "%s/temp", dir);
    remember(path);
    snprintf(path, sizeof(path), "%s/nginx.conf", dir);
    snprintf(text, sizeof(text), nginx_config, (unsigned)server.port);
    make_file(path, text, strlen(text));
    server.pid = spawn(argv, NULL);
    network_close(network_connect(server.port)); /* it listens */
    add(servers, server);
}

void network_start_files(struct network_servers *servers)
{
    start_http_server(servers);
    if (is_in_path("nginx"))
        start_nginx(servers);
    else
        fprintf(stderr, "skipped: no nginx here\n");
}

bool network_has_socat(void)
{
    const bool is_there = is_in_path("socat");

    if (!is_there)
        fprintf(stderr, "skipped: no socat here\n");
    return is_there;
}

struct network_server network_start_socat(void)
{
    struct network_server server = { .name = "socat", .port = free_port() };
    char from[64], to[64];
    char *argv[] = { "socat", "-b65536", from, to, NULL };
    uint16_t upstream;

    server.upstream = network_listen(&upstream);
    snprintf(from, sizeof(from), "TCP4-LISTEN:%u,bind=127.0.0.1,reuseaddr", (unsigned)server.port);
    snprintf(to, sizeof(to), "TCP4:127.0.0.1:%u", (unsigned)upstream);
    server.pid = spawn(argv, NULL);
    return server;
}

/* --- measuring and stopping ------------------------------------------------------------------- */

double network_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double network_cpu_ns(const struct network_server *server)
{
    struct timespec t;
    clockid_t clock;

    if (clock_getcpuclockid(server->pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        bench_fail("a server has ended");
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

size_t network_memory(const struct network_server *server)
{
    char path[64], line[128];
    size_t kib = 0;
    FILE *in;

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)server->pid);
    in = fopen(path, "r");
    while (in && fgets(line, sizeof(line), in))
        if (sscanf(line, "Pss: %zu kB", &kib) == 1)
            break;
    if (kib == 0)
        bench_fail("no figures of memory");
    fclose(in);
    return kib * 1024;
}

void network_stop(struct network_server *server)
{
    for (size_t i = 0; i < most_children; i++)
        if (left.children[i] == server->pid)
            end_child(&left.children[i]);
    if (server->upstream >= 0)
        close(server->upstream);
    server->upstream = -1;
}

void network_stop_all(struct network_servers *servers)
{
    for (size_t i = 0; i < most_children; i++)
        if (left.children[i] > 0 && left.is_idle[i])
            end_child(&left.children[i]);
    while (servers->count > 0)
        network_stop(&servers->list[--servers->count]);
}
