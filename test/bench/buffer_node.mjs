// buffer_node.mjs WORKLOAD CHUNKS BYTES - what Node's Buffer takes for the work of bench_bytes.c. Prints the nanoseconds of
// the loop, after one that warms up, and the sum of the results.
const [, , workload, chunks, bytes] = process.argv.map((word, i) => (i > 2 ? Number(word) : word));

const LINE = 'The quick brown fox jumps over the lazy dog.\r\n';
const text = Buffer.alloc(bytes, LINE);
const other = Buffer.from(text);
const blank = Buffer.from('\r\n\r\n');
const long = Buffer.from('Content-Disposition: attachment;');
const pattern = Buffer.from('abc');

const atEnd = (needle) => { needle.copy(text, bytes - needle.length); return needle; };
const atFront = (needle) => { needle.copy(text, 0); return needle; };
const zero = Buffer.from([0]);

// What is prepared, and the work, which gives a number.
const workloads = {
  'index-of-byte': () => { atEnd(zero); return () => text.indexOf(0); },
  'index-of-4': () => { atEnd(blank); return () => text.indexOf(blank); },
  'index-of-32': () => { atEnd(long); return () => text.indexOf(long); },
  'last-index-of-byte': () => { atFront(zero); return () => text.lastIndexOf(0); },
  'last-index-of-4': () => { atFront(blank); return () => text.lastIndexOf(blank); },
  'last-index-of-32': () => { atFront(long); return () => text.lastIndexOf(long); },
  compare: () => () => text.compare(other) + bytes,
  fill: () => () => text.fill(pattern).length,
  swap16: () => () => text.swap16().length,
  swap32: () => () => text.swap32().length,
  swap64: () => () => text.swap64().length,
};

const work = workloads[workload]();

function run(count) {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += work();
  return sum;
}

run(bytes > 65536 ? 50 : 20000);
const start = process.hrtime.bigint();
const sum = run(chunks);
const ns = process.hrtime.bigint() - start;
console.log(`${ns} ${sum}`);
