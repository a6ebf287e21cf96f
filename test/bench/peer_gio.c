/*
 * peer_gio.c - GLib's GIO, in handoff, depth and compute. A stage is a GConverterOutputStream over
 * the next stage, the sink is an output stream of our own. GIO's streams take a pointer and a
 * length, so each stage copies.
 */
#include <gio/gio.h>

#include <string.h>

#include "compute.h"
#include "peers.h"

/* --- the sink --------------------------------------------------------------------------------- */

#define SUM_TYPE_SINK (sum_sink_get_type())
G_DECLARE_FINAL_TYPE(SumSink, sum_sink, SUM, SINK, GOutputStream)

/* GIO may cut the bytes differently. The sink sums them up in chunks of `expected` bytes. */
struct _SumSink {
    GOutputStream parent_instance;
    size_t expected, held;
    uint8_t first;
    uint64_t sum;
};

G_DEFINE_TYPE(SumSink, sum_sink, G_TYPE_OUTPUT_STREAM)

static gssize sum_sink_write(GOutputStream *stream, const void *buffer, gsize count,
                             GCancellable *cancellable, GError **error)
{
    SumSink *sink = SUM_SINK(stream);
    const uint8_t *data = buffer;
    size_t left = count;

    (void)cancellable;
    (void)error;
    while (left > 0) {
        size_t n = sink->expected - sink->held < left ? sink->expected - sink->held : left;

        if (sink->held == 0)
            sink->first = data[0];
        sink->held += n;
        data += n;
        left -= n;
        if (sink->held == sink->expected) {
            sink->sum = bench_sum(sink->sum, &sink->first, sink->held);
            sink->held = 0;
        }
    }
    return (gssize)count;
}

static void sum_sink_class_init(SumSinkClass *klass)
{
    G_OUTPUT_STREAM_CLASS(klass)->write_fn = sum_sink_write;
}

static void sum_sink_init(SumSink *sink)
{
    (void)sink;
}

/* --- the converter ---------------------------------------------------------------------------- */

#define STAGE_TYPE_CONVERTER (stage_converter_get_type())
G_DECLARE_FINAL_TYPE(StageConverter, stage_converter, STAGE, CONVERTER, GObject)

struct _StageConverter {
    GObject parent_instance;
    compute_fn *compute;
    size_t growth; /* bytes out for each byte in */
};

static GConverterResult stage_convert(GConverter *converter, const void *from, gsize from_len,
                                      void *to, gsize room, GConverterFlags flags, gsize *read,
                                      gsize *written, GError **error)
{
    StageConverter *stage = STAGE_CONVERTER(converter);
    gsize n = room / stage->growth < from_len ? room / stage->growth : from_len;

    if (n == 0 && from_len > 0) {
        g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "no room");
        return G_CONVERTER_ERROR;
    }
    *read = n;
    *written = n > 0 ? stage->compute(to, from, n) : 0;
    if (n == from_len && (flags & G_CONVERTER_INPUT_AT_END))
        return G_CONVERTER_FINISHED;
    return n == from_len && (flags & G_CONVERTER_FLUSH) ? G_CONVERTER_FLUSHED
                                                        : G_CONVERTER_CONVERTED;
}

static void stage_reset(GConverter *converter)
{
    (void)converter;
}

static void stage_converter_iface_init(GConverterIface *iface)
{
    iface->convert = stage_convert;
    iface->reset = stage_reset;
}

G_DEFINE_TYPE_WITH_CODE(StageConverter, stage_converter, G_TYPE_OBJECT,
                        G_IMPLEMENT_INTERFACE(G_TYPE_CONVERTER, stage_converter_iface_init))

static void stage_converter_class_init(StageConverterClass *klass)
{
    (void)klass;
}

static void stage_converter_init(StageConverter *stage)
{
    stage->growth = 1;
}

/* --- the runs --------------------------------------------------------------------------------- */

static size_t pass(uint8_t *to, const uint8_t *from, size_t len)
{
    memcpy(to, from, len);
    return len;
}

/* Return a stage that writes to next. The reference to next is taken. */
static GOutputStream *stage_before(GOutputStream *next, compute_fn *compute, size_t growth)
{
    StageConverter *converter = g_object_new(STAGE_TYPE_CONVERTER, NULL);
    GOutputStream *stage;

    converter->compute = compute;
    converter->growth = growth;
    stage = g_converter_output_stream_new(next, G_CONVERTER(converter));
    g_object_unref(converter);
    g_object_unref(next);
    return stage;
}

static uint64_t run_stages(const struct bench_point *point, compute_fn *compute, size_t growth)
{
    SumSink *sink = g_object_new(SUM_TYPE_SINK, NULL);
    GOutputStream *top = G_OUTPUT_STREAM(g_object_ref(sink));
    uint64_t sum;

    sink->expected = point->bytes * growth;
    for (size_t i = 0; i < point->count; i++)
        top = stage_before(top, compute, growth);
    for (size_t n = 0; n < point->chunks; n++)
        if (!g_output_stream_write_all(top, bench_payload, point->bytes, NULL, NULL, NULL))
            bench_fail("gio: write");
    if (!g_output_stream_close(top, NULL, NULL))
        bench_fail("gio: close");
    sum = sink->sum;
    g_object_unref(top);
    g_object_unref(sink);
    return sum;
}

static uint64_t run_pass(const struct bench_point *point)
{
    return run_stages(point, pass, 1);
}

static uint64_t run_upper(const struct bench_point *point)
{
    return run_stages(point, compute_upper, 1);
}

static uint64_t run_hex(const struct bench_point *point)
{
    return run_stages(point, compute_hex, 2);
}

const struct bench_peer peer_gio[] = {
    { "handoff", { "gio-converter", run_pass } },
    { "depth", { "gio-converter", run_pass } },
    { "compute-upper", { "gio-converter", run_upper } },
    { "compute-hex", { "gio-converter", run_hex } },
    { NULL, { NULL, NULL } },
};
