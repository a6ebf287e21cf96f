/*
 * replay.c - the main of a fuzz target without a fuzzer.
 *
 *     fuzz_NAME FILE...               gives it each file
 *     fuzz_NAME --seeds FROM COUNT    gives it COUNT inputs of random bytes, the same ones for the same seeds
 */
#include "fuzz.h"

#include <stdio.h>

static void replay(const char *path)
{
    static uint8_t data[1 << 20];
    FILE *in = fopen(path, "rb");
    uint8_t *exact;
    size_t size;

    if (in == NULL) {
        fprintf(stderr, "fuzz: cannot open %s\n", path);
        exit(2);
    }
    size = fread(data, 1, sizeof data, in);
    fclose(in);
    exact = malloc(size > 0 ? size : 1);
    fuzz_require(exact != NULL);
    memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

/* Marsaglia's xorshift. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void replay_seed(unsigned long seed)
{
    uint64_t state = (uint64_t)seed * 0x9E3779B97F4A7C15u + 1;
    size_t size = 1 + next_random(&state) % 700;
    uint8_t *exact = malloc(size);

    fuzz_require(exact != NULL);
    for (size_t i = 0; i < size; i++)
        exact[i] = (uint8_t)(next_random(&state) >> 32);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

static int replay_seeds(const char *from, const char *count)
{
    unsigned long first = strtoul(from, NULL, 10), n = strtoul(count, NULL, 10);

    for (unsigned long i = 0; i < n; i++)
        replay_seed(first + i);
    printf("%lu seeds\n", n);
    return n > 0 ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--seeds") == 0)
        return replay_seeds(argv[2], argv[3]);
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d inputs\n", argc > 0 ? argc - 1 : 0);
    return 0;
}
