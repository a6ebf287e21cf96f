/*
 * hostile.c - random clients of a server on 127.0.0.1. Most of them break off, stall, or send
 * what is no request.
 *
 *     hostile files DIRECTORY                     write the files that the clients of http ask for
 *     hostile good KIND PORT COUNT SEED           run COUNT clients that behave
 *     hostile any KIND PORT COUNT SEED [FIRST]    run COUNT clients of all sorts
 *     hostile reset KIND PORT COUNT SEED          run COUNT clients that reset the connection
 *
 * KIND is what the server does: echo sends back what it gets, upper sends it back in capitals,
 * http serves DIRECTORY, and body counts the bytes of a request's body.
 *
 * SEED and a client's number determine what the client does. Numbers begin at FIRST (0).
 *
 * Every byte that a client gets is compared with the byte that the server has to send. A client
 * that behaves must get all bytes, and then the end. The last line of output has the sums, and
 * standard error has a line for each fault; the exit status is 1 if there is a fault. It is a
 * fault if the server does nothing for a client for 30 seconds, so the program always ends.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define NEVER UINT64_MAX
#define MOST_IDLE_SECONDS 30

enum { MOST_ACTIVE = 48, MOST_HELD = 16, MOST_CLIENTS = MOST_ACTIVE + MOST_HELD };
enum { MOST_REQUESTS = 6, MOST_TEXT = 131072, MOST_HEAD = 4096 };

enum kind { ECHO, UPPER, HTTP, BODY };

enum { GOOD, ANY, RESET };

/* The files of http. Each holds its own part of one sequence of bytes without a period. */
static const struct file {
    const char *name;
    uint64_t size;
} files[] = {
    { "empty.bin", 0 }, { "small.txt", 1000 }, { "middle.bin", 70000 }, { "big.bin", 3000000 }
};

enum { FILES = sizeof(files) / sizeof(files[0]), BIG = FILES - 1 };

/* What a client does when it has sent or got as much as it wants. */
enum leave { LEAVE_RESET, LEAVE_CLOSE, LEAVE_SHUT, LEAVE_SHUT_AND_RESET };

/*
 * An answer that the server has to send.
 *
 * status          0: some refusal, from 400 to 599
 * length          of the body; of the request's body if is_count
 * has_any_length  the length of the body is the server's choice
 * is_count        the body says how long the request's body was
 */
struct answer {
    int status;
    uint64_t salt, first, length;
    bool has_any_length, is_head, is_count;
};

struct client {
    uint64_t number, random;
    int fd;
    short events;
    bool is_connected, is_shut, is_held, is_rude, is_deaf;
    double active_s; /* when the server last did something for it */

    /* what it sends: for http this text, else the sequence of bytes with its number as the salt */
    char *text;
    uint64_t length, sent;
    size_t piece;       /* how much it sends at once */
    uint64_t stop_sent; /* leaves after as many bytes; NEVER: sends all */
    bool ends_its_side; /* shuts down its side when all is sent */

    uint64_t got;
    size_t mouthful;   /* how much it reads at once */
    uint64_t stop_got; /* leaves after as many bytes; NEVER: reads to the end */
    enum leave leave;

    /* the answers of http */
    struct answer answers[MOST_REQUESTS];
    unsigned answer_count, answered;
    uint64_t body_left, body_at;
    bool in_body;
    size_t head_len;
    char head[MOST_HEAD];
};

static struct {
    enum kind kind;
    const char *kind_name;
    uint16_t port;
    int who;
    uint64_t seed, first, count;

    uint64_t begun;
    uint64_t whole, left, held, rude, wrong;
    bool is_gone; /* the server does not listen any more */
    unsigned active_count, held_count;
    struct client *clients[MOST_CLIENTS];
} run;

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Return the next number of a sequence that the state determines (splitmix64). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9E3779B97F4A7C15);

    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

/* Return a number from 0 to bound - 1. */
static uint64_t pick(struct client *c, uint64_t bound)
{
    return next_random(&c->random) % bound;
}

static bool is_one_of(struct client *c, uint64_t bound)
{
    return pick(c, bound) == 0;
}

/* Return the byte of a sequence at an offset: neighbours, pages and sequences all differ. */
static uint8_t byte_at(uint64_t salt, uint64_t offset)
{
    uint64_t state = (salt << 40) ^ offset;

    return (uint8_t)next_random(&state);
}

__attribute__((format(printf, 2, 3))) static void wrong(const struct client *c, const char *format,
                                                        ...)
{
    va_list args;

    if (++run.wrong > 20)
        return;
    fprintf(stderr, "wrong: %s client %" PRIu64 " of seed %" PRIu64 ": ", run.kind_name, c->number,
            run.seed);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, " (sent %" PRIu64 " of %" PRIu64 ", got %" PRIu64 ", answers %u of %u)\n",
            c->sent, c->length, c->got, c->answered, c->answer_count);
}

/* --- what a client sends ---------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct client *c, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(c->text + c->length, (size_t)(MOST_TEXT - c->length), format, args);
    va_end(args);
    if (n > 0)
        c->length += (uint64_t)n;
}

static void expect(struct client *c, struct answer answer)
{
    c->answers[c->answer_count++] = answer;
}

/* Ask for a file, or for a part of it. */
static void ask_for_file(struct client *c, unsigned file, bool is_last)
{
    struct answer answer = { .status = 200, .salt = file, .length = files[file].size };
    char range[64] = "";

    if (files[file].size > 0 && is_one_of(c, 4)) {
        answer.status = 206;
        answer.first = pick(c, files[file].size);
        answer.length = 1 + pick(c, files[file].size - answer.first);
        snprintf(range, sizeof(range), "Range: bytes=%" PRIu64 "-%" PRIu64 "\r\n", answer.first,
                 answer.first + answer.length - 1);
    } else if (is_one_of(c, 5)) {
        answer.is_head = true;
    }
    say(c, "%s /%s HTTP/1.1\r\nHost: localhost\r\n%s%s\r\n", answer.is_head ? "HEAD" : "GET",
        files[file].name, range, is_last ? "Connection: close\r\n" : "");
    expect(c, answer);
}

/* Ask for what is not there, or is not below the directory. */
static void ask_for_more(struct client *c, bool is_last)
{
    static const char *const targets[] = { "/none",          "/../secret",
                                           "/%2e%2e/secret", "/small.txt/../../secret",
                                           "/%2E./secret",   "/..%2fsecret",
                                           "/link",          "/small.txt%00" };
    const char *target = targets[pick(c, sizeof(targets) / sizeof(targets[0]))];

    say(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", target,
        is_last ? "Connection: close\r\n" : "");
    expect(c, (struct answer){ .has_any_length = true });
}

/* Send letters as a body; the answer says how many. */
static void send_body(struct client *c, uint64_t length)
{
    say(c,
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %" PRIu64
        "\r\nConnection: close\r\n\r\n",
        length);
    for (uint64_t i = 0; i < length; i++)
        c->text[c->length++] = (char)('a' + byte_at(c->number, i) % 26);
    expect(c, (struct answer){
                  .status = 200, .has_any_length = true, .is_count = true, .length = length });
}

static void ask(struct client *c)
{
    unsigned count = 1 + (unsigned)pick(c, MOST_REQUESTS);

    if (run.kind == BODY) {
        send_body(c, is_one_of(c, 4) ? pick(c, 100000) : pick(c, 300));
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        bool is_last = i + 1 == count && !c->ends_its_side;

        if (is_one_of(c, 5))
            ask_for_more(c, is_last);
        else
            ask_for_file(c, (unsigned)pick(c, is_one_of(c, 3) ? FILES : FILES - 1), is_last);
    }
}

/* Send bytes that no server can take for a request, with or without the end of a head. */
static void send_garbage(struct client *c)
{
    uint64_t length = 1 + pick(c, 3000);

    c->text[c->length++] = '\x01';
    for (uint64_t i = 0; i < length; i++)
        c->text[c->length++] = (char)pick(c, 256);
    if (is_one_of(c, 2))
        say(c, "\r\n\r\n");
    expect(c, (struct answer){ .has_any_length = true });
}

/* Send a head that is longer than the server's limit. */
static void send_long_head(struct client *c)
{
    uint64_t length = 9000 + pick(c, 30000);

    say(c, "GET /small.txt HTTP/1.1\r\nHost: localhost\r\nX: ");
    memset(c->text + c->length, 'x', length);
    c->length += length;
    if (is_one_of(c, 2))
        say(c, "\r\n\r\n");
    expect(c, (struct answer){ .has_any_length = true });
}

/* Send a body that is too long, too short, not UTF-8 or of another type. */
static void send_bad_body(struct client *c)
{
    static const char *const fields[] = { "Content-Length: 99999999\r\n", "Content-Length: -1\r\n",
                                          "Content-Length: 5\r\nContent-Length: 6\r\n",
                                          "Transfer-Encoding: x\r\n", "Content-Length: 100\r\n" };
    uint64_t which = pick(c, 6);

    say(c, "POST / HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
        which < 5 ? fields[which] : "Content-Length: 4\r\n");
    say(c, which < 5 ? "abcdef"
                     : "a\xff\xfe"
                       "b");
    expect(c, (struct answer){ .has_any_length = true });
}

/* --- what a client is like -------------------------------------------------------------------- */

/* Choose the size of a write and of a read: all, some, or a byte if that is not too slow. */
static void choose_speed(struct client *c)
{
    size_t some = 1 + (size_t)pick(c, 5000);

    c->piece = is_one_of(c, 2) ? 65536 : c->length < 2000 && is_one_of(c, 3) ? 1 : some;
    c->mouthful = is_one_of(c, 2) ? 65536 : 1000 + (size_t)pick(c, 20000);
}

/* Send the sequence of the client's number to echo, and shut down our side. */
static void be_good(struct client *c)
{
    c->ends_its_side = is_one_of(c, 2) || run.kind == ECHO || run.kind == UPPER;
    if (c->text)
        ask(c);
    else
        c->length = is_one_of(c, 8) ? pick(c, 2000000) : pick(c, is_one_of(c, 2) ? 100 : 60000);
    choose_speed(c);
}

/* Return about how many bytes a client that behaves would get. A client may leave before that. */
static uint64_t length_of_answers(const struct client *c)
{
    uint64_t sum = c->text ? 0 : c->length;

    for (unsigned i = 0; i < c->answer_count; i++)
        sum += 150 + (c->answers[i].is_head || c->answers[i].is_count ? 0 : c->answers[i].length);
    return sum;
}

/* Leave before the first byte, in the middle of the request, after it, or in the answer. */
static void be_leaving(struct client *c)
{
    be_good(c);
    c->leave = run.who == RESET ? LEAVE_RESET : (enum leave)pick(c, 4);
    if (is_one_of(c, 2))
        c->stop_sent = is_one_of(c, 5) ? 0 : is_one_of(c, 5) ? c->length : pick(c, c->length + 1);
    else
        c->stop_got = 1 + pick(c, length_of_answers(c) + 1);
}

/* Never read: the client asks for more than the system buffers. Or send nothing at all. */
static void be_deaf(struct client *c)
{
    c->is_held = c->is_deaf = true;
    c->piece = 65536;
    if (is_one_of(c, 4))
        c->stop_sent = c->text ? pick(c, 20) : 0;
    if (!c->text) {
        c->length = 8000000;
        return;
    }
    if (run.kind == BODY)
        send_body(c, 60000);
    for (int i = 0; run.kind == HTTP && i < 500; i++)
        say(c, "GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n", files[BIG].name);
}

/* Send what is no request, perhaps after some that are, and shut down our side. */
static void be_rude(struct client *c)
{
    c->is_rude = true;
    c->ends_its_side = true;
    if (run.kind == HTTP && is_one_of(c, 2))
        ask_for_file(c, 1, false);
    if (is_one_of(c, 3))
        send_long_head(c);
    else if (run.kind == BODY && is_one_of(c, 2))
        send_bad_body(c);
    else
        send_garbage(c);
    choose_speed(c);
}

static void choose(struct client *c)
{
    uint64_t what = run.who == GOOD ? 0 : run.who == RESET ? 6 : pick(c, 20);

    c->stop_sent = c->stop_got = NEVER;
    if (run.kind == HTTP || run.kind == BODY)
        c->text = malloc(MOST_TEXT);
    if (what < 6)
        be_good(c);
    else if (what < 16 || (what < 19 && !c->text))
        be_leaving(c);
    else if (what < 19)
        be_rude(c);
    else
        be_deaf(c);
}

/* --- what a client gets ----------------------------------------------------------------------- */

/* Return the number behind a field's name in the head, or -1. */
static int64_t field_of(const char *head, const char *name)
{
    size_t len = strlen(name);

    for (const char *line = head; (line = strstr(line, "\r\n")) != NULL;) {
        line += 2;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':')
            return strtoll(line + len + 1, NULL, 10);
    }
    return -1;
}

static bool take_head(struct client *c)
{
    struct answer *answer = &c->answers[c->answered];
    int64_t length = field_of(c->head, "Content-Length");
    int status = 0;

    sscanf(c->head, "HTTP/1.1 %3d ", &status);
    if (c->is_rude && status >= 400) /* a request that it has cut off may be refused */
        *answer = (struct answer){ .is_head = answer->is_head, .has_any_length = true };
    if (status == 0)
        wrong(c, "no head: %.60s", c->head);
    else if (answer->status ? status != answer->status : status < 400 || status > 599)
        wrong(c, "status %d, where %d is right", status, answer->status);
    else if (length < 0)
        wrong(c, "no Content-Length");
    else if (!answer->has_any_length && (uint64_t)length != answer->length)
        wrong(c, "Content-Length %" PRId64 ", where %" PRIu64 " is right", length, answer->length);
    else {
        c->body_left = answer->is_head ? 0 : (uint64_t)length;
        c->body_at = 0;
        c->head_len = 0;
        c->in_body = true;
        return true;
    }
    return false;
}

/* Return whether a byte of a body is right. The body of a refusal may have any bytes. */
static bool is_right_in_body(struct client *c, uint8_t byte)
{
    const struct answer *answer = &c->answers[c->answered];
    char text[64];
    int len;

    if (!answer->has_any_length)
        return byte == byte_at(answer->salt, answer->first + c->body_at);
    if (!answer->is_count)
        return true;
    len = snprintf(text, sizeof(text), "Hello world: %" PRIu64 " bytes of text", answer->length);
    return c->body_at >= (uint64_t)len || byte == (uint8_t)text[c->body_at];
}

static bool take_byte_of_answer(struct client *c, uint8_t byte)
{
    if (c->answered == c->answer_count) {
        wrong(c, "a byte behind the last answer");
        return false;
    }
    if (!c->in_body) {
        c->head[c->head_len++] = (char)byte;
        c->head[c->head_len] = '\0';
        if (c->head_len + 1 == MOST_HEAD) {
            wrong(c, "a head without an end");
            return false;
        }
        if (c->head_len < 4 || memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) != 0)
            return true;
        if (!take_head(c))
            return false;
    } else if (!is_right_in_body(c, byte)) {
        wrong(c, "byte %" PRIu64 " of the body is %02x", c->body_at, byte);
        return false;
    } else {
        c->body_at++;
        c->body_left--;
    }
    if (c->body_left == 0) {
        c->in_body = false;
        c->answered++;
    }
    return true;
}

static bool take_byte_of_echo(struct client *c, uint8_t byte)
{
    uint8_t right = byte_at(c->number, c->got);

    if (run.kind == UPPER && right >= 'a' && right <= 'z')
        right &= 0xDF;
    if (c->got < c->sent && byte == right)
        return true;
    wrong(c, "byte %" PRIu64 " is %02x, where %02x is right", c->got, byte, right);
    return false;
}

/* --- the life of a client --------------------------------------------------------------------- */

static bool begin(struct client *c)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(run.port) };
    int one = 1, small = 4096;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (c->fd < 0) {
        perror("hostile: socket");
        exit(2);
    }
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (c->is_deaf)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    c->active_s = now_s();
    return connect(c->fd, (struct sockaddr *)&to, sizeof(to)) == 0 || errno == EINPROGRESS;
}

static void end(struct client *c, bool by_reset)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

    if (by_reset)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(c->fd);
    c->fd = -1;
}

/* Leave as planned. A client that only shuts down its side reads on. */
static void leave(struct client *c)
{
    c->stop_sent = c->stop_got = NEVER;
    c->length = c->sent;
    if (c->leave == LEAVE_SHUT || c->leave == LEAVE_SHUT_AND_RESET) {
        shutdown(c->fd, SHUT_WR);
        c->is_shut = true;
        c->is_rude = true; /* its request may be incomplete */
    }
    if (c->leave == LEAVE_SHUT)
        return;
    run.left++;
    end(c, c->leave != LEAVE_CLOSE);
}

/* Finish a client whose connection the server has ended. Check that it got all it must get. */
static void finish(struct client *c, int error)
{
    bool is_all = c->text ? c->answered == c->answer_count : c->got == c->length;

    if (c->is_held)
        run.held++;
    else if (c->is_rude)
        run.rude++;
    else if (error)
        wrong(c, "%s", strerror(error));
    else if (!is_all || c->in_body || c->head_len > 0 || c->sent < c->length)
        wrong(c, "the end comes too early");
    else
        run.whole++;
    end(c, false);
}

static size_t fill(const struct client *c, char *out, size_t room)
{
    uint64_t stop = c->stop_sent < c->length ? c->stop_sent : c->length, left = stop - c->sent;
    size_t n = left < room ? (size_t)left : room;

    n = n < c->piece ? n : c->piece;
    if (c->text)
        memcpy(out, c->text + c->sent, n);
    for (size_t i = 0; !c->text && i < n; i++)
        out[i] = (char)byte_at(c->number, c->sent + i);
    return n;
}

/* Send some bytes. Return false if the client is done. */
static bool send_some(struct client *c)
{
    char bytes[65536];
    size_t n = fill(c, bytes, sizeof(bytes));
    ssize_t sent = n > 0 ? send(c->fd, bytes, n, MSG_NOSIGNAL) : 0;

    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
        if (!c->is_rude && !c->is_held)
            finish(c, errno);
        c->length = c->sent; /* read on: the server may still send something */
        return c->fd >= 0;
    }
    if (sent > 0) {
        c->sent += (uint64_t)sent;
        c->active_s = now_s();
    }
    if (c->sent >= c->stop_sent && !c->is_held) {
        leave(c);
        return c->fd >= 0;
    }
    if (c->sent == c->length && c->ends_its_side && !c->is_shut) {
        shutdown(c->fd, SHUT_WR);
        c->is_shut = true;
    }
    return true;
}

static bool read_some(struct client *c)
{
    uint8_t bytes[65536];
    ssize_t n = recv(c->fd, bytes, c->mouthful, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (n <= 0) {
        finish(c, n < 0 ? errno : 0);
        return false;
    }
    c->active_s = now_s();
    for (ssize_t i = 0; i < n; i++) {
        if (c->text ? !take_byte_of_answer(c, bytes[i]) : !take_byte_of_echo(c, bytes[i])) {
            end(c, true);
            return false;
        }
        if (++c->got >= c->stop_got)
            leave(c);
        if (c->fd < 0)
            return false;
    }
    return true;
}

static bool look_at(struct client *c, short ready)
{
    int error = 0;
    socklen_t len = sizeof(error);

    if (!c->is_connected && ready) {
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
        if (error) {
            run.is_gone = error == ECONNREFUSED;
            wrong(c, "connect: %s", strerror(error));
            end(c, false);
            return false;
        }
        c->is_connected = true;
    }
    if (c->is_deaf && (ready & (POLLERR | POLLHUP))) {
        finish(c, 0);
        return false;
    }
    if ((ready & POLLOUT) && !send_some(c))
        return false;
    return !(ready & (POLLIN | POLLHUP | POLLERR)) || c->is_deaf || read_some(c);
}

/* --- all of them ------------------------------------------------------------------------------ */

static void drop(unsigned at)
{
    struct client *c = run.clients[at];

    if (c->is_held)
        run.held_count--;
    else
        run.active_count--;
    free(c->text);
    free(c);
    run.clients[at] = run.clients[run.active_count + run.held_count];
}

/* Reset the held clients, or only the oldest of them. */
static void reset_held(bool all)
{
    unsigned count = run.active_count + run.held_count, oldest = MOST_CLIENTS;

    for (unsigned i = count; i-- > 0;) {
        struct client *c = run.clients[i];

        if (!c->is_held)
            continue;
        if (all) {
            run.held++;
            end(c, true);
            drop(i);
        } else if (oldest == MOST_CLIENTS || c->number < run.clients[oldest]->number) {
            oldest = i;
        }
    }
    if (oldest < MOST_CLIENTS) {
        run.held++;
        end(run.clients[oldest], true);
        drop(oldest);
    }
}

static void begin_next(void)
{
    struct client *c = calloc(1, sizeof(*c));

    if (!c)
        exit(2);
    c->number = run.first + run.begun++;
    c->random = run.seed * UINT64_C(0xD1342543DE82EF95) + c->number;
    choose(c);
    if (c->is_held && run.held_count == MOST_HELD)
        reset_held(false);
    if (!begin(c)) {
        wrong(c, "connect: %s", strerror(errno));
        run.is_gone = errno == ECONNREFUSED;
        end(c, false);
        free(c->text);
        free(c);
        return;
    }
    run.clients[run.active_count + run.held_count] = c;
    if (c->is_held)
        run.held_count++;
    else
        run.active_count++;
}

static short events_of(const struct client *c)
{
    uint64_t stop = c->stop_sent < c->length ? c->stop_sent : c->length;
    bool has_more = c->sent < stop || (c->sent == c->stop_sent && !c->is_held) ||
                    (c->ends_its_side && !c->is_shut);

    return (short)((c->is_deaf ? 0 : POLLIN) | (has_more || !c->is_connected ? POLLOUT : 0));
}

static bool is_late(struct client *c)
{
    if (c->is_held || now_s() - c->active_s < MOST_IDLE_SECONDS)
        return false;
    wrong(c, "nothing comes for %d seconds", MOST_IDLE_SECONDS);
    end(c, true);
    return true;
}

static void turn(void)
{
    struct pollfd polls[MOST_CLIENTS];
    unsigned count = run.active_count + run.held_count;
    int ready;

    for (unsigned i = 0; i < count; i++)
        polls[i] = (struct pollfd){ .fd = run.clients[i]->fd, .events = events_of(run.clients[i]) };
    ready = poll(polls, count, 20);
    if (ready < 0 && errno != EINTR)
        exit(2);
    if (ready == 0) { /* the server may be waiting for the held clients */
        reset_held(false);
        count = 0;
    }
    /* Go backwards: dropping a client puts the last one in its place, and that was looked at. */
    for (unsigned i = count; i-- > 0;)
        if (!look_at(run.clients[i], polls[i].revents) || is_late(run.clients[i]))
            drop(i);
}

static int run_all(void)
{
    while (!run.is_gone && (run.begun < run.count || run.active_count > 0)) {
        while (!run.is_gone && run.begun < run.count && run.active_count < MOST_ACTIVE)
            begin_next();
        turn();
    }
    reset_held(true);
    printf("%s: %" PRIu64 " connections: %" PRIu64 " whole, %" PRIu64 " left, %" PRIu64
           " rude, %" PRIu64 " never read, %" PRIu64 " wrong\n",
           run.kind_name, run.begun, run.whole, run.left, run.rude, run.held, run.wrong);
    if (run.is_gone)
        fprintf(stderr, "wrong: nobody listens on port %u any more\n", (unsigned)run.port);
    return run.wrong > 0 || run.is_gone;
}

static int make_files(const char *directory)
{
    char path[4096];

    for (unsigned i = 0; i < FILES; i++) {
        FILE *out;

        snprintf(path, sizeof(path), "%s/%s", directory, files[i].name);
        out = fopen(path, "wb");
        for (uint64_t at = 0; out && at < files[i].size; at++)
            fputc(byte_at(i, at), out);
        if (!out || fclose(out) != 0) {
            perror(path);
            return 2;
        }
    }
    return 0;
}

static bool parse(int argc, char **argv)
{
    static const char *const kinds[] = { "echo", "upper", "http", "body" };
    static const char *const whos[] = { "good", "any", "reset" };
    int who = -1;

    for (int i = 0; argc >= 6 && i < 3; i++)
        if (strcmp(argv[1], whos[i]) == 0)
            who = i;
    if (who < 0 || argc > 7)
        return false;
    run.who = who;
    run.port = (uint16_t)strtoul(argv[3], NULL, 10);
    run.count = strtoull(argv[4], NULL, 10);
    run.seed = strtoull(argv[5], NULL, 10);
    run.first = argc > 6 ? strtoull(argv[6], NULL, 10) : 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(argv[2], kinds[i]) == 0) {
            run.kind = (enum kind)i;
            run.kind_name = kinds[i];
        }
    return run.kind_name;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "files") == 0)
        return make_files(argv[2]);
    if (!parse(argc, argv)) {
        fprintf(stderr,
                "usage: hostile files DIRECTORY\n"
                "       hostile good|any|reset echo|upper|http|body PORT COUNT SEED [FIRST]\n");
        return 2;
    }
    return run_all();
}
