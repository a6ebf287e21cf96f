// peer_node.mjs WORKLOAD CHUNKS BYTES COUNT - the work of the benchmarks in Node, for peer_node.c. Prints the nanoseconds of
// the second run and the checksum, which is that of bench_sum.
import { PassThrough, Readable, Transform, Writable } from 'node:stream';

const [, , workload, ...numbers] = process.argv;
const [chunks, bytes, count] = numbers.map(Number);
const highWaterMark = 65536;
const payload = Buffer.alloc(65536);

for (let i = 0; i < payload.length; i++)
  payload[i] = (i * 7 % 26) + (i % 3 ? 97 : 65);

const addUp = (sum, first, length) => (Math.imul(sum, 31) + length + first) | 0;

// A source whose read hook pushes one chunk a call; EOF after the last.
function source(left) {
  const chunk = payload.subarray(0, bytes);

  return new Readable({
    highWaterMark,
    read() { this.push(left-- > 0 ? chunk : null); },
  });
}

function sink(defer) {
  const stream = new Writable({
    highWaterMark,
    write(chunk, encoding, done) {
      stream.sum = addUp(stream.sum, chunk[0], chunk.length);
      if (defer)
        defer(done);
      else
        done();
    },
  });

  stream.sum = 0;
  return stream;
}

const finished = (stream) => new Promise((resolve) => stream.on('finish', resolve));
const closed = (stream) => new Promise((resolve) => stream.on('close', resolve));

async function through(stages, chunks, defer) {
  const to = sink(defer);

  stages.reduce((from, stage) => from.pipe(stage), source(chunks)).pipe(to);
  await finished(to);
  return to.sum >>> 0;
}

const passes = () => Array.from({ length: count }, () => new PassThrough({ highWaterMark }));

function transform(compute) {
  return new Transform({
    highWaterMark,
    transform(chunk, encoding, done) { done(null, compute(chunk)); },
  });
}

function upper(from) {
  const to = Buffer.allocUnsafe(from.length);

  for (let i = 0; i < from.length; i++)
    to[i] = from[i] >= 97 && from[i] <= 122 ? from[i] & 0xDF : from[i];
  return to;
}

const digits = Buffer.from('0123456789abcdef');

function hex(from) {
  const to = Buffer.allocUnsafe(from.length * 2);

  for (let i = 0; i < from.length; i++) {
    to[2 * i] = digits[from[i] >> 4];
    to[2 * i + 1] = digits[from[i] & 15];
  }
  return to;
}

async function fanout(chunks) {
  const from = source(chunks), sinks = Array.from({ length: count }, () => sink());

  from.setMaxListeners(0);
  for (const to of sinks)
    from.pipe(to);
  await Promise.all(sinks.map(finished));
  return sinks.reduce((sum, to) => sum + (to.sum >>> 0), 0);
}

function gather(chunks) {
  let sum = 0;
  const to = new Writable({
    highWaterMark: 1 << 20,
    writev(parts, done) {
      sum = addUp(sum, parts[0].chunk[0], parts.reduce((all, part) => all + part.chunk.length, 0));
      done();
    },
  });

  for (let n = 0; n < chunks; n += count) {
    to.cork();
    for (let i = n; i < n + count; i++) {
      const at = i * bytes % payload.length;

      to.write(payload.subarray(at, at + bytes));
    }
    to.uncork();
  }
  return sum >>> 0;
}

async function lifecycle(trios) {
  let sum = 0;

  for (let i = 0; i < trios; i++) {
    const to = sink();

    source(4).pipe(new PassThrough({ highWaterMark })).pipe(to);
    await closed(to);
    sum += to.sum >>> 0;
  }
  return sum;
}

const workloads = {
  line: (chunks) => through(passes(), chunks),
  late: (chunks) => through(passes(), chunks, setImmediate),
  fanout,
  gather,
  upper: (chunks) => through([transform(upper)], chunks),
  hex: (chunks) => through([transform(hex)], chunks),
  lifecycle,
};

await workloads[workload](Math.max(Math.ceil(chunks / 4 / count) * count, 100 * count));
const start = process.hrtime.bigint();
const sum = await workloads[workload](chunks);
const ns = process.hrtime.bigint() - start;
console.log(`${ns} ${sum}`);
