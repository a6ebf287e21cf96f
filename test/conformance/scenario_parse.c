/*
 * scenario_parse.c - from lines to the arrays of scenario_parse.h.
 *
 * No array ever grows. A word and the blank after it take two characters at least, so there are at
 * most half as many words as characters. That bounds the lines and the items too, and the acts,
 * which have commas between them.
 */
#include "scenario_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct line {
    char **words;
    size_t count;
};

static const char *const kind_names[KINDS] = {
    "readable", "writable", "duplex", "transform", "passthrough", "pair", "compose",
};

static const char *const method_names[METHODS] = {
    "read", "write", "final", "transform", "flush", "destroy", "construct",
};

const char *const scenario_event_names[CST_EVENT_TYPES_] = {
    [CST_DATA] = "data",   [CST_READABLE] = "readable", [CST_END] = "end",
    [CST_CLOSE] = "close", [CST_FINISH] = "finish",     [CST_PREFINISH] = "prefinish",
    [CST_DRAIN] = "drain", [CST_PAUSE] = "pause",       [CST_RESUME] = "resume",
    [CST_ERROR] = "error", [CST_PIPE] = "pipe",         [CST_UNPIPE] = "unpipe",
};

/*
 * What follows each verb, one letter for each word: s a stream, n a number, e a number or "eof",
 * v "data" or "readable", u a user's error, c an encoding, w any word. A word with a capital letter
 * may be left out. + repeats the letter before it. Streams come first.
 */
static const struct {
    const char *name, *shape;
} verbs[VERBS] = {
    [OP_PUSH] = { "push", "se" },         [OP_UNSHIFT] = { "unshift", "sn" },
    [OP_READ] = { "read", "sN" },         [OP_READALL] = { "readall", "sN" },
    [OP_PAUSE] = { "pause", "s" },        [OP_RESUME] = { "resume", "s" },
    [OP_LISTEN] = { "listen", "sv" },     [OP_UNLISTEN] = { "unlisten", "sv" },
    [OP_PIPE] = { "pipe", "ssW" },        [OP_UNPIPE] = { "unpipe", "sS" },
    [OP_WRITE] = { "write", "snW" },      [OP_END] = { "end", "sN" },
    [OP_CORK] = { "cork", "s" },          [OP_UNCORK] = { "uncork", "s" },
    [OP_DESTROY] = { "destroy", "sU" },   [OP_ABORT] = { "abort", "s" },
    [OP_PIPELINE] = { "pipeline", "s+" }, [OP_FINISHED] = { "finished", "sW+" },
    [OP_SETENC] = { "setenc", "sc" },
};

static void allocate(struct scenario *sc, size_t text_len);
static struct line split(struct scenario *sc, char *text);
static bool parse_line(struct scenario *sc, const struct line *line);
static bool parse_stream(struct scenario *sc, const struct line *line);
static bool parse_script(struct scenario *sc, const struct line *line);
static bool parse_hook(struct scenario *sc, const struct line *line);
static bool parse_turn_op(struct scenario *sc, const struct line *line);
static bool parse_op(struct scenario *sc, struct op *op, char **words, size_t count);
static bool streams_declared(const struct scenario *sc);

bool scenario_parse(struct scenario *sc, char *text)
{
    allocate(sc, strlen(text));
    for (size_t number = 1; text != NULL; number++) {
        char *next = strchr(text, '\n');

        if (next != NULL)
            *next++ = '\0';
        struct line line = split(sc, text);
        if (line.count > 0 && !parse_line(sc, &line)) {
            fprintf(stderr, "scenario: cannot read line %zu\n", number);
            return false;
        }
        text = next;
    }
    return streams_declared(sc);
}

void scenario_free(struct scenario *sc)
{
    free(sc->streams);
    free(sc->scripts);
    free(sc->hooks);
    free(sc->turns);
    free(sc->ops);
    free((void *)sc->errors);
    free(sc->words);
    free(sc->items);
    free(sc->acts);
}

const struct script *scenario_script(const struct scenario *sc, const char *name,
                                     enum method method)
{
    for (size_t i = sc->script_count; i-- > 0;)
        if (sc->scripts[i].method == method && strcmp(sc->scripts[i].name, name) == 0)
            return &sc->scripts[i];
    return NULL;
}

void *scenario_alloc(size_t count, size_t size)
{
    void *memory = calloc(count, size);

    if (memory == NULL) {
        fprintf(stderr, "scenario: no memory for the runner itself\n");
        exit(2);
    }
    return memory;
}

char *scenario_read(FILE *in)
{
    size_t cap = 4096, len = 0, got;
    char *text = scenario_alloc(cap, 1);

    while ((got = fread(text + len, 1, cap - len - 1, in)) > 0) {
        len += got;
        if (len + 1 < cap)
            continue;
        char *larger = scenario_alloc(cap, 2);
        memcpy(larger, text, len);
        free(text);
        text = larger;
        cap *= 2;
    }
    return text;
}

static void allocate(struct scenario *sc, size_t text_len)
{
    size_t cap = text_len / 2 + 1;

    *sc = (struct scenario){ .error_count = ERRORS_FIXED };
    sc->streams = scenario_alloc(cap, sizeof *sc->streams);
    sc->scripts = scenario_alloc(cap, sizeof *sc->scripts);
    sc->hooks = scenario_alloc(cap, sizeof *sc->hooks);
    sc->turns = scenario_alloc(cap, sizeof *sc->turns);
    sc->ops = scenario_alloc(cap, sizeof *sc->ops);
    sc->words = scenario_alloc(cap, sizeof *sc->words);
    sc->items = scenario_alloc(cap, sizeof *sc->items);
    sc->acts = scenario_alloc(cap, sizeof *sc->acts);
    sc->errors = scenario_alloc(cap + ERRORS_FIXED, sizeof *sc->errors);
    sc->errors[ERROR_CB] = "E_CB";
    sc->errors[ERROR_OWN] = "E_OWN";
}

/* Split a line into words. A comment has none. */
static struct line split(struct scenario *sc, char *text)
{
    static const char blanks[] = " \t\r\v\f";
    struct line line = { .words = sc->words + sc->word_count };

    text += strspn(text, blanks);
    if (*text == '#')
        return line;
    while (*text != '\0') {
        line.words[line.count++] = text;
        text += strcspn(text, blanks);
        if (*text != '\0')
            *text++ = '\0';
        text += strspn(text, blanks);
    }
    sc->word_count += line.count;
    return line;
}

static bool parse_line(struct scenario *sc, const struct line *line)
{
    const char *word = line->words[0];

    if (strcmp(word, "stream") == 0)
        return parse_stream(sc, line);
    if (strcmp(word, "script") == 0)
        return parse_script(sc, line);
    if (strcmp(word, "when") == 0)
        return parse_hook(sc, line);
    if (strcmp(word, "turn") == 0) {
        sc->turns[sc->turn_count++].first_op = sc->op_count;
        return line->count == 1;
    }
    return parse_turn_op(sc, line);
}

/* Return which of `count` names the word is, or count if it is none of them. */
static size_t find(const char *const *names, size_t count, const char *word)
{
    size_t i = 0;

    while (i < count && strcmp(names[i], word) != 0)
        i++;
    return i;
}

static bool parse_number(size_t *out, const char *word)
{
    size_t n = 0;
    const char *c = word;

    for (; *c >= '0' && *c <= '9' && n <= INT32_MAX; c++)
        n = n * 10 + (size_t)(*c - '0');
    *out = n;
    return c != word && *c == '\0' && n <= INT32_MAX;
}

/* --- stream ----------------------------------------------------------------------------------- */

enum option_type { OPTION_MARK, OPTION_SETS, OPTION_CLEARS };

/* The field of each option. An option that is on by default has a field that switches it off. */
static const struct option {
    const char *name;
    enum option_type type;
    size_t offset;
} options[] = {
    { "hwm", OPTION_MARK, offsetof(struct decl, opts.high_water_mark) },
    { "rhwm", OPTION_MARK, offsetof(struct decl, opts.readable_high_water_mark) },
    { "whwm", OPTION_MARK, offsetof(struct decl, opts.writable_high_water_mark) },
    { "object", OPTION_SETS, offsetof(struct decl, opts.object_mode) },
    { "autodestroy", OPTION_CLEARS, offsetof(struct decl, opts.no_auto_destroy) },
    { "emitclose", OPTION_CLEARS, offsetof(struct decl, opts.no_emit_close) },
    { "halfopen", OPTION_CLEARS, offsetof(struct decl, opts.no_half_open) },
    { "readable", OPTION_CLEARS, offsetof(struct decl, opts.no_readable) },
    { "writable", OPTION_CLEARS, offsetof(struct decl, opts.no_writable) },
    { "writev", OPTION_SETS, offsetof(struct decl, writev) },
    { "signal", OPTION_SETS, offsetof(struct decl, signal) },
};

static void set_option(struct decl *decl, const struct option *option, size_t n)
{
    void *field = (char *)decl + option->offset;

    if (option->type == OPTION_MARK)
        *(size_t *)field = n == 0 ? CST_HWM_ZERO : n;
    else
        *(bool *)field = (n != 0) == (option->type == OPTION_SETS);
}

static bool parse_option(struct decl *decl, char *word)
{
    char *value = strchr(word, '=');
    size_t n = 1;

    if (value != NULL) {
        *value++ = '\0';
        if (!parse_number(&n, value))
            return false;
    }
    for (size_t i = 0; i < COUNT_OF(options); i++)
        if (strcmp(options[i].name, word) == 0) {
            set_option(decl, &options[i], n);
            return true;
        }
    return false;
}

static bool parse_stream(struct scenario *sc, const struct line *line)
{
    struct decl *decl = &sc->streams[sc->stream_count++];
    size_t kind;

    if (line->count < 3 || (kind = find(kind_names, KINDS, line->words[2])) == KINDS)
        return false;
    decl->name = line->words[1];
    decl->kind = (enum kind)kind;
    for (size_t i = 3; i < line->count; i++)
        if (!parse_option(decl, line->words[i]))
            return false;
    return true;
}

/* --- script ----------------------------------------------------------------------------------- */

static bool parse_act(struct act *act, const char *word)
{
    static const struct {
        const char *word;
        enum act_kind kind;
    } plain[] = {
        { "x", ACT_X },
        { "eof", ACT_EOF },
        { "destroy", ACT_DESTROY },
        { "destroye", ACT_DESTROYE },
        { "cb", ACT_CB },
        { "cbx", ACT_CBX },
        { "cbe", ACT_CBE },
    };
    static const struct {
        char letter;
        enum act_kind kind;
    } sized[] = { { 'p', ACT_PUSH }, { 'g', ACT_GIVE }, { 'w', ACT_WRITE } };

    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (strcmp(plain[i].word, word) == 0) {
            act->kind = plain[i].kind;
            return true;
        }
    if (strncmp(word, "cb", 2) == 0) {
        act->kind = ACT_CBN;
        return parse_number(&act->n, word + 2);
    }
    for (size_t i = 0; i < COUNT_OF(sized); i++)
        if (sized[i].letter == word[0]) {
            act->kind = sized[i].kind;
            return parse_number(&act->n, word + 1);
        }
    return false;
}

static bool parse_acts(struct scenario *sc, struct item *item, char *text)
{
    item->acts = sc->acts + sc->act_count;
    while (text != NULL) {
        char *next = strchr(text, ',');

        if (next != NULL)
            *next++ = '\0';
        if (!parse_act(&sc->acts[sc->act_count++], text))
            return false;
        item->count++;
        text = next;
    }
    return true;
}

static bool parse_item(struct scenario *sc, char *word)
{
    static const char *const moments[] = { "now", "tick", "later" };
    struct item *item = &sc->items[sc->item_count++];

    if (strcmp(word, "-") == 0)
        return true;
    char *acts = strchr(word, ':');
    if (acts == NULL)
        return false;
    *acts++ = '\0';
    size_t i = find(moments, COUNT_OF(moments), word);
    if (i == COUNT_OF(moments))
        return false;
    item->when = (enum moment)(MOMENT_NOW + i);
    return parse_acts(sc, item, acts);
}

static bool parse_script(struct scenario *sc, const struct line *line)
{
    struct script *script = &sc->scripts[sc->script_count++];
    size_t method;

    if (line->count < 4 || (method = find(method_names, METHODS, line->words[2])) == METHODS)
        return false;
    script->name = line->words[1];
    script->method = (enum method)method;
    script->items = sc->items + sc->item_count;
    script->count = line->count - 3;
    for (size_t i = 3; i < line->count; i++)
        if (!parse_item(sc, line->words[i]))
            return false;
    return true;
}

/* --- ops -------------------------------------------------------------------------------------- */

static bool parse_occasion_of(size_t *out, const char *word, const char *prefix, size_t first)
{
    size_t len = strlen(prefix);

    if (strncmp(word, prefix, len) != 0)
        return false;
    *out = first + find(method_names, METHODS, word + len);
    return *out < first + METHODS;
}

static bool parse_occasion(size_t *out, const char *word)
{
    if (parse_occasion_of(out, word, "in-", IN_METHOD) ||
        parse_occasion_of(out, word, "after-", AFTER_METHOD))
        return true;
    if (strcmp(word, "cb-write") == 0)
        *out = ON_WRITE_DONE;
    else if (strcmp(word, "cb-end") == 0)
        *out = ON_END_DONE;
    else
        *out = ON_EVENT + find(scenario_event_names, CST_EVENT_TYPES_, word);
    return *out != ON_EVENT + CST_EVENT_TYPES_;
}

static bool parse_hook(struct scenario *sc, const struct line *line)
{
    struct hook *hook = &sc->hooks[sc->hook_count++];

    if (line->count < 5)
        return false;
    hook->name = line->words[1];
    return parse_occasion(&hook->occasion, line->words[2]) &&
           parse_number(&hook->nth, line->words[3]) &&
           parse_op(sc, &hook->op, line->words + 4, line->count - 4);
}

static bool parse_turn_op(struct scenario *sc, const struct line *line)
{
    if (sc->turn_count == 0)
        return false;
    sc->turns[sc->turn_count - 1].op_count++;
    return parse_op(sc, &sc->ops[sc->op_count++], line->words, line->count);
}

static size_t error_number(struct scenario *sc, const char *name)
{
    size_t i = find(sc->errors, sc->error_count, name);

    if (i == sc->error_count)
        sc->errors[sc->error_count++] = name;
    return i;
}

/* Read a word as the letter of a shape asks, into op. Return false if it does not fit. */
static bool parse_operand(struct scenario *sc, struct op *op, char letter, const char *word)
{
    cst_encoding encoding;

    switch (letter) {
    case 's':
    case 'S':
        op->streams++;
        return true;
    case 'e':
        return strcmp(word, "eof") == 0 || parse_number(&op->n, word);
    case 'n':
    case 'N':
        return parse_number(&op->n, word);
    case 'v':
        return strcmp(word, "data") == 0 || strcmp(word, "readable") == 0;
    case 'c':
        return cst_encoding_from_name(&encoding, word) == CST_OK;
    case 'u':
    case 'U':
        op->n = error_number(sc, word);
        return true;
    default:
        return letter == 'w' || letter == 'W';
    }
}

static bool parse_op(struct scenario *sc, struct op *op, char **words, size_t count)
{
    size_t verb = 0;

    while (verb < VERBS && strcmp(verbs[verb].name, words[0]) != 0)
        verb++;
    if (verb == VERBS)
        return false;
    *op = (struct op){ .verb = (enum verb)verb, .words = words, .count = count, .n = NO_NUMBER };

    const char *letter = verbs[verb].shape;
    for (size_t i = 1; i < count; i++) {
        if (*letter == '+')
            letter--;
        if (!parse_operand(sc, op, *letter++, words[i]))
            return false;
    }
    bool all_optional = *letter == '\0' || *letter == '+' || (*letter >= 'A' && *letter <= 'Z');
    return count > 1 && all_optional;
}

/* Check the streams of an op. This comes last: a `when` line may name streams of later lines. */

static bool op_streams_declared(const struct scenario *sc, const struct op *op)
{
    for (size_t i = 1; i <= op->streams; i++) {
        size_t k = 0;

        while (k < sc->stream_count && strcmp(sc->streams[k].name, op->words[i]) != 0)
            k++;
        if (k == sc->stream_count) {
            fprintf(stderr, "scenario: no stream is called '%s'\n", op->words[i]);
            return false;
        }
    }
    return true;
}

static bool streams_declared(const struct scenario *sc)
{
    for (size_t i = 0; i < sc->op_count; i++)
        if (!op_streams_declared(sc, &sc->ops[i]))
            return false;
    for (size_t i = 0; i < sc->hook_count; i++)
        if (!op_streams_declared(sc, &sc->hooks[i].op))
            return false;
    return true;
}
