// values.mjs - bytes, errors, and how values print in a trace.
const TEXT = Buffer.from('The quick brown fox – naïve café, €5, 𝄞 music.\n');

// count bytes of the text that repeats for ever, from offset on.
export function nextBytes(offset, count) {
  const bytes = Buffer.alloc(count);
  for (let i = 0; i < count; i++) bytes[i] = TEXT[(offset + i) % TEXT.length];
  return bytes;
}

// LENGTH:HASH, the hash being FNV-1a of 32 bits. Text counts as its bytes in UTF-8.
export function chunkText(chunk) {
  if (chunk == null) return 'null';
  const bytes = Buffer.from(chunk);
  const hash = bytes.reduce((h, byte) => Math.imul(h ^ byte, 0x01000193), 0x811c9dc5);
  return `${bytes.length}:${(hash >>> 0).toString(16).padStart(8, '0')}`;
}

export function bit(value) {
  if (value === null) return 'n';
  return value ? '1' : '0';
}

export function codeOf(error) {
  return error ? error.code ?? error.name : 'ok';
}

export function userError(code) {
  return Object.assign(new Error(code), { code });
}
