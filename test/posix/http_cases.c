/*
 * http_cases.c - asks a server on 127.0.0.1 each request of http-cases.tsv, byte for byte, and
 * compares the statuses.
 *
 *     http_cases server PORT [N]      with the column of docs/examples/posix/http_server
 *     http_cases body PORT [N]        with that of http_body
 *
 * N bytes at a time; all at once if it is not said. In parts, a head may come before its body, so
 * that status 100 is right for a client that asks, and not compared: RFC 9110, 10.1.1.
 *
 * Behind each request comes one for /fox.txt, at once, but if status 100 is expected: then it is
 * what the client had to be told to send. Every final answer must have one Date: RFC 9110, 6.6.1.
 * Prints what differs, then how many were asked; exit 1 if anything differs, or an answer takes ten
 * seconds.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "http_cases.h"

#define MOST_SECONDS 10

static const char after[] = "GET /fox.txt HTTP/1.1\r\nHost: after\r\n\r\n";

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct timeval most = { .tv_sec = MOST_SECONDS };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
        perror("http_cases");
        exit(2);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* A server that has closed takes nothing more: what it has answered is what counts. */
static void send_all(int fd, const char *bytes, size_t len, size_t at_once)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len < at_once ? len : at_once);

        if (n <= 0)
            return;
        bytes += n;
        len -= (size_t)n;
    }
}

/* Read until the server ends its side, or once. Return how many bytes. */
static size_t read_answer(int fd, char *out, size_t room, bool once)
{
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len < room && !(once && len > 0)) {
        n = read(fd, out + len, room - len);
        len += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? 0 : len;
}

/* Write the statuses of all answers, separated by blanks; " no Date" behind one that should have a
 * single one. */
static void list_statuses(char *out, size_t room, const char *answer)
{
    size_t len = 0;

    out[0] = '\0';
    for (const char *at = strstr(answer, "HTTP/1.1 "); at && len + 32 < room;) {
        const char *next = strstr(at + 1, "HTTP/1.1 "), *end = strstr(at, "\r\n\r\n");
        const char *date = strstr(at, "\r\nDate: ");
        bool has_one =
            date && end && date < end && (!(date = strstr(date + 1, "\r\nDate: ")) || date > end);

        len += (size_t)snprintf(out + len, room - len, "%s%.3s%s", len ? " " : "", at + 9,
                                at[9] == '1' || has_one ? "" : " no Date");
        at = next;
    }
}

static bool ask(const struct http_case *row, uint16_t port, const char *expected, size_t at_once)
{
    static char answer[1 << 16];
    char statuses[256];
    bool waits = strncmp(expected, "100 ", 4) == 0;
    int fd = connect_to(port);
    size_t len = 0, skipped;

    send_all(fd, row->request, row->len, at_once);
    if (waits)
        len = read_answer(fd, answer, sizeof(answer) - 1, true);
    send_all(fd, after, strlen(after), at_once);
    shutdown(fd, SHUT_WR);
    len += read_answer(fd, answer + len, sizeof(answer) - 1 - len, false);
    close(fd);
    answer[len] = '\0';
    list_statuses(statuses, sizeof(statuses), answer);
    skipped = at_once < row->len && !waits && strncmp(statuses, "100 ", 4) == 0 ? 4 : 0;
    if (strcmp(statuses + skipped, expected) == 0)
        return true;
    printf("%s: wanted '%s' (RFC %s), got '%s'\n", row->column[CASE_NAME], expected,
           row->column[CASE_SECTION], statuses);
    return false;
}

int main(int argc, char **argv)
{
    static struct http_case row;
    FILE *in = fopen(HTTP_CASES, "r");
    size_t count = 0, wrong = 0;

    if (argc < 3 || !in)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    for (; http_next_case(&row, in); count++) {
        bool is_server = strcmp(argv[1], "server") == 0;
        const char *expected = row.column[is_server ? CASE_SERVER : CASE_BODY];
        size_t at_once = argc > 3 ? strtoul(argv[3], NULL, 10) : sizeof(row.request);

        wrong += !ask(&row, (uint16_t)strtoul(argv[2], NULL, 10), expected, at_once);
    }
    fclose(in);
    printf("%zu asked, %zu wrong\n", count, wrong);
    return wrong > 0 || count == 0;
}
