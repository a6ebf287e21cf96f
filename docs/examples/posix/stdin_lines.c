/*
 * stdin_lines.c - standard input piped into a writable of one's own.
 *
 *     stdin_lines <FILE                 how many lines and bytes came, and in how many chunks
 *
 * In Node:                              const writable = new Writable();
 *                                       writable._write = (chunk, encoding, next) => { ...; next(); };
 *                                       process.stdin.pipe(writable);
 *
 *     cc stdin_lines.c -o stdin_lines $(pkg-config --cflags --libs libcstream-posix)
 *
 * Calls shown: cst_stdin_new, cst_writable_new, cst_pipe
 */
#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>
#include <string.h>

struct counts {
    unsigned long long lines, bytes, chunks;
};

/* Returning CST_OK is next(). A slot that cannot answer yet returns CST_PENDING and calls cst_complete later. */
static cst_status count_write(cst_stream *s, void *self, const cst_slice *chunk)
{
    struct counts *counts = self;
    const uint8_t *at = chunk->data, *end = at + chunk->len;

    (void)s;
    counts->chunks++;
    counts->bytes += chunk->len;
    while ((at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
        counts->lines++;
        at++;
    }
    return CST_OK;
}

/* Called when all has been written, before 'finish'. */
static cst_status count_final(cst_stream *s, void *self)
{
    const struct counts *counts = self;

    (void)s;
    printf("%llu lines, %llu bytes\n", counts->lines, counts->bytes);
    fprintf(stderr, "%llu chunks\n", counts->chunks);
    return CST_OK;
}

static const cst_ops count_ops = {
    .name = "count", .self_size = sizeof(struct counts), .write = count_write, .final = count_final
};

int main(void)
{
    cst_stream *in, *count;
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st >= 0 && (st = cst_stdin_new(&in, loop, NULL)) >= 0 &&
        (st = cst_writable_new(&count, cst_loop_ctx(loop), &count_ops, NULL, NULL)) >= 0 &&
        (st = cst_pipe(in, count, NULL)) >= 0)
        st = cst_loop_run(loop);
    if (st < 0)
        fprintf(stderr, "stdin_lines: %s\n", cst_status_text(st));
    cst_loop_free(loop);
    return st < 0;
}
