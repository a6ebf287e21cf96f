/*
 * buffer_questions.c - reads buffer questions on standard input and prints the library's answers;
 * or replays recorded ones. See README.md.
 */
#include "buffer_questions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_FINE = 0, EXIT_WRONG = 1, EXIT_USAGE = 2, EXIT_DEFECT = 4 };

/* The memory given to a question, newest first. */
struct question_memory {
    struct question_memory *next;
    uint8_t *data;
};

/* The answer so far, with a zero after it. */
struct question_answer {
    char *text;
    size_t len, cap;
};

/* What is kept from one question to the next. */
struct runner {
    struct question_answer answer;
    char **words;
    size_t word_cap;
    size_t live_blocks, live_bytes;
    int code;
};

static const struct question_verb *const tables[] = { question_ops, question_text };

static char *read_all(FILE *in, size_t *len);
static char *next_line(char **rest);
static void answer_line(struct runner *runner, char *line);
static int answer_stdin(struct runner *runner);
static int replay(struct runner *runner, char **paths);

int main(int argc, char **argv)
{
    struct runner runner = { .code = EXIT_FINE };
    int code;

    if (argc == 1) {
        code = answer_stdin(&runner);
    } else if (argc > 2 && strcmp(argv[1], "--replay") == 0) {
        code = replay(&runner, argv + 2);
    } else {
        fprintf(stderr, "usage: buffer-questions [--replay FILE...]\n");
        code = EXIT_USAGE;
    }
    free(runner.answer.text);
    free(runner.words);
    return code;
}

static void *checked(void *ptr)
{
    if (ptr == NULL) {
        fprintf(stderr, "buffer-questions: out of memory\n");
        exit(EXIT_USAGE);
    }
    return ptr;
}

static int answer_stdin(struct runner *runner)
{
    size_t len;
    char *text = read_all(stdin, &len);
    char *rest = text;
    char *line;

    while ((line = next_line(&rest)) != NULL) {
        if (*line == '\0')
            continue;
        answer_line(runner, line);
        puts(runner->answer.text);
    }
    free(text);
    return runner->code;
}

/* --- recorded answers ------------------------------------------------------------------------- */

/* Replay a line: a question, a tab, its answer. Return whether the library's answer is equal. */
static bool replay_line(struct runner *runner, char *line)
{
    char *expected = strchr(line, '\t');
    char *question = NULL;
    bool same;

    if (expected == NULL) {
        fprintf(stderr, "buffer-questions: no answer in: %s\n", line);
        runner->code = EXIT_USAGE;
        return false;
    }
    *expected++ = '\0';
    question = checked(malloc(strlen(line) + 1));
    strcpy(question, line);
    answer_line(runner, question);
    same = strcmp(runner->answer.text, expected) == 0;
    if (!same)
        printf("question %s\n  node   %s\n  here   %s\n", line, expected, runner->answer.text);
    free(question);
    return same;
}

/* Print as a test program prints, for the tally. */
static int replay(struct runner *runner, char **paths)
{
    size_t right = 0, wrong = 0;

    for (; *paths != NULL; paths++) {
        FILE *in = fopen(*paths, "rb");
        size_t len;
        char *text, *rest, *line;

        if (in == NULL) {
            fprintf(stderr, "buffer-questions: cannot open %s\n", *paths);
            return EXIT_USAGE;
        }
        text = rest = read_all(in, &len);
        fclose(in);
        while ((line = next_line(&rest)) != NULL) {
            if (replay_line(runner, line))
                right++;
            else
                wrong++;
        }
        free(text);
    }
    printf("%zu answers are Node's, %zu are not\n", right, wrong);
    if (runner->code != EXIT_FINE)
        return runner->code;
    return wrong == 0 && right > 0 ? EXIT_FINE : EXIT_WRONG;
}

/* --- the library's memory --------------------------------------------------------------------- */

static void *count_alloc(void *user, size_t size)
{
    struct runner *runner = user;

    runner->live_blocks++;
    runner->live_bytes += size;
    return checked(malloc(size));
}

static void count_free(void *user, void *ptr, size_t size)
{
    struct runner *runner = user;

    runner->live_blocks--;
    runner->live_bytes -= size;
    free(ptr);
}

/* --- one question ----------------------------------------------------------------------------- */

static const struct question_verb *find_verb(const char *name)
{
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct question_verb *verb = tables[t]; verb->name != NULL; verb++) {
            if (strcmp(verb->name, name) == 0)
                return verb;
        }
    }
    return NULL;
}

/* Cut the line at its blanks. A NULL follows the words. */
static size_t split(struct runner *runner, char *line)
{
    size_t count = 0;

    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        if (count + 2 > runner->word_cap) {
            runner->word_cap = runner->word_cap * 2 + 16;
            runner->words =
                checked(realloc(runner->words, runner->word_cap * sizeof *runner->words));
        }
        runner->words[count++] = word;
    }
    runner->words[count] = NULL;
    return count;
}

static void run_verb(struct runner *runner, struct question *q, const char *name)
{
    const struct question_verb *verb = find_verb(name);

    if (verb == NULL || q->arg_count < verb->least || q->arg_count > verb->most)
        question_malformed(q);
    else
        verb->answer(q);
    while (q->memory != NULL) {
        struct question_memory *first = q->memory;

        q->memory = first->next;
        free(first->data);
        free(first);
    }
    if (runner->live_blocks != 0 || runner->live_bytes != 0) {
        fprintf(stderr, "buffer-questions: %zu blocks are live after a %s\n", runner->live_blocks,
                name);
        runner->live_blocks = runner->live_bytes = 0;
        runner->code = EXIT_DEFECT;
    }
}

static void answer_line(struct runner *runner, char *line)
{
    const cst_allocator allocator = { .alloc = count_alloc, .free = count_free, .user = runner };
    struct question q = { .allocator = &allocator, .answer = &runner->answer };
    size_t count;

    runner->answer.len = 0;
    answer_text(&q, "%s", "");
    count = split(runner, line);
    if (count == 0)
        return;
    q.args = runner->words + 1;
    q.arg_count = count - 1;
    run_verb(runner, &q, runner->words[0]);
    if (q.malformed) {
        runner->answer.len = 0;
        answer_text(&q, "? cannot be read");
        runner->code = EXIT_USAGE;
    }
}

void question_malformed(struct question *q)
{
    q->malformed = true;
}

/* --- arguments -------------------------------------------------------------------------------- */

struct bytes question_alloc(struct question *q, size_t size)
{
    struct question_memory *entry = checked(malloc(sizeof *entry));

    /* For 0 bytes malloc may return NULL, which is fine too. */
    entry->data = size > 0 ? checked(calloc(size, 1)) : malloc(0);
    entry->next = q->memory;
    q->memory = entry;
    return (struct bytes){ .data = entry->data, .len = size };
}

static unsigned hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if (c >= 'a' && c <= 'f')
        return (unsigned)(c - 'a') + 10;
    return 16;
}

struct bytes question_bytes(struct question *q, size_t arg)
{
    const char *word = q->args[arg];
    size_t len = strcmp(word, "-") == 0 ? 0 : strlen(word) / 2;
    struct bytes bytes = question_alloc(q, len);

    for (size_t i = 0; i < len; i++) {
        unsigned high = hex_value(word[2 * i]);
        unsigned low = hex_value(word[2 * i + 1]);

        if (high > 15 || low > 15)
            question_malformed(q);
        bytes.data[i] = (uint8_t)(high << 4 | (low & 15));
    }
    return bytes;
}

cst_slice question_slice(struct question *q, size_t arg)
{
    struct bytes bytes = question_bytes(q, arg);
    cst_slice slice = cst_slice_empty();

    if (cst_slice_copy(&slice, q->allocator, bytes.data, bytes.len) < 0)
        question_malformed(q);
    return slice;
}

ptrdiff_t question_index(struct question *q, size_t arg)
{
    char *end;
    long long n = strtoll(q->args[arg], &end, 10);

    if (*end != '\0' || end == q->args[arg])
        question_malformed(q);
    if (n > PTRDIFF_MAX)
        return PTRDIFF_MAX;
    return n < PTRDIFF_MIN ? PTRDIFF_MIN : (ptrdiff_t)n;
}

/* --- the answer ------------------------------------------------------------------------------- */

/* Make room for this many more characters and the zero after them. */
static char *reserve(struct question_answer *answer, size_t more)
{
    if (answer->cap - answer->len <= more) {
        answer->cap = answer->cap * 2 + more + 64;
        answer->text = checked(realloc(answer->text, answer->cap));
    }
    return answer->text + answer->len;
}

void answer_hex(struct question *q, const void *bytes, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *from = bytes;
    char *to;

    if (len == 0) {
        answer_text(q, "-");
        return;
    }
    to = reserve(q->answer, 2 * len);
    for (size_t i = 0; i < len; i++) {
        to[2 * i] = digits[from[i] >> 4];
        to[2 * i + 1] = digits[from[i] & 15];
    }
    to[2 * len] = '\0';
    q->answer->len += 2 * len;
}

void answer_text(struct question *q, const char *format, ...)
{
    char line[128];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof line)
        abort();
    memcpy(reserve(q->answer, (size_t)len), line, (size_t)len + 1);
    q->answer->len += (size_t)len;
}

void answer_error(struct question *q, cst_status status)
{
    static const struct {
        cst_status status;
        const char *code;
    } codes[] = {
        { CST_E_OUT_OF_RANGE, "ERR_OUT_OF_RANGE" },
        { CST_E_BUFFER_OUT_OF_BOUNDS, "ERR_BUFFER_OUT_OF_BOUNDS" },
        { CST_E_INVALID_BUFFER_SIZE, "ERR_INVALID_BUFFER_SIZE" },
        { CST_E_INVALID_ARG, "ERR_INVALID_ARG_VALUE" },
        { CST_E_INVALID_CHAR_FOUND, "U_INVALID_CHAR_FOUND" },
    };

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (codes[i].status == status) {
            answer_text(q, "error %s", codes[i].code);
            return;
        }
    }
    answer_text(q, "error %s", cst_status_name(status));
}

/* --- input ------------------------------------------------------------------------------------ */

static char *read_all(FILE *in, size_t *len)
{
    size_t cap = 65536;
    char *text = checked(malloc(cap));
    size_t got;

    *len = 0;
    while ((got = fread(text + *len, 1, cap - *len - 1, in)) > 0) {
        *len += got;
        if (cap - *len < 2)
            text = checked(realloc(text, cap *= 2));
    }
    text[*len] = '\0';
    return text;
}

static char *next_line(char **rest)
{
    char *line = *rest;
    char *end;

    if (*line == '\0')
        return NULL;
    end = strchr(line, '\n');
    *rest = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL)
        *end = '\0';
    return line;
}
