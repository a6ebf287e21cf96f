/*
 * stdio.c - stdio.h: streams over FILE. No other file of the library knows FILE and errno.
 */
#include "cstream/stdio.h"

#include <errno.h>

#include "base/limits.h"

/*
 * The self of both ends.
 *
 * read_error  of a source: an error that came after some bytes, which were pushed; else CST_OK
 */
struct file_end {
    FILE *file;
    cst_file_ownership ownership;
    cst_status read_error;
};

/*
 * Return why the last stdio call has failed. C promises no errno for it, so the caller has set
 * errno to 0 before.
 */
static cst_status last_os_error(void)
{
    int code = errno;

#ifdef EIO
    if (code == 0)
        code = EIO;
#endif
    return CST_OS(code);
}

/* A failed close is an error only if the stream has none yet. */
static cst_status file_destroy(cst_stream *s, void *self, const cst_error *error)
{
    struct file_end *end = self;
    FILE *file = end->file;

    (void)s;
    end->file = NULL;
    if (end->ownership == CST_FILE_BORROWED)
        return CST_OK;
    errno = 0;
    if (fclose(file) == 0 || error)
        return CST_OK;
    return last_os_error();
}

/* Return whether a stream can be made. Object mode is refused: a file has no messages. */
static bool is_usable(FILE *file, const cst_opts *opts)
{
    return file && !(opts && opts->object_mode);
}

/* Close the file of a constructor that has failed, if it is owned. Return why. */
static cst_status give_up(FILE *file, cst_file_ownership ownership, cst_status why)
{
    if (file && ownership == CST_FILE_OWNED)
        (void)fclose(file);
    return why;
}

/* --- source ----------------------------------------------------------------------------------- */

/*
 * A short count means end of file or an error. feof is asked first: the error flag may be an old
 * one, but at the end of the file this call has met no new error.
 *
 * An error after some bytes waits for the next call. Returned at once it would destroy the stream,
 * and with it what was just pushed. Node's read returns the short count first too, and fails the
 * next time.
 */
static cst_status file_source_read(cst_stream *s, void *self, size_t hint)
{
    struct file_end *end = self;
    cst_buf buf;
    cst_status st;
    size_t n;

    if (end->read_error < 0)
        return end->read_error;
    st = cst_buf_new_cached(&buf, cst_stream_ctx(s), hint > 0 ? hint : CST__ZERO_MARK_CHUNK);
    if (st < 0)
        return st;

    errno = 0;
    n = fread(buf.data, 1, buf.cap, end->file);
    if (n == buf.cap)
        return cst_give(s, cst_buf_freeze(&buf, n));
    if (!feof(end->file))
        end->read_error = last_os_error();

    if (n > 0)
        cst_push(s, cst_buf_freeze(&buf, n));
    else
        cst_buf_free(&buf);
    if (end->read_error == CST_OK)
        cst_push_eof(s);
    return n > 0 ? CST_OK : end->read_error;
}

static const cst_ops file_source_ops = {
    .name = "file-source",
    .self_size = sizeof(struct file_end),
    .read = file_source_read,
    .destroy = file_destroy,
};

cst_status cst_file_source_new(cst_stream **out, cst_ctx *ctx, FILE *file,
                               cst_file_ownership ownership, const cst_opts *opts)
{
    struct file_end end = { .file = file, .ownership = ownership };
    cst_status st = CST_E_INVALID_ARG;

    if (is_usable(file, opts))
        st = cst_readable_new(out, ctx, &file_source_ops, &end, opts);
    return st < 0 ? give_up(file, ownership, st) : st;
}

/* --- sink ------------------------------------------------------------------------------------- */

static cst_status file_sink_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct file_end *end = self;

    (void)s;
    if (chunk->len == 0)
        return CST_OK;
    errno = 0;
    if (fwrite(chunk->data, 1, chunk->len, end->file) != chunk->len)
        return last_os_error();
    return CST_OK;
}

/*
 * Flush before 'finish', so that 'finish' means that the system has the bytes: only now a full disk
 * may be noticed.
 */
static cst_status file_sink_final(cst_stream *s, void *self)
{
    struct file_end *end = self;

    (void)s;
    errno = 0;
    return fflush(end->file) == 0 ? CST_OK : last_os_error();
}

static const cst_ops file_sink_ops = {
    .name = "file-sink",
    .self_size = sizeof(struct file_end),
    .write = file_sink_write,
    .final = file_sink_final,
    .destroy = file_destroy,
};

cst_status cst_file_sink_new(cst_stream **out, cst_ctx *ctx, FILE *file,
                             cst_file_ownership ownership, const cst_opts *opts)
{
    struct file_end end = { .file = file, .ownership = ownership };
    cst_status st = CST_E_INVALID_ARG;

    if (is_usable(file, opts))
        st = cst_writable_new(out, ctx, &file_sink_ops, &end, opts);
    return st < 0 ? give_up(file, ownership, st) : st;
}
