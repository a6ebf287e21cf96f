/*
 * http_raw.c - sends standard input to a server on 127.0.0.1, byte for byte: requests that curl
 * would not send.
 *
 *     http_raw ask PORT     send it, shut down our side, print the answer up to its end
 *     http_raw wait PORT    send it, print the answer until the server shuts down its side
 *     http_raw flood PORT   send it over and over and read nothing; print how many bytes were sent
 *                           until the server closed the connection
 *
 * Each takes ten seconds at most. Exits 1 if the server cannot be reached, or if the connection is
 * not closed in time.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define MOST_SECONDS 10

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
    struct timeval most = { .tv_sec = MOST_SECONDS };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof(most));
    return fd;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool ask(int fd, const char *bytes, size_t len, bool end)
{
    char answer[65536];
    time_t begin = time(NULL);
    ssize_t n;

    if (!send_all(fd, bytes, len))
        return false;
    if (end)
        shutdown(fd, SHUT_WR);
    while ((n = read(fd, answer, sizeof(answer))) > 0 && time(NULL) - begin < MOST_SECONDS)
        fwrite(answer, 1, (size_t)n, stdout);
    return n == 0;
}

static bool flood(int fd, const char *bytes, size_t len)
{
    struct timeval tick = { .tv_usec = 100000 };
    time_t begin = time(NULL);
    unsigned long long taken = 0;

    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof(tick));
    while (time(NULL) - begin < MOST_SECONDS) {
        ssize_t n = write(fd, bytes + taken % len, len - taken % len);

        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            printf("%llu\n", taken);
            return true;
        }
        taken += n > 0 ? (unsigned long long)n : 0;
    }
    return false;
}

int main(int argc, char **argv)
{
    static char bytes[1 << 20];
    size_t len = fread(bytes, 1, sizeof(bytes), stdin);
    int fd;

    if (argc != 3 || len == 0)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    if ((fd = connect_to((uint16_t)strtoul(argv[2], NULL, 10))) < 0)
        return 1;
    if (strcmp(argv[1], "flood") == 0)
        return !flood(fd, bytes, len);
    return !ask(fd, bytes, len, strcmp(argv[1], "ask") == 0);
}
