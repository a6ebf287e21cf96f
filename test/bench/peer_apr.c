/*
 * peer_apr.c - bucket brigades of the Apache Portable Runtime, in handoff and depth. A chunk is an
 * immortal bucket. A stage is a filter that moves its input to a brigade of its own and passes that
 * on, as httpd's filters do.
 */
#include <apr_buckets.h>
#include <apr_general.h>

#include <stdlib.h>

#include "peers.h"

struct filter {
    void (*pass)(struct filter *filter, apr_bucket_brigade *brigade);
    struct filter *next;
    apr_bucket_brigade *brigade;
    uint64_t sum;
};

static void must(bool ok)
{
    if (!ok)
        bench_fail("apr");
}

static void pass_on(struct filter *filter, apr_bucket_brigade *brigade)
{
    APR_BRIGADE_CONCAT(filter->brigade, brigade);
    filter->next->pass(filter->next, filter->brigade);
}

static void sum_up(struct filter *filter, apr_bucket_brigade *brigade)
{
    while (!APR_BRIGADE_EMPTY(brigade)) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(brigade);
        const char *data;
        apr_size_t len;

        must(apr_bucket_read(bucket, &data, &len, APR_BLOCK_READ) == APR_SUCCESS);
        filter->sum = bench_sum(filter->sum, (const uint8_t *)data, len);
        apr_bucket_delete(bucket);
    }
}

static uint64_t run_brigade(const struct bench_point *point)
{
    struct filter *filters = bench_array(point->count + 1, sizeof(*filters));
    apr_bucket_alloc_t *buckets;
    apr_bucket_brigade *source;
    apr_pool_t *pool;
    uint64_t sum;

    must(apr_initialize() == APR_SUCCESS);
    must(apr_pool_create(&pool, NULL) == APR_SUCCESS);
    buckets = apr_bucket_alloc_create(pool);
    source = apr_brigade_create(pool, buckets);
    for (size_t i = 0; i <= point->count; i++)
        filters[i] = (struct filter){ .pass = i < point->count ? pass_on : sum_up,
                                      .next = &filters[i + 1],
                                      .brigade = apr_brigade_create(pool, buckets) };
    for (size_t n = 0; n < point->chunks; n++) {
        apr_bucket *bucket =
            apr_bucket_immortal_create((const char *)bench_payload, point->bytes, buckets);

        APR_BRIGADE_INSERT_TAIL(source, bucket);
        filters[0].pass(&filters[0], source);
    }
    sum = filters[point->count].sum;
    free(filters);
    apr_pool_destroy(pool);
    apr_terminate();
    return sum;
}

const struct bench_peer peer_apr[] = {
    { "handoff", { "apr-brigade", run_brigade } },
    { "depth", { "apr-brigade", run_brigade } },
    { NULL, { NULL, NULL } },
};
