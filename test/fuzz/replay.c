/*
 * replay.c - the main of a fuzz target without a fuzzer: gives it each file that is named.
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

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%d inputs\n", argc > 0 ? argc - 1 : 0);
    return 0;
}
