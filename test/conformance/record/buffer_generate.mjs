// buffer_generate.mjs - questions about buffers: the edges of each verb one by one, then random ones around them.
import { bytesOf, textWord, wordOf } from './buffer_answer.mjs';
import { Dice } from './random.mjs';

class Random extends Dice {
  below(count) { return this.next() % count; }

  bytes(length, letters) {
    return Uint8Array.from({ length }, () => (letters ? this.pick(letters) : this.between(0, 255)));
  }

  // A few bytes replaced, and perhaps the end lost.
  broken(bytes, replacements) {
    const copy = Uint8Array.from(bytes);
    for (let i = this.between(0, 2); i > 0 && copy.length > 0; i--) copy[this.below(copy.length)] = this.pick(replacements);
    return this.happens(30) ? copy.subarray(0, this.below(copy.length + 1)) : copy;
  }
}

const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const repeated = (bytes, length) => Uint8Array.from({ length }, (_, i) => bytes[i % bytes.length]);
const ascii = (text) => [...text].map((c) => c.charCodeAt(0));

// --- search -----------------------------------------------------------------------------------------------------------

// Every index around the ends of a text, and far outside.
function indicesOf(length, needle) {
  const marks = [0, 1, length - needle - 1, length - needle, length - needle + 1, length - 1, length, length + 1];
  return [...new Set([...marks, ...marks.map((i) => -i), 2 ** 31, -(2 ** 31), 2 ** 40, -(2 ** 40)])]
    .map((i) => (Object.is(i, -0) ? 0 : i));
}

function* searchEdges() {
  const texts = ['', 'a', 'aa', 'ab', 'aab', 'abab', 'aaaaaaaa', 'abcabcab', 'aabaabaaab'];
  const needles = ['', 'a', 'b', 'aa', 'ab', 'ba', 'aab', 'abca', 'aaaaaaaa', 'aaaaaaaab'];
  for (const text of texts) {
    for (const needle of needles) {
      for (const from of indicesOf(text.length, needle.length)) {
        yield `indexof ${textWord(text)} ${textWord(needle)} ${from}`;
        yield `lastindexof ${textWord(text)} ${textWord(needle)} ${from}`;
      }
    }
  }
}

// A needle at each place of a text that is longer than what is looked at in one go.
function* searchPlaces() {
  for (const needle of ['z', 'ez', 'zee', 'a longer needle']) {
    for (let at = 0; at < 140; at += needle.length % 3 + 1) {
      const text = Buffer.alloc(150, 'e');
      text.write(needle, at);
      yield `indexof ${wordOf(text)} ${textWord(needle)} 0`;
      yield `lastindexof ${wordOf(text)} ${textWord(needle)} 150`;
    }
  }
}

// Words over two or three letters, with periods, one letter of which may be wrong.
function* searchRandom(random, count) {
  for (let i = 0; i < count; i++) {
    const letters = random.pick([[0, 1], [97, 98, 99], [0, 127, 128, 255]]);
    const period = random.bytes(random.between(1, 9), letters);
    const text = repeated(period, random.between(0, random.pick([20, 60, 200])));
    for (let k = random.between(0, 3); k > 0 && text.length > 0; k--) {
      text[random.below(text.length)] = random.pick(letters);
    }
    const start = random.below(text.length + 1);
    const needle = text.slice(start, start + random.between(0, random.pick([4, 12, 40])));
    if (needle.length > 0 && random.happens(40)) needle[random.below(needle.length)] ^= 1;
    const verb = random.pick(['indexof', 'lastindexof']);
    const from = random.pick([0, text.length, -text.length, random.between(-text.length - 2, text.length + 2)]);
    yield `${verb} ${wordOf(text)} ${wordOf(needle)} ${from}`;
  }
}

// --- bytes ------------------------------------------------------------------------------------------------------------

function* compareEdges() {
  for (const length of [0, 1, 2, 7, 8, 9, 15, 16, 17, 33]) {
    const same = repeated([0, 127, 128, 255], length);
    for (const verb of ['compare', 'equals']) {
      yield `${verb} ${wordOf(same)} ${wordOf(same)}`;
      yield `${verb} ${wordOf(same)} ${wordOf([...same, 0])}`;
      yield `${verb} ${wordOf([...same, 0])} ${wordOf(same)}`;
      for (let i = 0; i < length; i++) {
        const other = Uint8Array.from(same);
        other[i] ^= i % 2 ? 0x80 : 1;
        yield `${verb} ${wordOf(same)} ${wordOf(other)}`;
      }
    }
  }
}

function* fillEdges() {
  for (const length of [...range(0, 20), 31, 32, 33, 63, 64, 65, 100]) {
    for (const pattern of [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 33]) {
      yield `fill ${length} ${wordOf(repeated(range(1, 50), pattern))}`;
    }
  }
}

function* concatEdges(random) {
  const lists = [['-'], ['61'], ['-', '-'], ['61', '-'], ['-', '6162'], ['6162', '6364', '65'], ['-', '61', '-', '6263', '-']];
  for (const list of lists) {
    const sum = list.reduce((length, word) => length + bytesOf(word).length, 0);
    for (const total of ['-', ...range(-1, sum + 2)]) yield `concat ${total} ${list.join(' ')}`;
  }
  for (let i = 0; i < 200; i++) {
    const list = range(1, random.between(1, 6)).map(() => wordOf(random.bytes(random.pick([0, 1, 3, 9, 20]))));
    yield `concat ${random.pick(['-', random.between(0, 60)])} ${list.join(' ')}`;
  }
}

function* subarrayEdges() {
  for (const length of [0, 1, 5]) {
    const word = wordOf(range(1, 9).slice(0, length));
    const indices = [...range(-length - 2, length + 2), 2 ** 40, -(2 ** 40)];
    for (const from of indices) for (const to of indices) yield `subarray ${word} ${from} ${to}`;
  }
}

function* copyEdges() {
  for (const [source, target] of [['-', '-'], ['61', '-'], ['-', '78'], ['616263', '7879'], ['6162', '78797a7a']]) {
    const length = bytesOf(source).length;
    for (const at of [-1, 0, 1, bytesOf(target).length, 9]) {
      for (const from of [-1, 0, 1, length, length + 1]) {
        for (const to of [-1, 0, 1, length, 99]) yield `copy ${source} ${target} ${at} ${from} ${to}`;
      }
    }
  }
}

function* swapEdges() {
  for (const length of [...range(0, 40), 62, 63, 64, 65, 66, 68, 72, 126, 128, 130, 136]) {
    for (const bits of [16, 32, 64]) yield `swap ${bits} ${wordOf(repeated(range(1, 251), length))}`;
  }
}

// --- numbers ----------------------------------------------------------------------------------------------------------

const orders = (names) => names.flatMap((name) => [`${name}LE`, `${name}BE`]);
const widths = {
  UInt8: 1, Int8: 1, UInt16LE: 2, UInt16BE: 2, Int16LE: 2, Int16BE: 2, UInt32LE: 4, UInt32BE: 4, Int32LE: 4, Int32BE: 4,
  BigUInt64LE: 8, BigUInt64BE: 8, BigInt64LE: 8, BigInt64BE: 8, FloatLE: 4, FloatBE: 4, DoubleLE: 8, DoubleBE: 8,
};
const wide = orders(['UInt', 'Int']);

const patterns = [[0], [255], [127, 255], [128, 0], [0, 128], [1, 2, 3, 4, 5, 6, 7, 8, 9], [249, 250, 251, 252, 253, 254]];

// Bits of a double, and of a float, that are the edges of their form.
const doubles = ['0000000000000000', '8000000000000000', '3ff0000000000000', '7ff0000000000000', 'fff0000000000000',
  '7ff8000000000000', '7ff0000000000001', '0000000000000001', '000fffffffffffff', '0010000000000000', '7fefffffffffffff',
  '433fffffffffffff', '4340000000000000', 'c340000000000000', '3fb999999999999a', '40091eb851eb851f'];
const floats = ['00000000', '80000000', '3f800000', '7f800000', 'ff800000', '7fc00000', '7f800001', '00000001', '007fffff',
  '00800000', '7f7fffff', '4b7fffff', '4b800000', '3dcccccd', 'bf000000'];

function* getEdges() {
  for (const [kind, width] of Object.entries(widths)) {
    for (const pattern of patterns) {
      for (const length of [0, width - 1, width, width + 3]) {
        for (const at of [0, 1, 3, length - width]) yield `get ${kind} ${wordOf(repeated(pattern, length))} ${at}`;
      }
    }
    yield `get ${kind} ${wordOf(range(1, 12))} -1`;
    yield `get ${kind} ${wordOf(range(1, 12))} ${2 ** 40}`;
  }
  for (const kind of wide) {
    for (const width of range(-1, 8)) {
      for (const pattern of patterns) {
        for (const at of [-1, 0, 2]) yield `get ${kind} ${wordOf(repeated(pattern, 8))} ${at} ${width}`;
      }
      for (const length of [0, width - 1, width].filter((n) => n >= 0)) {
        yield `get ${kind} ${wordOf(repeated([9, 8], length))} 0 ${width}`;
      }
    }
  }
  for (const bits of doubles) {
    yield `get DoubleBE ${bits} 0`;
    yield `get DoubleLE ff${wordOf(bytesOf(bits).reverse())} 1`;
  }
  for (const bits of floats) {
    yield `get FloatBE ${bits} 0`;
    yield `get FloatLE ff${wordOf(bytesOf(bits).reverse())} 1`;
  }
}

const floatValues = ['0', '-0', '1', '-1', '0.1', '-2.25', '1e-45', '1.401298464324817e-45', '1e-46', '3.4028234663852886e38',
  '3.4028235677973366e38', '3.5e38', '-1e39', '5e-324', '1e-324', '1.7976931348623157e308', '16777217', '9007199254740993',
  'NaN', 'Infinity', '-Infinity', '2.2250738585072014e-308', '1.1754943508222875e-38', '123456789.123'];

function valuesOf(kind, width) {
  if (/Float|Double/.test(kind)) return floatValues;
  const bits = BigInt(8 * width);
  const least = kind.includes('UInt') ? 0n : -(1n << (bits - 1n));
  const most = kind.includes('UInt') ? (1n << bits) - 1n : (1n << (bits - 1n)) - 1n;
  const values = [least - 1n, least, least + 1n, -1n, 0n, 1n, most - 1n, most, most + 1n, 0x0102030405060708n & most];
  return [...new Set(values)].map(String);
}

function* putEdges() {
  for (const [kind, width] of Object.entries(widths)) {
    for (const value of valuesOf(kind, width)) {
      for (const at of [0, 1, 3]) yield `put ${kind} ${width + 2} ${at} ${value}`;
      yield `put ${kind} ${width - 1} 0 ${value}`;
    }
    yield `put ${kind} ${width} -1 1`;
    yield `put ${kind} 0 0 1`;
  }
  for (const kind of wide) {
    for (const width of range(1, 6)) {
      for (const value of valuesOf(kind, width)) {
        for (const [length, at] of [[width, 0], [width + 2, 2], [width + 2, 3], [width - 1, 0]]) {
          yield `put ${kind} ${length} ${at} ${value} ${width}`;
        }
      }
    }
    for (const width of [-1, 0, 7, 8]) yield `put ${kind} 8 0 1 ${width}`;
  }
}

function* numberRandom(random, count) {
  for (let i = 0; i < count; i++) {
    const kind = random.pick([...Object.keys(widths), ...wide]);
    const width = widths[kind] ?? random.between(1, 6);
    const last = kind in widths ? '' : ` ${width}`;
    const bytes = random.bytes(random.between(width, width + 6));
    const at = random.below(bytes.length - width + 1);
    yield `get ${kind} ${wordOf(bytes)} ${at}${last}`;
    if (!/Float|Double/.test(kind)) {
      const value = BigInt(`0x${wordOf(random.bytes(width))}`) - (kind.includes('UInt') ? 0n : 1n << BigInt(8 * width - 1));
      yield `put ${kind} ${bytes.length} ${at} ${value}${last}`;
    }
  }
}

// --- text -------------------------------------------------------------------------------------------------------------

const encodings = ['utf8', 'utf16le', 'latin1', 'ascii', 'hex', 'base64', 'base64url'];

// The first and last code point of each length, of the gaps, and of what cannot stand alone.
const codePoints = [0, 0x7f, 0x80, 0xff, 0x100, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfffd, 0xfffe, 0xffff, 0x10000, 0x10ffff,
  0x3d, 0x2b, 0x2f, 0x2d, 0x5f, 0x20, 0x0a, 0x41, 0xe9, 0x20ac, 0x1d11e];
const pointText = (point) => String.fromCodePoint(point);

function* textEdges() {
  for (const encoding of encodings) {
    for (const text of ['', ...codePoints.map(pointText), ...codePoints.map((p) => `ab${pointText(p)}cd`)]) {
      yield `decode ${encoding} ${textWord(text)}`;
      yield `bytelength ${encoding} ${textWord(text)}`;
    }
    for (const length of range(0, 40)) {
      const bytes = repeated(length % 2 ? [0, 255, 128, 127] : ascii('Az09+/=-_'), length);
      yield `encode ${encoding} ${wordOf(bytes)}`;
    }
    for (const byte of range(0, 255)) yield `encode ${encoding} ${wordOf([0x61, byte, 0x62])}`;
  }
}

// Leads, continuations and what is neither, in all orders of three, and each lead with the edges of its second byte.
const utf8Bytes = [0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf1,
  0xf4, 0xf5, 0xff];

function* utf8Edges() {
  for (const lead of utf8Bytes) {
    yield `isutf8 ${wordOf([lead])}`;
    yield `encode utf8 ${wordOf([lead])}`;
    for (const second of utf8Bytes) {
      const two = [lead, second];
      yield `isutf8 ${wordOf(two)}`;
      yield `encode utf8 ${wordOf(two)}`;
      yield `encode utf8 ${wordOf([...two, 0x80])}`;
      yield `isutf8 ${wordOf([...two, 0xbf])}`;
      yield `isutf8 ${wordOf([...two, 0x80, 0x80])}`;
      yield `encode utf8 ${wordOf([...two, 0x80, 0x41])}`;
      yield `encode utf8 ${wordOf([...two, 0xbf, 0xbf])}`;
    }
  }
}

// Something at each place of a run of letters, which is looked at in words.
function* runEdges() {
  for (const length of [7, 8, 9, 16, 33, 70]) {
    for (let at = 0; at < length; at += length > 30 ? 3 : 1) {
      for (const odd of ['80', 'c3a9', 'e282ac', 'f09d849e', 'e282', 'eda080']) {
        const bytes = Buffer.concat([Buffer.alloc(at, 'a'), bytesOf(odd), Buffer.alloc(length - at, 'b')]);
        yield `isutf8 ${wordOf(bytes)}`;
        yield `isascii ${wordOf(bytes)}`;
        yield `encode utf8 ${wordOf(bytes)}`;
        yield `encode latin1 ${wordOf(bytes)}`;
      }
    }
  }
}

function* hexEdges() {
  for (const length of range(0, 36)) {
    const text = '0123456789abcdefABCDEF'.repeat(2).slice(0, length);
    yield `decode hex ${textWord(text)}`;
    yield `bytelength hex ${textWord(text)}`;
    for (const wrong of ['g', ' ', '\u00e9', '\u0130', '\u0141', '/', ':', '@', '`', 'G']) {
      const at = (length * 7) % (length + 1);
      yield `decode hex ${textWord(text.slice(0, at) + wrong + text.slice(at))}`;
    }
  }
}

function* base64Edges() {
  for (const encoding of ['base64', 'base64url']) {
    for (const length of range(0, 50)) {
      const bytes = repeated([251, 239, 190, 255, 0, 16, 131, 7], length);
      const text = Buffer.from(bytes).toString(length % 2 ? 'base64' : 'base64url');
      for (const tail of ['', '=', '==', '===', 'A', '\n', '= ', '=A']) {
        yield `decode ${encoding} ${textWord(text + tail)}`;
        yield `bytelength ${encoding} ${textWord(text + tail)}`;
      }
      for (const odd of ['\n', ' \t', '=', '*', '-', '+', '\u00e9', '\u20ac', '\u012b', '\u0000']) {
        const at = (length * 5) % (text.length + 1);
        yield `decode ${encoding} ${textWord(text.slice(0, at) + odd + text.slice(at))}`;
      }
    }
  }
}

const wordLike = (random, length) => range(1, length).map(() => pointText(random.pick(codePoints))).join('');

function* textRandom(random, count) {
  for (let i = 0; i < count; i++) {
    const encoding = random.pick(encodings);
    const text = wordLike(random, random.between(0, 16));
    const bytes = random.broken(Buffer.from(text, 'utf8'), utf8Bytes);
    yield `decode ${encoding} ${textWord(text)}`;
    yield `encode ${encoding} ${wordOf(random.happens(70) ? bytes : random.bytes(random.between(0, 30)))}`;
    yield `isutf8 ${wordOf(bytes)}`;
  }
}

function* transcodeEdges(random) {
  const four = ['utf8', 'utf16le', 'latin1', 'ascii'];
  const samples = [[], [0x41], [0x41, 0x42], [0x7f, 0x80], [0xe9], [0xc3, 0xa9], [0xe2, 0x82, 0xac], [0xe2, 0x82], [0xff, 0xfe],
    [0xf0, 0x9d, 0x84, 0x9e], [0x3d, 0xd8, 0, 0xde], [0x3d, 0xd8], [0, 0xde, 0x3d, 0xd8], [0x41, 0x00, 0x42], [0xac, 0x20, 0xe9, 0x00],
    [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xff, 0xff, 0xfe, 0xff]];
  for (const from of four) {
    for (const to of four) {
      for (const bytes of samples) yield `transcode ${from} ${to} ${wordOf(bytes)}`;
      for (let i = 0; i < 60; i++) {
        const text = Buffer.from(wordLike(random, random.between(0, 8)), from === 'utf16le' ? 'utf16le' : 'utf8');
        yield `transcode ${from} ${to} ${wordOf(random.broken(text, utf8Bytes))}`;
      }
    }
  }
}

// --- decoders ---------------------------------------------------------------------------------------------------------

// All ways to cut, of short bytes.
function* cuts(bytes) {
  for (let mask = 0; mask < 1 << (bytes.length - 1); mask++) {
    const chunks = [[bytes[0]]];
    for (let i = 1; i < bytes.length; i++) {
      if (mask & (1 << (i - 1))) chunks.push([bytes[i]]);
      else chunks.at(-1).push(bytes[i]);
    }
    yield chunks;
  }
}

const chunkWords = (chunks) => chunks.map(wordOf).join(' ');

function* decoderEdges() {
  const samples = [
    [0xf0, 0x9d, 0x84, 0x9e], [0xe2, 0x82, 0xac, 0x41], [0xc3, 0xa9, 0xc3], [0xf0, 0x9d, 0x41, 0x9e], [0xe2, 0xe2, 0x82, 0xac],
    [0xf4, 0x90, 0x80, 0x80], [0xed, 0xa0, 0x80, 0x41], [0xc0, 0x80, 0xf5, 0x80], [0x80, 0xbf, 0xff, 0xf0, 0x9f],
    [0x3d, 0xd8, 0x00, 0xde], [0x3d, 0xd8, 0x3d, 0xd8, 0x00], [0x00, 0xde, 0x41, 0x00, 0x3d], [0xfb, 0xef, 0xbe, 0xff, 0x10],
  ];
  for (const encoding of encodings) {
    yield `decoder ${encoding} -`;
    for (const sample of samples) {
      for (const chunks of cuts(sample)) yield `decoder ${encoding} ${chunkWords(chunks)}`;
    }
  }
  for (const lead of utf8Bytes) {
    for (const second of utf8Bytes) {
      yield `decoder utf8 ${wordOf([lead])} ${wordOf([second])}`;
      yield `decoder utf8 ${wordOf([0x61, lead])} ${wordOf([second])} ${wordOf([0x80])} ${wordOf([0x80, 0x62])}`;
      yield `decoder utf8 ${wordOf([lead, second])} - ${wordOf([0xbf])}`;
      yield `decoder utf16le ${wordOf([0x41, 0x00, lead])} ${wordOf([second])} ${wordOf([0x00])}`;
    }
  }
}

function* decoderRandom(random, count) {
  for (let i = 0; i < count; i++) {
    const encoding = random.pick(['utf8', 'utf8', 'utf16le', ...encodings]);
    const text = Buffer.from(wordLike(random, random.between(0, 10)), encoding === 'utf16le' ? 'utf16le' : 'utf8');
    const bytes = random.happens(60) ? random.broken(text, utf8Bytes) : text;
    const chunks = [];
    for (let at = 0; at < bytes.length;) {
      const length = random.pick([0, 1, 1, 2, 3, 5]);
      chunks.push(bytes.subarray(at, at + length));
      at += length;
    }
    yield `decoder ${encoding} ${chunkWords(chunks) || '-'}`;
  }
}

// --- the files --------------------------------------------------------------------------------------------------------

function* all(...parts) {
  for (const part of parts) yield* part;
}

// What each file holds, without what came before in it.
export function questions() {
  const random = new Random(26);
  const files = {
    search: all(searchEdges(), searchPlaces(), searchRandom(random, 2500)),
    bytes: all(compareEdges(), fillEdges(), concatEdges(random), subarrayEdges(), copyEdges(), swapEdges()),
    number: all(getEdges(), putEdges(), numberRandom(random, 1000)),
    text: all(textEdges(), utf8Edges(), runEdges(), hexEdges(), base64Edges(), textRandom(random, 1200), transcodeEdges(random)),
    decoder: all(decoderEdges(), decoderRandom(random, 2000)),
  };
  return Object.entries(files).map(([name, list]) => [name, [...new Set(list)]]);
}
