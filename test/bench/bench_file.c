/*
 * bench_file.c - what a chunk costs from one file to another. The parameter is the bytes of a
 * chunk.
 *
 *   file          the program sees every byte: the floor calls read and write, libcstream is a pipe
 *                 whose source has a 'data' listener
 *   file-kernel   zero copy: the floor calls copy_file_range, libcstream is a pipe alone
 *
 * The files are in memory, in /dev/shm, or if there is no such directory in the working directory.
 * Each round writes over the bytes of the one before.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cstream/cstream.h>
#include <cstream/posix/posix.h>

static int from = -1, to = -1;

static int scratch_file(void)
{
    const char *dir = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ".";
    char path[64];
    int fd;

    snprintf(path, sizeof path, "%s/cst-bench-XXXXXX", dir);
    fd = mkstemp(path);
    if (fd < 0 || unlink(path) < 0)
        bench_fail("bench_file: no scratch file");
    return fd;
}

static void fill(int fd, size_t bytes)
{
    while (bytes > 0) {
        size_t n = bytes < bench_payload_size ? bytes : bench_payload_size;

        if (write(fd, bench_payload, n) != (ssize_t)n)
            bench_fail("bench_file: no room for the scratch file");
        bytes -= n;
    }
}

/* Make both files as long as what is copied, and go to their beginnings. */
static void prepare(const struct bench_point *point)
{
    size_t bytes = point->chunks * point->bytes;

    if (from < 0) {
        from = scratch_file();
        to = scratch_file();
    }
    if (lseek(from, 0, SEEK_END) != (off_t)bytes) {
        (void)!ftruncate(from, 0);
        (void)!ftruncate(to, 0);
        lseek(from, 0, SEEK_SET);
        lseek(to, 0, SEEK_SET);
        fill(from, bytes);
        fill(to, bytes);
    }
    lseek(from, 0, SEEK_SET);
    lseek(to, 0, SEEK_SET);
}

/* --- every byte comes by ---------------------------------------------------------------------- */

static uint64_t copy_by_hand(const struct bench_point *point)
{
    uint8_t *buf = bench_array(1, point->bytes);
    uint64_t sum = 0;
    ssize_t n;

    prepare(point);
    bench_start_clock();
    while ((n = read(from, buf, point->bytes)) > 0) {
        sum = bench_sum(sum, buf, (size_t)n);
        if (write(to, buf, (size_t)n) != n)
            bench_fail("bench_file: short write");
    }
    bench_stop_clock();
    free(buf);
    return sum;
}

static void count_chunk(cst_stream *s, const cst_event *event, void *arg)
{
    uint64_t *sum = arg;

    (void)s;
    *sum = bench_sum(*sum, event->chunk->data, event->chunk->len);
}

static void copy_by_streams(const struct bench_point *point, cst_listener_fn *fn, uint64_t *sum)
{
    cst_fs_read_opts in = { .fd = from, .borrowed = true, .stream.high_water_mark = point->bytes };
    cst_fs_write_opts out = { .fd = to, .borrowed = true };
    cst_stream *reader, *writer;
    cst_loop *loop;

    prepare(point);
    if (cst_loop_new(&loop, NULL, NULL) < 0 ||
        cst_fs_read_stream_new(&reader, cst_loop_ctx(loop), NULL, &in) < 0 ||
        cst_fs_write_stream_new(&writer, cst_loop_ctx(loop), NULL, &out) < 0)
        bench_fail("bench_file: out of memory");
    if (fn)
        cst_on(reader, CST_DATA, fn, sum);
    cst_pipe(reader, writer, NULL);
    bench_start_clock();
    if (cst_loop_run(loop) != CST_IDLE || !cst_writable_finished(writer) ||
        cst_stream_bytes_written(writer) != point->chunks * point->bytes)
        bench_fail("bench_file: the copy failed");
    bench_stop_clock();
    cst_unref(reader);
    cst_unref(writer);
    cst_loop_free(loop);
}

static uint64_t copy_with_libcstream(const struct bench_point *point)
{
    uint64_t sum = 0;

    copy_by_streams(point, count_chunk, &sum);
    return sum;
}

/* --- no byte comes by ------------------------------------------------------------------------- */

static uint64_t kernel_by_hand(const struct bench_point *point)
{
    size_t left = point->chunks * point->bytes;

    prepare(point);
    bench_start_clock();
    while (left > 0) {
        ssize_t n = copy_file_range(from, NULL, to, NULL, left, 0);

        if (n <= 0)
            return bench_skip(); /* this system or file system cannot do it */
        left -= (size_t)n;
    }
    bench_stop_clock();
    return point->chunks;
}

static uint64_t kernel_with_libcstream(const struct bench_point *point)
{
    copy_by_streams(point, NULL, NULL);
    return point->chunks;
}

int main(int argc, char **argv)
{
    static const struct bench_variant file[] = {
        { "floor", copy_by_hand },
        { "libcstream", copy_with_libcstream },
    };
    static const struct bench_variant kernel[] = {
        { "floor", kernel_by_hand },
        { "libcstream", kernel_with_libcstream },
    };
    static const struct bench_point points[] = { { .chunks = 1024, .bytes = 65536, .count = 1 } };
    static const struct bench_workload workloads[] = {
        { .name = "file",
          .parameter = BENCH_BYTES,
          .variants = file,
          .variant_count = BENCH_COUNT_OF(file),
          .points = points,
          .point_count = BENCH_COUNT_OF(points) },
        { .name = "file-kernel",
          .parameter = BENCH_BYTES,
          .variants = kernel,
          .variant_count = BENCH_COUNT_OF(kernel),
          .points = points,
          .point_count = BENCH_COUNT_OF(points) },
    };

    return bench_main(argc, argv, workloads, BENCH_COUNT_OF(workloads));
}
