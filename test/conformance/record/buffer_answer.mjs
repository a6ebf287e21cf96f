// buffer_answer.mjs - what Node's Buffer, StringDecoder and node:buffer answer to a question.
import { Buffer, isAscii, isUtf8, transcode } from 'node:buffer';
import { StringDecoder } from 'node:string_decoder';

export const bytesOf = (word) => Buffer.from(word === '-' ? '' : word, 'hex');
export const wordOf = (bytes) => (bytes.length === 0 ? '-' : Buffer.from(bytes).toString('hex'));
export const textWord = (text) => wordOf(Buffer.from(text, 'utf8'));
const textOf = (word) => bytesOf(word).toString('utf8');

function numberWord(value) {
  if (typeof value === 'bigint') return value.toString();
  if (Number.isNaN(value)) return 'nan';
  const plain = Number.isInteger(value) && Math.abs(value) < 2 ** 53 && !Object.is(value, -0);
  if (plain) return value.toString();
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  return `f64:${bits.toString('hex')}`;
}

const bitWord = (flag) => (flag ? '1' : '0');
const widthOf = (word) => (word === undefined ? [] : [Number(word)]);

const verbs = {
  decode: (encoding, text) => wordOf(Buffer.from(textOf(text), encoding)),
  encode: (encoding, bytes) => textWord(bytesOf(bytes).toString(encoding)),
  bytelength: (encoding, text) => Buffer.byteLength(textOf(text), encoding).toString(),
  indexof: (hay, needle, from) => bytesOf(hay).indexOf(bytesOf(needle), Number(from)).toString(),
  lastindexof: (hay, needle, from) => bytesOf(hay).lastIndexOf(bytesOf(needle), Number(from)).toString(),
  compare: (a, b) => Buffer.compare(bytesOf(a), bytesOf(b)).toString(),
  equals: (a, b) => bitWord(bytesOf(a).equals(bytesOf(b))),
  fill: (length, pattern) => wordOf(Buffer.alloc(Number(length)).fill(bytesOf(pattern))),
  concat: (total, ...list) => wordOf(Buffer.concat(list.map(bytesOf), total === '-' ? undefined : Number(total))),
  subarray: (bytes, from, to) => wordOf(bytesOf(bytes).subarray(Number(from), Number(to))),
  copy(source, target, at, from, to) {
    const into = bytesOf(target);
    const count = bytesOf(source).copy(into, Number(at), Number(from), Number(to));
    return `${count} ${wordOf(into)}`;
  },
  get: (kind, bytes, at, width) => numberWord(bytesOf(bytes)[`read${kind}`](Number(at), ...widthOf(width))),
  put(kind, length, at, value, width) {
    const bytes = Buffer.alloc(Number(length));
    const number = kind.startsWith('Big') ? BigInt(value) : Number(value);
    bytes[`write${kind}`](number, Number(at), ...widthOf(width));
    return wordOf(bytes);
  },
  swap: (bits, bytes) => wordOf(bytesOf(bytes)[`swap${bits}`]()),
  isutf8: (bytes) => bitWord(isUtf8(bytesOf(bytes))),
  isascii: (bytes) => bitWord(isAscii(bytesOf(bytes))),
  transcode: (from, to, bytes) => wordOf(transcode(bytesOf(bytes), from, to)),
  decoder(encoding, ...chunks) {
    const decoder = new StringDecoder(encoding);
    const written = chunks.map((chunk) => textWord(decoder.write(bytesOf(chunk))));
    return [...written, textWord(decoder.end())].join(' ');
  },
};

export function answer(question) {
  const [verb, ...words] = question.split(' ');
  try {
    return verbs[verb](...words);
  } catch (error) {
    if (!error.code) throw error;
    return `error ${error.code}`;
  }
}
