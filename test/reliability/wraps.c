/*
 * wraps.c - see wraps.h. Each wrapped call asks `judge` what to do, and reports what it did with
 * `told`.
 */
#include "wraps.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The name of a call in an object file compiled for large files. */
#if defined(__GLIBC__)
#define LARGE(name) name##64
#else
#define LARGE(name) name
#endif

/* WRAPPED(result, name, arguments) { body }; in the body, REAL(name) is the system's call. */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define REAL(name) JOIN(__real_, name)
#define WRAP(name) JOIN(__wrap_, name)
#define WRAPPED(result, name, arguments) \
    result REAL(name) arguments;         \
    result WRAP(name) arguments;         \
    result WRAP(name)                    \
    arguments

struct faults faults;

/* --- chance ----------------------------------------------------------------------------------- */

/* Return the next random number, by splitmix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15u;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

uint64_t random_below(uint64_t *state, uint64_t n)
{
    return next_random(state) % n;
}

bool random_chance(uint64_t *state, unsigned of_65536)
{
    return of_65536 > 0 && random_below(state, 65536) < of_65536;
}

/* --- what a call does ------------------------------------------------------------------------- */

#define CALLS(X)       \
    X(accept4)         \
    X(bind)            \
    X(clock_gettime)   \
    X(close)           \
    X(connect)         \
    X(copy_file_range) \
    X(epoll_create1)   \
    X(epoll_ctl)       \
    X(epoll_wait)      \
    X(eventfd)         \
    X(fcntl)           \
    X(fstat)           \
    X(fsync)           \
    X(getpeername)     \
    X(getrlimit)       \
    X(getsockname)     \
    X(getsockopt)      \
    X(listen)          \
    X(open)            \
    X(pipe2)           \
    X(poll)            \
    X(pread)           \
    X(pwrite)          \
    X(pwritev)         \
    X(read)            \
    X(recv)            \
    X(send)            \
    X(sendfile)        \
    X(sendmsg)         \
    X(setsockopt)      \
    X(shutdown)        \
    X(sigtimedwait)    \
    X(socket)          \
    X(splice)          \
    X(stat)            \
    X(unlink)          \
    X(write)           \
    X(writev)

enum call {
#define ENUM(name) CALL_##name,
    CALLS(ENUM)
#undef ENUM
        CALL_COUNT
};

static const char *const names[] = {
#define NAME(name) #name,
    CALLS(NAME)
#undef NAME
};

static struct {
    unsigned long made, faults;
} counts[CALL_COUNT];

void faults_report(FILE *to)
{
    for (size_t i = 0; i < CALL_COUNT; i++)
        fprintf(to, "call %s %lu %lu\n", names[i], counts[i].made, counts[i].faults);
}

/* What may happen to one call beside failures. */
enum { MAY_BE_SHORT = 1, MAY_SAY_AGAIN = 2, MAY_BE_INTERRUPTED = 4, PEER_MAY_QUIT = 8 };

/* What to do. If error is 0, make the call with this len at most. */
struct verdict {
    int error;
    size_t len;
    bool quits;
};

static void count_fault(enum call call, bool is_failure)
{
    faults.made++;
    faults.failed += is_failure;
    counts[call].faults++;
}

static bool shall_fail(const int *errors)
{
    if (!errors || !errors[0])
        return false;
    return ++faults.could_fail == faults.fail_at || random_chance(&faults.random, faults.hard);
}

static int pick(const int *errors)
{
    size_t n = 0;

    while (errors[n])
        n++;
    return errors[random_below(&faults.random, n)];
}

/* Make the call short, EAGAIN or EINTR, by chance, if it may be. */
static void be_difficult(struct verdict *verdict, enum call call, unsigned may)
{
    static const unsigned kinds[] = { MAY_BE_SHORT, MAY_SAY_AGAIN, MAY_BE_INTERRUPTED };
    unsigned kind = kinds[random_below(&faults.random, 3)];

    if (!random_chance(&faults.random, faults.soft) || !(may & kind))
        return;
    if (kind == MAY_BE_SHORT && verdict->len < 2)
        return;
    if (kind == MAY_BE_SHORT)
        verdict->len = 1 + (size_t)random_below(&faults.random, verdict->len - 1);
    else
        verdict->error = kind == MAY_SAY_AGAIN ? EAGAIN : EINTR;
    count_fault(call, false);
}

static struct verdict judge(enum call call, unsigned may, const int *errors, size_t len)
{
    struct verdict verdict = { .len = len };

    if (!faults.on)
        return verdict;
    counts[call].made++;
    if (shall_fail(errors)) {
        verdict.error = pick(errors);
        count_fault(call, true);
    } else if ((may & PEER_MAY_QUIT) && len > 1 && random_chance(&faults.random, faults.quit)) {
        verdict.quits = true;
        verdict.len = 1 + (size_t)random_below(&faults.random, len - 1);
        count_fault(call, true);
    } else {
        be_difficult(&verdict, call, may);
    }
    return verdict;
}

/* Return the result of a call. If it is -1, errno is kept. */
static ssize_t told(enum call call, int fd, ssize_t result)
{
    int error = errno;

    if (faults.on && faults.trace)
        fprintf(stderr, "    %s(%d) = %zd %s\n", names[call], fd, result,
                result < 0 ? strerror(error) : "");
    errno = error;
    return result;
}

static int refuse(enum call call, int fd, int error)
{
    errno = error;
    return (int)told(call, fd, -1);
}

/* Raise a signal as the kernel does, in the thread that made the call. */
static void raise_here(int sig)
{
    (void)pthread_kill(pthread_self(), sig);
}

/* Fail a write. If `raises`, also raise the signal that the call's manual names. */
static int refuse_write(enum call call, int fd, int error, bool raises)
{
    if (raises && error == EPIPE)
        raise_here(SIGPIPE);
    if (raises && error == EFBIG && faults.size_limited)
        raise_here(SIGXFSZ);
    return refuse(call, fd, error);
}

static bool has_peer(int fd)
{
    return faults.on && faults.has_peer(faults.arg, fd);
}

/* Inside a call that has moved something, make fd's peer go away; for a file, raise SIGXFSZ. */
static void quit(int fd)
{
    if (!has_peer(fd)) {
        raise_here(SIGXFSZ);
        return;
    }
    faults.on = false;
    faults.on_quit(faults.arg, fd);
    faults.on = true;
    raise_here(SIGPIPE);
}

/* --- descriptors ------------------------------------------------------------------------------ */

enum sort { NO_SORT, FILE_SORT, PIPE_SORT, SOCKET_SORT };

WRAPPED(int, LARGE(fstat), (int fd, struct stat *about))
{
    static const int errors[] = { ENOMEM, EOVERFLOW, 0 };
    struct verdict v = judge(CALL_fstat, 0, errors, 0);

    if (v.error)
        return refuse(CALL_fstat, fd, v.error);
    return (int)told(CALL_fstat, fd, REAL(LARGE(fstat))(fd, about));
}

WRAPPED(int, LARGE(stat), (const char *path, struct stat *about))
{
    static const int errors[] = { EACCES, ENOENT, ENOMEM, EOVERFLOW, 0 };
    struct verdict v = judge(CALL_stat, 0, errors, 0);

    if (v.error)
        return refuse(CALL_stat, -1, v.error);
    return (int)told(CALL_stat, -1, REAL(LARGE(stat))(path, about));
}

static enum sort sort_of(int fd)
{
    struct stat about;

    if (!faults.on || REAL(LARGE(fstat))(fd, &about) < 0)
        return NO_SORT;
    return S_ISREG(about.st_mode)    ? FILE_SORT
           : S_ISFIFO(about.st_mode) ? PIPE_SORT
           : S_ISSOCK(about.st_mode) ? SOCKET_SORT
                                     : NO_SORT;
}

/* Only a duplicate may fail: reading and setting flags never does. */
WRAPPED(int, LARGE(fcntl), (int fd, int what, ...))
{
    static const int errors[] = { EMFILE, 0 };
    bool duplicates = what == F_DUPFD || what == F_DUPFD_CLOEXEC;
    struct verdict v = judge(CALL_fcntl, 0, duplicates ? errors : NULL, 0);
    va_list rest;
    int value;

    if (v.error)
        return refuse(CALL_fcntl, fd, v.error);
    if (what == F_GETFL || what == F_GETFD)
        return (int)told(CALL_fcntl, fd, REAL(LARGE(fcntl))(fd, what));
    va_start(rest, what);
    value = va_arg(rest, int);
    va_end(rest);
    return (int)told(CALL_fcntl, fd, REAL(LARGE(fcntl))(fd, what, value));
}

/* Count bytes moved, but not those of the loop's own eventfd. */
static ssize_t moved(enum call call, int fd, ssize_t result)
{
    if (result > 0 && sort_of(fd) != NO_SORT)
        faults.moved += (uint64_t)result;
    return told(call, fd, result);
}

/* Return whether fd is non-blocking. For a file O_NONBLOCK has no effect. */
static bool is_nonblocking(int fd)
{
    return faults.on && sort_of(fd) != FILE_SORT &&
           (REAL(LARGE(fcntl))(fd, F_GETFL) & O_NONBLOCK) != 0;
}

static unsigned again_where(bool nonblocking)
{
    return nonblocking ? MAY_SAY_AGAIN : 0;
}

static bool is_file_at(const char *path)
{
    struct stat about;

    return faults.on && REAL(LARGE(stat))(path, &about) == 0 && S_ISREG(about.st_mode);
}

/* EAGAIN is possible if another process has a lease on the file. */
WRAPPED(int, LARGE(open), (const char *path, int flags, ...))
{
    static const int errors[] = { EACCES, EMFILE, ENFILE, ENOENT, ENOMEM, ENOSPC, 0 };
    unsigned may = MAY_BE_INTERRUPTED | again_where((flags & O_NONBLOCK) && is_file_at(path));
    struct verdict v = judge(CALL_open, may, errors, 0);
    mode_t mode = 0;
    va_list rest;

    if (v.error)
        return refuse(CALL_open, -1, v.error);
    if (flags & O_CREAT) {
        va_start(rest, flags);
        mode = va_arg(rest, mode_t);
        va_end(rest);
    }
    return (int)told(CALL_open, -1, REAL(LARGE(open))(path, flags, mode));
}

/* Close the descriptor, whatever the result is to be. */
WRAPPED(int, close, (int fd))
{
    static const int file_errors[] = { EIO, ENOSPC, EDQUOT, 0 };
    static const int errors[] = { EIO, 0 };
    bool is_file = sort_of(fd) == FILE_SORT;
    struct verdict v = judge(CALL_close, MAY_BE_INTERRUPTED, is_file ? file_errors : errors, 0);
    int result = REAL(close)(fd);

    if (result < 0 && errno == EBADF)
        faults.bad_closes += faults.on;
    return v.error ? refuse(CALL_close, fd, v.error) : (int)told(CALL_close, fd, result);
}

#if defined(__GLIBC__)
typedef __rlimit_resource_t resource;
#else
typedef int resource;
#endif

/* Sometimes report a low limit, so that descriptors seem to run out. */
WRAPPED(int, LARGE(getrlimit), (resource what, struct rlimit *limit))
{
    int result = REAL(LARGE(getrlimit))(what, limit);

    if (!faults.on)
        return result;
    counts[CALL_getrlimit].made++;
    if (what == RLIMIT_FSIZE)
        limit->rlim_cur = faults.size_limited ? (rlim_t)1 << 30 : RLIM_INFINITY;
    if (what == RLIMIT_NOFILE && random_chance(&faults.random, faults.soft)) {
        limit->rlim_cur = 8;
        count_fault(CALL_getrlimit, false);
    }
    return (int)told(CALL_getrlimit, (int)what, result);
}

/* Do not make the call, so as not to wait for a disk. */
WRAPPED(int, fsync, (int fd))
{
    static const int errors[] = { EIO, ENOSPC, EDQUOT, 0 };
    struct verdict v = judge(CALL_fsync, MAY_BE_INTERRUPTED, errors, 0);

    return v.error ? refuse(CALL_fsync, fd, v.error) : (int)told(CALL_fsync, fd, 0);
}

WRAPPED(int, unlink, (const char *path))
{
    static const int errors[] = { EACCES, EBUSY, EIO, EROFS, 0 };
    struct verdict v = judge(CALL_unlink, 0, errors, 0);

    return v.error ? refuse(CALL_unlink, -1, v.error)
                   : (int)told(CALL_unlink, -1, REAL(unlink)(path));
}

WRAPPED(int, pipe2, (int ends[2], int flags))
{
    static const int errors[] = { EMFILE, ENFILE, 0 };
    struct verdict v = judge(CALL_pipe2, 0, errors, 0);

    return v.error ? refuse(CALL_pipe2, -1, v.error)
                   : (int)told(CALL_pipe2, -1, REAL(pipe2)(ends, flags));
}

WRAPPED(int, eventfd, (unsigned count, int flags))
{
    static const int errors[] = { EMFILE, ENFILE, ENODEV, ENOMEM, 0 };
    struct verdict v = judge(CALL_eventfd, 0, errors, 0);

    return v.error ? refuse(CALL_eventfd, -1, v.error)
                   : (int)told(CALL_eventfd, -1, REAL(eventfd)(count, flags));
}

/* --- reading ---------------------------------------------------------------------------------- */

static const int *reading_errors(enum sort sort)
{
    static const int file[] = { EIO, 0 };
    static const int socket[] = { ECONNRESET, ETIMEDOUT, ENOMEM, 0 };

    return sort == FILE_SORT ? file : sort == SOCKET_SORT ? socket : NULL;
}

/* Judge a read. No EAGAIN for the library's own pipe, which it reads only if there is something in
 * it. No short read of an eventfd. */
static struct verdict judge_read(enum call call, int fd, size_t len, bool nonblocking)
{
    enum sort sort = sort_of(fd);
    unsigned may = MAY_BE_INTERRUPTED;

    if (sort != PIPE_SORT || faults.is_of_stream(faults.arg, fd))
        may |= again_where(nonblocking);
    if (sort != NO_SORT)
        may |= MAY_BE_SHORT;
    return judge(call, may, reading_errors(sort), len);
}

WRAPPED(ssize_t, read, (int fd, void *to, size_t len))
{
    struct verdict v = judge_read(CALL_read, fd, len, is_nonblocking(fd));

    return v.error ? refuse(CALL_read, fd, v.error)
                   : moved(CALL_read, fd, REAL(read)(fd, to, v.len));
}

WRAPPED(ssize_t, LARGE(pread), (int fd, void *to, size_t len, off_t at))
{
    struct verdict v = judge_read(CALL_pread, fd, len, false);

    return v.error ? refuse(CALL_pread, fd, v.error)
                   : moved(CALL_pread, fd, REAL(LARGE(pread))(fd, to, v.len, at));
}

WRAPPED(ssize_t, recv, (int fd, void *to, size_t len, int flags))
{
    bool nonblocking = (flags & MSG_DONTWAIT) || is_nonblocking(fd);
    struct verdict v = judge_read(CALL_recv, fd, len, nonblocking);

    return v.error ? refuse(CALL_recv, fd, v.error)
                   : moved(CALL_recv, fd, REAL(recv)(fd, to, v.len, flags));
}

/* --- writing ---------------------------------------------------------------------------------- */

static const int *writing_errors(enum sort sort)
{
    static const int file[] = { EIO, ENOSPC, EDQUOT, EFBIG, 0 };
    static const int pipe[] = { EPIPE, 0 };
    static const int socket[] = { EPIPE, ECONNRESET, ETIMEDOUT, ENOBUFS, ENOMEM, 0 };

    switch (sort) {
    case FILE_SORT:
        return file;
    case PIPE_SORT:
        return pipe;
    case SOCKET_SORT:
        return socket;
    case NO_SORT:
        break;
    }
    return NULL;
}

/* Judge a write. A write to an eventfd is neither short, nor refused as if the counter were full.
 * The peer can go away in the middle only if fd is a pipe: of these calls only a write to a pipe
 * both returns a count and raises the signal. */
static struct verdict judge_write(enum call call, int fd, size_t len, bool nonblocking)
{
    enum sort sort = sort_of(fd);
    unsigned may = MAY_BE_INTERRUPTED;

    if (sort != NO_SORT)
        may |= MAY_BE_SHORT | again_where(nonblocking);
    if (sort == PIPE_SORT && has_peer(fd))
        may |= PEER_MAY_QUIT;
    return judge(call, may, writing_errors(sort), len);
}

/* More than the library passes to one call. The rest would be cut off. */
#define MOST_VECTORS 1024

static size_t length_of(const struct iovec *vectors, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += vectors[i].iov_len;
    return len;
}

/* Copy the first vectors, `len` bytes in all. Return how many vectors they are. */
static int cut(struct iovec *out, const struct iovec *vectors, int count, size_t len)
{
    int n = 0;

    while (n < count && n < MOST_VECTORS && len > 0) {
        out[n] = vectors[n];
        if (out[n].iov_len > len)
            out[n].iov_len = len;
        len -= out[n++].iov_len;
    }
    return n;
}

static ssize_t wrote(enum call call, int fd, const struct verdict *v, ssize_t result)
{
    if (v->quits && result > 0)
        quit(fd);
    return moved(call, fd, result);
}

WRAPPED(ssize_t, write, (int fd, const void *from, size_t len))
{
    struct verdict v = judge_write(CALL_write, fd, len, is_nonblocking(fd));

    if (v.error)
        return refuse_write(CALL_write, fd, v.error, true);
    return wrote(CALL_write, fd, &v, REAL(write)(fd, from, v.len));
}

WRAPPED(ssize_t, LARGE(pwrite), (int fd, const void *from, size_t len, off_t at))
{
    struct verdict v = judge_write(CALL_pwrite, fd, len, false);

    if (v.error)
        return refuse_write(CALL_pwrite, fd, v.error, true);
    return wrote(CALL_pwrite, fd, &v, REAL(LARGE(pwrite))(fd, from, v.len, at));
}

WRAPPED(ssize_t, writev, (int fd, const struct iovec *vectors, int count))
{
    size_t len = length_of(vectors, (size_t)count);
    struct verdict v = judge_write(CALL_writev, fd, len, is_nonblocking(fd));
    struct iovec some[MOST_VECTORS];

    if (v.error)
        return refuse_write(CALL_writev, fd, v.error, true);
    count = cut(some, vectors, count, v.len);
    return wrote(CALL_writev, fd, &v, REAL(writev)(fd, some, count));
}

WRAPPED(ssize_t, LARGE(pwritev), (int fd, const struct iovec *vectors, int count, off_t at))
{
    size_t len = length_of(vectors, (size_t)count);
    struct verdict v = judge_write(CALL_pwritev, fd, len, false);
    struct iovec some[MOST_VECTORS];

    if (v.error)
        return refuse_write(CALL_pwritev, fd, v.error, true);
    count = cut(some, vectors, count, v.len);
    return wrote(CALL_pwritev, fd, &v, REAL(LARGE(pwritev))(fd, some, count, at));
}

WRAPPED(ssize_t, send, (int fd, const void *from, size_t len, int flags))
{
    bool nonblocking = (flags & MSG_DONTWAIT) || is_nonblocking(fd);
    struct verdict v = judge_write(CALL_send, fd, len, nonblocking);

    if (v.error)
        return refuse_write(CALL_send, fd, v.error, !(flags & MSG_NOSIGNAL));
    return wrote(CALL_send, fd, &v, REAL(send)(fd, from, v.len, flags));
}

WRAPPED(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags))
{
    bool nonblocking = (flags & MSG_DONTWAIT) || is_nonblocking(fd);
    size_t len = length_of(message->msg_iov, message->msg_iovlen);
    struct verdict v = judge_write(CALL_sendmsg, fd, len, nonblocking);
    struct msghdr less = *message;
    struct iovec some[MOST_VECTORS];

    if (v.error)
        return refuse_write(CALL_sendmsg, fd, v.error, !(flags & MSG_NOSIGNAL));
    less.msg_iovlen = (size_t)cut(some, message->msg_iov, (int)message->msg_iovlen, v.len);
    less.msg_iov = some;
    return wrote(CALL_sendmsg, fd, &v, REAL(sendmsg)(fd, &less, flags));
}

/* --- from descriptor to descriptor ------------------------------------------------------------ */

/* Return the failures of the destination and of what is between. A pipe without another reader is
 * the library's own: then only the source can fail. */
static const int *moving_errors(enum sort to, bool has_reader)
{
    static const int own[] = { EINVAL, ENOMEM, ECONNRESET, 0 };
    static const int file[] = { EINVAL, EIO, ENOMEM, ENOSPC, EDQUOT, EFBIG, 0 };
    static const int pipe[] = { EINVAL, ENOMEM, EPIPE, 0 };
    static const int socket[] = { EINVAL, EIO, ENOMEM, EPIPE, ECONNRESET, 0 };

    switch (to) {
    case FILE_SORT:
        return file;
    case PIPE_SORT:
        return has_reader ? pipe : own;
    case SOCKET_SORT:
        return socket;
    case NO_SORT:
        break;
    }
    return NULL;
}

static bool is_refused(enum call call, enum sort to)
{
    switch (call) {
    case CALL_copy_file_range:
        return (faults.refused & REFUSE_COPY) != 0;
    case CALL_sendfile:
        return (faults.refused & REFUSE_SEND) != 0;
    default:
        return (faults.refused & REFUSE_SPLICE) ||
               ((faults.refused & REFUSE_SPLICE_TO_FILE) && to == FILE_SORT);
    }
}

static struct verdict judge_move(enum call call, int to, size_t len, bool nonblocking)
{
    enum sort sort = sort_of(to);
    unsigned may = MAY_BE_INTERRUPTED | MAY_BE_SHORT | again_where(nonblocking);

    if (faults.on && is_refused(call, sort)) {
        counts[call].made++;
        count_fault(call, false);
        return (struct verdict){ .error = faults.refusal };
    }
    if (has_peer(to) || (sort == FILE_SORT && faults.size_limited && call != CALL_copy_file_range))
        may |= PEER_MAY_QUIT;
    return judge(call, may, moving_errors(sort, has_peer(to)), len);
}

WRAPPED(ssize_t, copy_file_range,
        (int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags))
{
    struct verdict v = judge_move(CALL_copy_file_range, to, len, false);

    if (v.error)
        return refuse_write(CALL_copy_file_range, to, v.error, true);
    return moved(CALL_copy_file_range, to,
                 REAL(copy_file_range)(from, from_at, to, to_at, v.len, flags));
}

WRAPPED(ssize_t, LARGE(sendfile), (int to, int from, off_t *from_at, size_t len))
{
    struct verdict v = judge_move(CALL_sendfile, to, len, is_nonblocking(to));

    if (v.error)
        return refuse_write(CALL_sendfile, to, v.error, true);
    return wrote(CALL_sendfile, to, &v, REAL(LARGE(sendfile))(to, from, from_at, v.len));
}

WRAPPED(ssize_t, splice,
        (int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags))
{
    struct verdict v = judge_move(CALL_splice, to, len, (flags & SPLICE_F_NONBLOCK) != 0);

    if (v.error)
        return refuse_write(CALL_splice, to, v.error, true);
    return wrote(CALL_splice, to, &v, REAL(splice)(from, from_at, to, to_at, v.len, flags));
}

/* --- sockets ---------------------------------------------------------------------------------- */

WRAPPED(int, socket, (int family, int type, int protocol))
{
    static const int errors[] = { EAFNOSUPPORT, EMFILE, ENFILE, ENOBUFS, ENOMEM, 0 };
    struct verdict v = judge(CALL_socket, 0, errors, 0);

    return v.error ? refuse(CALL_socket, -1, v.error)
                   : (int)told(CALL_socket, -1, REAL(socket)(family, type, protocol));
}

WRAPPED(int, bind, (int fd, const struct sockaddr *at, socklen_t len))
{
    static const int errors[] = { EACCES, EADDRINUSE, EADDRNOTAVAIL, 0 };
    struct verdict v = judge(CALL_bind, 0, errors, 0);

    return v.error ? refuse(CALL_bind, fd, v.error)
                   : (int)told(CALL_bind, fd, REAL(bind)(fd, at, len));
}

WRAPPED(int, listen, (int fd, int backlog))
{
    static const int errors[] = { EADDRINUSE, 0 };
    struct verdict v = judge(CALL_listen, 0, errors, 0);

    return v.error ? refuse(CALL_listen, fd, v.error)
                   : (int)told(CALL_listen, fd, REAL(listen)(fd, backlog));
}

/* After EINTR the connection goes on being made. */
WRAPPED(int, connect, (int fd, const struct sockaddr *to, socklen_t len))
{
    static const int errors[] = { EAGAIN, ECONNREFUSED, ENETUNREACH, ETIMEDOUT, 0 };
    struct verdict v = judge(CALL_connect, MAY_BE_INTERRUPTED, errors, 0);
    int result;

    if (v.error && v.error != EINTR)
        return refuse(CALL_connect, fd, v.error);
    result = REAL(connect)(fd, to, len);
    if (v.error && (result == 0 || errno == EINPROGRESS))
        return refuse(CALL_connect, fd, v.error);
    return (int)told(CALL_connect, fd, result);
}

/* A fault does not touch the connection that waits: the next call returns it. */
WRAPPED(int, accept4, (int fd, struct sockaddr *peer, socklen_t *len, int flags))
{
    static const int errors[] = { ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, 0 };
    unsigned may = MAY_BE_INTERRUPTED | again_where(is_nonblocking(fd));
    struct verdict v = judge(CALL_accept4, may, errors, 0);

    return v.error ? refuse(CALL_accept4, fd, v.error)
                   : (int)told(CALL_accept4, fd, REAL(accept4)(fd, peer, len, flags));
}

/* Never ENOTCONN, as the socket is connected. */
WRAPPED(int, shutdown, (int fd, int how))
{
    static const int errors[] = { ENOBUFS, 0 };
    struct verdict v = judge(CALL_shutdown, 0, errors, 0);

    return v.error ? refuse(CALL_shutdown, fd, v.error)
                   : (int)told(CALL_shutdown, fd, REAL(shutdown)(fd, how));
}

/* A connection that has failed is reported by SO_ERROR's value, not by the result. */
WRAPPED(int, getsockopt, (int fd, int level, int option, void *value, socklen_t *len))
{
    static const int errors[] = { ENOBUFS, ECONNREFUSED, ETIMEDOUT, 0 };
    struct verdict v = judge(CALL_getsockopt, 0, errors, 0);
    int result;

    if (v.error == ENOBUFS)
        return refuse(CALL_getsockopt, fd, v.error);
    result = REAL(getsockopt)(fd, level, option, value, len);
    if (v.error && level == SOL_SOCKET && option == SO_ERROR)
        memcpy(value, &v.error, sizeof v.error);
    return (int)told(CALL_getsockopt, fd, result);
}

WRAPPED(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t len))
{
    static const int errors[] = { ENOMEM, ENOBUFS, 0 };
    struct verdict v = judge(CALL_setsockopt, 0, errors, 0);

    return v.error
               ? refuse(CALL_setsockopt, fd, v.error)
               : (int)told(CALL_setsockopt, fd, REAL(setsockopt)(fd, level, option, value, len));
}

WRAPPED(int, getsockname, (int fd, struct sockaddr *name, socklen_t *len))
{
    static const int errors[] = { ENOBUFS, 0 };
    struct verdict v = judge(CALL_getsockname, 0, errors, 0);

    return v.error ? refuse(CALL_getsockname, fd, v.error)
                   : (int)told(CALL_getsockname, fd, REAL(getsockname)(fd, name, len));
}

WRAPPED(int, getpeername, (int fd, struct sockaddr *name, socklen_t *len))
{
    static const int errors[] = { ENOBUFS, ENOTCONN, 0 };
    struct verdict v = judge(CALL_getpeername, 0, errors, 0);

    return v.error ? refuse(CALL_getpeername, fd, v.error)
                   : (int)told(CALL_getpeername, fd, REAL(getpeername)(fd, name, len));
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* Hide one of several descriptors that are ready, until the next call. Return how many are left. */
static int hide_one(struct pollfd *fds, nfds_t count, int ready)
{
    nfds_t start = (nfds_t)random_below(&faults.random, count);

    for (nfds_t i = 0; i < count; i++) {
        struct pollfd *fd = &fds[(start + i) % count];

        if (!fd->revents)
            continue;
        fd->revents = 0;
        count_fault(CALL_poll, false);
        return ready - 1;
    }
    return ready;
}

/* A wait of the loop's: for a millisecond at most, and the clock moves on by the whole timeout. */
static int note_wait(bool woken, int ready, int timeout)
{
    faults.lost_wakes += woken && ready == 0 && timeout > 0;
    if (ready == 0 && timeout > 0)
        faults.now_ns += (uint64_t)timeout * 1000000;
    return ready;
}

static int shortened(int timeout)
{
    return timeout > 0 ? 1 : timeout;
}

WRAPPED(int, poll, (struct pollfd * fds, nfds_t count, int timeout))
{
    static const int errors[] = { ENOMEM, 0 };
    struct verdict v;
    bool woken;
    int ready;

    if (!faults.on)
        return REAL(poll)(fds, count, timeout);
    woken = faults.on_poll(faults.arg);
    v = judge(CALL_poll, MAY_BE_INTERRUPTED, errors, 0);
    if (v.error)
        return refuse(CALL_poll, (int)count, v.error);
    ready = note_wait(woken, REAL(poll)(fds, count, shortened(timeout)), timeout);
    if (ready > 1 && random_chance(&faults.random, faults.soft))
        ready = hide_one(fds, count, ready);
    return (int)told(CALL_poll, (int)count, ready);
}

WRAPPED(int, epoll_create1, (int flags))
{
    static const int errors[] = { EMFILE, ENFILE, ENOMEM, 0 };
    struct verdict v = judge(CALL_epoll_create1, 0, errors, 0);

    return v.error ? refuse(CALL_epoll_create1, -1, v.error)
                   : (int)told(CALL_epoll_create1, -1, REAL(epoll_create1)(flags));
}

WRAPPED(int, epoll_ctl, (int set, int how, int fd, struct epoll_event *event))
{
    static const int add_errors[] = { ENOMEM, ENOSPC, 0 };
    static const int change_errors[] = { ENOMEM, 0 };
    const int *errors = how == EPOLL_CTL_ADD   ? add_errors
                        : how == EPOLL_CTL_MOD ? change_errors
                                               : NULL;
    struct verdict v = judge(CALL_epoll_ctl, 0, errors, 0);

    return v.error ? refuse(CALL_epoll_ctl, fd, v.error)
                   : (int)told(CALL_epoll_ctl, fd, REAL(epoll_ctl)(set, how, fd, event));
}

/* One of several descriptors may be hidden, which is ready the next time too. */
WRAPPED(int, epoll_wait, (int set, struct epoll_event *events, int most, int timeout))
{
    struct verdict v;
    bool woken;
    int ready;

    if (!faults.on)
        return REAL(epoll_wait)(set, events, most, timeout);
    woken = faults.on_poll(faults.arg);
    v = judge(CALL_epoll_wait, MAY_BE_INTERRUPTED, NULL, 0);
    if (v.error)
        return refuse(CALL_epoll_wait, set, v.error);
    ready = note_wait(woken, REAL(epoll_wait)(set, events, most, shortened(timeout)), timeout);
    if (ready > 1 && random_chance(&faults.random, faults.soft)) {
        events[random_below(&faults.random, (uint64_t)ready)] = events[ready - 1];
        ready--;
        count_fault(CALL_epoll_wait, false);
    }
    return (int)told(CALL_epoll_wait, set, ready);
}

WRAPPED(int, clock_gettime, (clockid_t clock, struct timespec *now))
{
    (void)clock;
    counts[CALL_clock_gettime].made += faults.on;
    faults.now_ns += 1000;
    now->tv_sec = (time_t)(faults.now_ns / 1000000000);
    now->tv_nsec = (long)(faults.now_ns % 1000000000);
    return 0;
}

WRAPPED(int, sigtimedwait, (const sigset_t *set, siginfo_t *info, const struct timespec *most))
{
    struct verdict v = judge(CALL_sigtimedwait, MAY_BE_INTERRUPTED, NULL, 0);

    if (v.error)
        return refuse(CALL_sigtimedwait, 0, v.error);
    return REAL(sigtimedwait)(set, info, most);
}
