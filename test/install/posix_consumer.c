/*
 * posix_consumer.c - a program outside the tree, as install-check.sh builds it with
 * libcstream-posix: it copies standard input to standard output. Exits 0 if all went well.
 */
#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

#include <stdio.h>

static void on_done(const cst_error *error, void *arg)
{
    *(cst_status *)arg = error ? error->status : CST_OK;
}

static cst_status copy(cst_loop *loop)
{
    cst_stream *stages[2] = { NULL, NULL };
    cst_status outcome = CST_PENDING;
    cst_status st = cst_stdin_new(&stages[0], loop, NULL);

    if (st >= 0)
        st = cst_stdout_new(&stages[1], loop, NULL);
    if (st >= 0)
        st = cst_pipeline(stages, 2, NULL, on_done, &outcome);
    cst_unref(stages[0]);
    cst_unref(stages[1]);
    if (st >= 0)
        st = cst_loop_run(loop);
    return st < 0 ? st : outcome;
}

int main(void)
{
    cst_loop *loop;
    cst_status st = cst_loop_new(&loop, NULL, NULL);

    if (st >= 0) {
        st = copy(loop);
        cst_loop_free(loop);
    }
    if (st < 0)
        fprintf(stderr, "posix_consumer: %s\n", cst_status_text(st));
    return st != CST_OK;
}
