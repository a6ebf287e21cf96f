// buffer_node.mjs WORKLOAD CHUNKS BYTES - what Node's Buffer takes for the work of bench_bytes.c and bench_encoding.c. Prints
// the nanoseconds of the loop, after one that warms up, and the sum of the results.
import { Buffer, isUtf8 } from 'node:buffer';

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

// Texts of so many bytes, their last character whole.
const whole = (line) => { const b = Buffer.alloc(bytes, line); for (let i = bytes; !isUtf8(b); i--) b[i - 1] = 97; return b; };
const ascii = whole(LINE);
const mixed = whole('The quick brown fox \u2013 na\u00efve caf\u00e9, \u20ac5, \u{1d11e} music.\n');

// The text of bytes that are prepared, and the bytes of a text; length is that of the result as C has it.
const toText = (from, encoding, length) => () => { const n = length(from); return () => { from.toString(encoding); return n; }; };
const toBytes = (from, encoding) => () => () => Buffer.from(from, encoding).length;
const textLength = (encoding) => (from) => Buffer.byteLength(from.toString(encoding));

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
  'is-utf8-ascii': () => () => Number(isUtf8(ascii)),
  'is-utf8-mixed': () => () => Number(isUtf8(mixed)),
  'utf8-to-text-mixed': toText(mixed, 'utf8', textLength('utf8')),
  'hex-to-text': toText(ascii, 'hex', textLength('hex')),
  'hex-to-bytes': toBytes(ascii.toString('hex'), 'hex'),
  'base64-to-text': toText(ascii, 'base64', textLength('base64')),
  'base64-to-bytes': toBytes(ascii.toString('base64'), 'base64'),
  'base64url-to-text': toText(mixed, 'base64url', textLength('base64url')),
  'base64url-to-bytes': toBytes(mixed.toString('base64url'), 'base64url'),
  'utf16le-to-text': toText(Buffer.from(ascii.toString(), 'utf16le'), 'utf16le', textLength('utf16le')),
  'utf16le-to-bytes': toBytes(ascii.toString(), 'utf16le'),
  'utf16le-to-text-mixed': toText(Buffer.from(mixed.toString(), 'utf16le'), 'utf16le', textLength('utf16le')),
  'latin1-to-text': toText(ascii, 'latin1', textLength('latin1')),
  'latin1-to-bytes': toBytes(ascii.toString(), 'latin1'),
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
