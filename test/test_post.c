/*
 * test_post.c - cst_post: tasks of other threads. What threads race for is found by the thread
 * sanitizer, under which `make tsan` runs this file.
 */
#include "world.h"

#include <pthread.h>
#include <stdlib.h>

#define POSTERS 4
#define POSTS_EACH 5000

/* A loop that sleeps on a condition: what a host is, seen from here. */
struct host {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool woken;
    unsigned wakes; /* read by the loop's thread when the posters are gone */
};

static void on_wake(void *arg)
{
    struct host *host = arg;

    pthread_mutex_lock(&host->lock);
    host->woken = true;
    host->wakes++;
    pthread_cond_signal(&host->cond);
    pthread_mutex_unlock(&host->lock);
}

static void sleep_until_woken(struct host *host)
{
    pthread_mutex_lock(&host->lock);
    while (!host->woken)
        pthread_cond_wait(&host->cond, &host->lock);
    host->woken = false;
    pthread_mutex_unlock(&host->lock);
}

struct fixture {
    struct test_world world;
    struct host host;
};

static int set_up(void **state)
{
    static struct fixture f;
    const cst_ctx_opts opts = { .wake = on_wake, .wake_arg = &f.host };

    f.host = (struct host){ .wakes = 0 };
    pthread_mutex_init(&f.host.lock, NULL);
    pthread_cond_init(&f.host.cond, NULL);
    test_world_open(&f.world, &opts);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    test_world_close(&f->world);
    pthread_mutex_destroy(&f->host.lock);
    pthread_cond_destroy(&f->host.cond);
    return 0;
}

/* --- on one thread, what is promised of the order and of wake --------------------------------- */

struct job {
    cst_task task;
    struct fixture *f;
    const char *word;
    struct job *then; /* posted by this one */
};

static void do_job(void *arg)
{
    struct job *job = arg;

    test_trace_add(&job->f->world.trace, "%s", job->word);
    if (job->then)
        assert_int_equal(cst_post(job->f->world.ctx, &job->then->task, do_job, job->then), CST_OK);
}

static void post(struct job *job)
{
    assert_int_equal(cst_post(job->f->world.ctx, &job->task, do_job, job), CST_OK);
}

static void posted_tasks_are_immediates_in_the_order_of_the_posts(void **state)
{
    struct fixture *f = *state;
    struct job d = { .f = f, .word = "d" }, a = { .f = f, .word = "a", .then = &d },
               b = { .f = f, .word = "b" }, c = { .f = f, .word = "c" },
               task = { .f = f, .word = "task" }, immediate = { .f = f, .word = "immediate" };

    TEST_NEEDS_ATOMICS();
    post(&a);
    post(&b);
    post(&c);
    assert_true(cst_ctx_has_work(f->world.ctx));
    cst_immediate(f->world.ctx, &immediate.task, do_job, &immediate);
    cst_defer(f->world.ctx, &task.task, do_job, &task);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "task immediate a b c d");
    assert_false(cst_ctx_has_work(f->world.ctx));
}

static void the_first_post_wakes_and_no_other_until_the_context_is_idle_again(void **state)
{
    struct fixture *f = *state;
    struct job b = { .f = f, .word = "b" }, a = { .f = f, .word = "a" },
               x = { .f = f, .word = "x" };
    cst_budget one = { .tasks = 1 };

    TEST_NEEDS_ATOMICS();
    post(&a);
    post(&b);
    cst_defer(f->world.ctx, &x.task, do_job, &x);
    assert_int_equal(f->host.wakes, 1);
    assert_int_equal(cst_ctx_run(f->world.ctx, &one), CST_MORE);
    assert_int_equal(cst_ctx_run(f->world.ctx, &one), CST_MORE);
    post(&x); /* between two turns that are due anyway */
    assert_int_equal(f->host.wakes, 1);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "x a b x");
    cst_defer(f->world.ctx, &x.task, do_job, &x);
    assert_int_equal(f->host.wakes, 2);
    post(&a);
    assert_int_equal(f->host.wakes, 2);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    post(&a);
    assert_int_equal(f->host.wakes, 3);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
}

static void freeing_runs_what_was_posted(void **state)
{
    struct fixture *f = *state;
    struct job b = { .f = f, .word = "b" }, a = { .f = f, .word = "a", .then = &b };

    TEST_NEEDS_ATOMICS();
    post(&a);
    assert_int_equal(cst_ctx_free(f->world.ctx), CST_OK);
    f->world.ctx = NULL;
    assert_string_equal(f->world.trace.text, "a b");
}

static void wrong_arguments_are_refused(void **state)
{
    struct fixture *f = *state;
    cst_task task = { .fn = NULL };

    assert_int_equal(cst_post(NULL, &task, do_job, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_post(f->world.ctx, NULL, do_job, f), CST_E_INVALID_ARG);
    assert_int_equal(cst_post(f->world.ctx, &task, NULL, f), CST_E_INVALID_ARG);
    assert_int_equal(f->host.wakes, 0);
}

#ifdef __STDC_NO_ATOMICS__
static void without_atomics_nothing_can_be_posted(void **state)
{
    struct fixture *f = *state;
    struct job job = { .f = f, .word = "job" };

    assert_int_equal(cst_post(f->world.ctx, &job.task, do_job, &job), CST_E_UNSUPPORTED);
    assert_false(cst_ctx_has_work(f->world.ctx));
    assert_int_equal(f->host.wakes, 0);
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
    assert_string_equal(f->world.trace.text, "");
}
#endif

/* --- with threads ----------------------------------------------------------------------------- */

/* One message of a thread: its bytes are written before it is posted, and read where it arrives. */
struct message {
    cst_task task;
    struct poster *poster;
    cst_slice bytes;
    unsigned number;
};

struct poster {
    pthread_t thread;
    struct fixture *f;
    struct message *messages;
    unsigned arrived; /* on the context's thread */
    unsigned *total;
};

static void arrive(void *arg)
{
    struct message *message = arg;
    struct poster *poster = message->poster;
    unsigned number;

    assert_int_equal(message->number, poster->arrived); /* in order */
    assert_int_equal(message->bytes.len, sizeof(number));
    number = (unsigned)message->bytes.data[0] | (unsigned)message->bytes.data[1] << 8;
    assert_int_equal(number, message->number & 0xffff);
    cst_slice_unref(&message->bytes);
    poster->arrived++;
    ++*poster->total;
}

/* Allocators are not asked here for what they do not promise: malloc is the one that serves any
 * thread. */
static void *post_all(void *arg)
{
    struct poster *poster = arg;

    for (unsigned i = 0; i < POSTS_EACH; i++) {
        struct message *message = &poster->messages[i];
        const uint8_t bytes[4] = { (uint8_t)(i & 0xff), (uint8_t)(i >> 8 & 0xff), 0, 0 };

        message->poster = poster;
        message->number = i;
        if (cst_slice_copy(&message->bytes, cst_allocator_malloc(), bytes, sizeof(bytes)) < 0 ||
            cst_slice_share(&message->bytes) < 0 ||
            cst_post(poster->f->world.ctx, &message->task, arrive, message) < 0)
            abort();
    }
    return NULL;
}

static void every_task_of_every_thread_arrives_and_no_wake_is_lost(void **state)
{
    struct fixture *f = *state;
    struct poster posters[POSTERS];
    unsigned total = 0, idle_turns = 0;

    TEST_NEEDS_ATOMICS();
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){ .f = f, .total = &total };
        posters[i].messages = calloc(POSTS_EACH, sizeof(struct message));
        assert_non_null(posters[i].messages);
        assert_int_equal(pthread_create(&posters[i].thread, NULL, post_all, &posters[i]), 0);
    }
    /* A wake that is lost leaves this loop asleep for good, and the test is stopped by its time
     * limit. */
    while (total < POSTERS * POSTS_EACH) {
        cst_budget budget = { .tasks = 100 };
        cst_status st = cst_ctx_run(f->world.ctx, &budget);

        assert_true(st == CST_IDLE || st == CST_MORE);
        if (st == CST_MORE || total == POSTERS * POSTS_EACH)
            continue;
        idle_turns++;
        sleep_until_woken(&f->host);
    }
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
        assert_int_equal(posters[i].arrived, POSTS_EACH);
        free(posters[i].messages);
    }
    assert_int_equal(total, POSTERS * POSTS_EACH);
    assert_true(f->host.wakes <= idle_turns + 1); /* no more than one for each time it slept */
    assert_int_equal(cst_ctx_run(f->world.ctx, NULL), CST_IDLE);
}

/* --- a thread that is answered ---------------------------------------------------------------- */

#define ROUNDS 3000

/* Ping and pong: each post finds the context asleep or just falling asleep, which is where a wake
 * could get lost. */
struct echo {
    struct fixture *f;
    cst_task task;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    unsigned answered;
};

static void answer_echo(void *arg)
{
    struct echo *echo = arg;

    pthread_mutex_lock(&echo->lock);
    echo->answered++;
    pthread_cond_signal(&echo->cond);
    pthread_mutex_unlock(&echo->lock);
}

static void *call_and_wait(void *arg)
{
    struct echo *echo = arg;

    for (unsigned i = 1; i <= ROUNDS; i++) {
        if (cst_post(echo->f->world.ctx, &echo->task, answer_echo, echo) < 0)
            abort();
        pthread_mutex_lock(&echo->lock);
        while (echo->answered < i)
            pthread_cond_wait(&echo->cond, &echo->lock);
        pthread_mutex_unlock(&echo->lock);
    }
    return NULL;
}

static unsigned answered(struct echo *echo)
{
    unsigned n;

    pthread_mutex_lock(&echo->lock);
    n = echo->answered;
    pthread_mutex_unlock(&echo->lock);
    return n;
}

static void a_task_may_be_posted_again_once_it_was_called(void **state)
{
    struct fixture *f = *state;
    struct echo echo = { .f = f };
    pthread_t thread;

    TEST_NEEDS_ATOMICS();
    pthread_mutex_init(&echo.lock, NULL);
    pthread_cond_init(&echo.cond, NULL);
    assert_int_equal(pthread_create(&thread, NULL, call_and_wait, &echo), 0);
    while (answered(&echo) < ROUNDS) {
        cst_budget budget = { .tasks = 0 };

        assert_int_equal(cst_ctx_run(f->world.ctx, &budget), CST_IDLE);
        if (answered(&echo) < ROUNDS)
            sleep_until_woken(&f->host);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(f->host.wakes <= ROUNDS);
    pthread_mutex_destroy(&echo.lock);
    pthread_cond_destroy(&echo.cond);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    CASE(posted_tasks_are_immediates_in_the_order_of_the_posts),
    CASE(the_first_post_wakes_and_no_other_until_the_context_is_idle_again),
    CASE(freeing_runs_what_was_posted),
    CASE(wrong_arguments_are_refused),
#ifdef __STDC_NO_ATOMICS__
    CASE(without_atomics_nothing_can_be_posted),
#endif
    CASE(every_task_of_every_thread_arrives_and_no_wake_is_lost),
    CASE(a_task_may_be_posted_again_once_it_was_called),
};

TEST_MAIN(tests)
