/*
 * starts.c - starts a program in ways that a shell does not have. The exit status is the
 * program's, or 128 and the number of the signal that ended it.
 *
 *     starts reader BYTES COMMAND...      standard output is a pipe. Its reader takes BYTES bytes,
 *                                         prints them and leaves; if 0, before the program starts
 *     starts terminal INPUT COMMAND...    standard input, output and error are a terminal. The file
 *                                         INPUT is typed, then the end of file; what the terminal
 *                                         shows is printed
 *     starts crowd PORT COUNT             open COUNT connections, and close them when the server
 *                                         has closed one
 *     starts port                         print a free port of 127.0.0.1
 */
#define _XOPEN_SOURCE 700

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CROWD = 200, MOST_SECONDS = 10 };

static void fail(const char *what)
{
    fprintf(stderr, "starts: %s: %s\n", what, strerror(errno));
    exit(99);
}

static int status_of(pid_t child)
{
    int status;

    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            fail("wait");
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void run(char **command)
{
    execv(command[0], command);
    fail(command[0]);
}

/* Print what comes, up to `most` bytes. */
static void print_from(int fd, unsigned long long most)
{
    char bytes[4096];

    while (most > 0) {
        size_t room = most < sizeof(bytes) ? (size_t)most : sizeof(bytes);
        ssize_t n = read(fd, bytes, room);

        if (n <= 0)
            break;
        fwrite(bytes, 1, (size_t)n, stdout);
        most -= (unsigned long long)n;
    }
    fflush(stdout);
}

static int with_reader(unsigned long long bytes, char **command)
{
    int ends[2];
    pid_t child;

    if (pipe(ends) != 0)
        fail("pipe");
    if (bytes == 0)
        close(ends[0]);
    child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        if (bytes > 0)
            close(ends[0]);
        dup2(ends[1], 1);
        close(ends[1]);
        run(command);
    }
    close(ends[1]);
    if (bytes > 0) {
        print_from(ends[0], bytes);
        close(ends[0]);
    }
    return status_of(child);
}

/* Open a terminal in line mode. It shows exactly what the program prints. */
static int open_terminal(int *user)
{
    struct termios how;
    int line;

    *user = posix_openpt(O_RDWR | O_NOCTTY);
    if (*user < 0 || grantpt(*user) != 0 || unlockpt(*user) != 0)
        fail("terminal");
    line = open(ptsname(*user), O_RDWR | O_NOCTTY);
    if (line < 0 || tcgetattr(line, &how) != 0)
        fail("terminal");
    how.c_lflag &= ~(tcflag_t)ECHO;
    how.c_oflag &= ~(tcflag_t)OPOST;
    tcsetattr(line, TCSANOW, &how);
    return line;
}

static void type(int user, const char *path)
{
    char bytes[1024];
    FILE *in = fopen(path, "rb");
    size_t n = in ? fread(bytes, 1, sizeof(bytes) - 1, in) : 0;

    if (!in)
        fail(path);
    fclose(in);
    bytes[n++] = '\4';
    if (write(user, bytes, n) != (ssize_t)n)
        fail("type");
}

static int at_terminal(const char *input, char **command)
{
    int user, line = open_terminal(&user);
    pid_t child = fork();

    if (child < 0)
        fail("fork");
    if (child == 0) {
        close(user);
        setsid();
        for (int fd = 0; fd <= 2; fd++)
            dup2(line, fd);
        close(line);
        run(command);
    }
    close(line);
    type(user, input);
    print_from(user, UINT64_MAX);
    close(user);
    return status_of(child);
}

static int new_socket(struct sockaddr_in *address, uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    *address = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        fail("socket");
    return fd;
}

static int print_port(void)
{
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int fd = new_socket(&address, 0);

    if (bind(fd, (struct sockaddr *)&address, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        fail("port");
    printf("%u\n", (unsigned)ntohs(address.sin_port));
    return 0;
}

static int crowd(uint16_t port, unsigned count)
{
    struct pollfd polls[MOST_CROWD];
    time_t begin = time(NULL);
    bool is_closed = false;

    for (unsigned i = 0; i < count; i++) {
        struct sockaddr_in address;

        polls[i] = (struct pollfd){ .fd = new_socket(&address, port), .events = POLLIN };
        if (connect(polls[i].fd, (struct sockaddr *)&address, sizeof(address)) != 0)
            fail("connect");
    }
    while (!is_closed && time(NULL) - begin < MOST_SECONDS) {
        poll(polls, count, 1000);
        for (unsigned i = 0; i < count; i++)
            is_closed = is_closed || polls[i].revents;
    }
    return !is_closed; /* no connection has sent anything, so this can only be the end */
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";

    if (strcmp(how, "port") == 0)
        return print_port();
    if (argc >= 4 && strcmp(how, "crowd") == 0)
        return crowd((uint16_t)strtoul(argv[2], NULL, 10),
                     (unsigned)strtoul(argv[3], NULL, 10) % MOST_CROWD);
    if (argc >= 4 && strcmp(how, "reader") == 0)
        return with_reader(strtoull(argv[2], NULL, 10), argv + 3);
    if (argc >= 4 && strcmp(how, "terminal") == 0)
        return at_terminal(argv[2], argv + 3);
    fprintf(stderr, "usage: starts reader BYTES|terminal INPUT COMMAND...\n"
                    "       starts crowd PORT COUNT | starts port\n");
    return 99;
}
