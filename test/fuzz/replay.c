/*
 * replay.c - the main of a fuzz target without a fuzzer.
 *
 *     fuzz_NAME [HOW] FILE...               runs each input that is packed in these files
 *     fuzz_NAME [HOW] --seeds FROM COUNT    runs COUNT inputs of random bytes, the same ones for
 *                                           the same seeds
 *     fuzz_NAME [HOW] --mutants FROM COUNT FILE
 *                                           runs COUNT inputs made by chance of those in FILE: the
 *                                           beginning of one, the end of another, bytes changed
 *     fuzz_NAME --unpack DIR FILE...        writes each input into a file of its own
 *     fuzz_NAME --pack INPUT...             prints inputs, each a file, as lines of a packed file
 *
 * HOW is --hash: print a line for each input, the hash of its trace and its name; or --show: print
 * the traces themselves. --only NAME before it runs that input alone. A packed file has an input a
 * line, in hexadecimal; the name of an input is FILE:LINE, seed:NUMBER or mutant:NUMBER. An input
 * that fails is named on stderr.
 */
#include "fuzz.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "trace.h"

#define MOST_NAME 400
#define MOST_MUTANT 4096

static char name[MOST_NAME];
static const char *only;
static enum fuzz_trace_how how = FUZZ_TRACE_OFF;
static size_t count;

static void name_input(int signal_number)
{
    (void)signal_number;
    fprintf(stderr, "fuzz: failed: %s\n", name);
}

static void fail(const char *what, const char *path)
{
    fprintf(stderr, "fuzz: %s %s\n", what, path);
    exit(2);
}

/* --- one input -------------------------------------------------------------------------------- */

/* Run an input in a block of exactly its size, so that a sanitizer sees what lies outside. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *exact;

    if (only != NULL && strcmp(only, name) != 0)
        return;
    exact = malloc(size > 0 ? size : 1);
    fuzz_require(exact != NULL);
    if (size > 0)
        memcpy(exact, data, size);
    fuzz_trace_begin(how);
    LLVMFuzzerTestOneInput(exact, size);
    if (how != FUZZ_TRACE_OFF)
        printf("%016" PRIx64 " %s\n", fuzz_trace_hash(), name);
    free(exact);
    count++;
}

/* Marsaglia's xorshift. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint64_t begin_random(unsigned long seed)
{
    return (uint64_t)seed * 0x9E3779B97F4A7C15u + 1;
}

static void run_seed(unsigned long seed)
{
    uint64_t state = begin_random(seed);
    size_t size = 1 + next_random(&state) % 700;
    uint8_t data[700];

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)(next_random(&state) >> 32);
    snprintf(name, sizeof name, "seed:%lu", seed);
    run(data, size);
}

/* --- packed files ----------------------------------------------------------------------------- */

static int digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Read a line; return false at the end of the file. */
static bool read_line(FILE *in, const char *path, uint8_t *data, size_t room, size_t *size)
{
    int high, low;

    for (*size = 0; (high = getc(in)) != '\n'; data[(*size)++] = (uint8_t)(high << 4 | low)) {
        if (high == EOF && *size == 0)
            return false;
        high = digit(high);
        low = digit(getc(in));
        if (high < 0 || low < 0 || *size == room)
            fail("no packed input:", path);
    }
    return true;
}

static FILE *open_packed(const char *path)
{
    FILE *in = fopen(path, "rb");

    if (in == NULL)
        fail("cannot open", path);
    return in;
}

static void unpack(const char *dir, const uint8_t *data, size_t size, size_t line)
{
    char path[MOST_NAME];
    FILE *out;

    snprintf(path, sizeof path, "%s/%zu", dir, line);
    out = fopen(path, "wb");
    if (out == NULL || fwrite(data, 1, size, out) != size || fclose(out) != 0)
        fail("cannot write", path);
    count++;
}

static void each_input(const char *path, const char *unpack_to)
{
    static uint8_t data[1 << 20];
    FILE *in = open_packed(path);
    size_t size;

    for (size_t line = 1; read_line(in, path, data, sizeof data, &size); line++) {
        snprintf(name, sizeof name, "%s:%zu", path, line);
        if (unpack_to != NULL)
            unpack(unpack_to, data, size, line);
        else
            run(data, size);
    }
    fclose(in);
}

static void pack(const char *path)
{
    FILE *in = open_packed(path);
    int c;

    while ((c = getc(in)) != EOF)
        printf("%02x", (unsigned)c);
    putchar('\n');
    fclose(in);
}

/* --- mutants ---------------------------------------------------------------------------------- */

/* The inputs of a packed file, one behind the other; the i-th begins at starts[i]. */
struct parents {
    uint8_t data[1 << 20];
    size_t starts[4096], count;
};

static void read_parents(struct parents *parents, const char *path)
{
    const size_t most = sizeof parents->starts / sizeof *parents->starts - 1;
    FILE *in = open_packed(path);
    size_t at = 0, size;

    parents->count = 0;
    while (parents->count < most &&
           read_line(in, path, parents->data + at, sizeof parents->data - at, &size)) {
        parents->starts[parents->count++] = at;
        at += size;
    }
    parents->starts[parents->count] = at;
    fclose(in);
    if (parents->count == 0)
        fail("no inputs in", path);
}

/* Append a random part of a random parent, its beginning or its end; return the new size. */
static size_t add_part(const struct parents *parents, uint8_t *data, size_t size, uint64_t *state)
{
    size_t at = next_random(state) % parents->count;
    size_t whole = parents->starts[at + 1] - parents->starts[at];
    size_t len = next_random(state) % (whole + 1);
    size_t from = parents->starts[at] + (size > 0 ? whole - len : 0);

    if (len > MOST_MUTANT - size)
        len = MOST_MUTANT - size;
    if (len > 0)
        memcpy(data + size, parents->data + from, len);
    return size + len;
}

static void run_mutant(const struct parents *parents, unsigned long seed)
{
    uint64_t state = begin_random(seed);
    uint8_t data[MOST_MUTANT];
    size_t size = add_part(parents, data, 0, &state);

    for (uint64_t parts = next_random(&state) % 3; parts > 0; parts--)
        size = add_part(parents, data, size, &state);
    for (uint64_t bytes = next_random(&state) % 8; bytes > 0 && size > 0; bytes--)
        data[next_random(&state) % size] = (uint8_t)(next_random(&state) >> 32);
    snprintf(name, sizeof name, "mutant:%lu", seed);
    run(data, size);
}

/* --- the command line ------------------------------------------------------------------------- */

static int run_random(const char *from, const char *most, const struct parents *parents)
{
    unsigned long first = strtoul(from, NULL, 10), n = strtoul(most, NULL, 10);

    for (unsigned long i = 0; i < n; i++) {
        if (parents != NULL)
            run_mutant(parents, first + i);
        else
            run_seed(first + i);
    }
    return n > 0 ? 0 : 2;
}

static int run_mutants(const char *from, const char *most, const char *path)
{
    static struct parents parents;

    read_parents(&parents, path);
    return run_random(from, most, &parents);
}

static int pack_all(char **paths)
{
    for (; *paths != NULL; paths++)
        pack(*paths);
    return 0;
}

static char **read_options(char **args)
{
    for (; *args != NULL; args++) {
        if (strcmp(*args, "--hash") == 0)
            how = FUZZ_TRACE_HASH;
        else if (strcmp(*args, "--show") == 0)
            how = FUZZ_TRACE_SHOW;
        else if (strcmp(*args, "--only") == 0 && args[1] != NULL)
            only = *++args;
        else
            break;
    }
    return args;
}

static int run_files(char **paths, const char *unpack_to)
{
    for (; *paths != NULL; paths++)
        each_input(*paths, unpack_to);
    fprintf(stderr, "%zu inputs\n", count);
    return count > 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
    char **args = read_options(argv + (argc > 0));
    const char *command = *args != NULL ? *args : "";
    int left = argc - (int)(args - argv);

    signal(SIGABRT, name_input);
    if (strcmp(command, "--pack") == 0)
        return pack_all(args + 1);
    if (strcmp(command, "--seeds") == 0 && left == 3)
        return run_random(args[1], args[2], NULL);
    if (strcmp(command, "--mutants") == 0 && left == 4)
        return run_mutants(args[1], args[2], args[3]);
    if (strcmp(command, "--unpack") == 0 && left > 2)
        return run_files(args + 2, args[1]);
    return run_files(args, NULL);
}
