// ops.mjs - the ops: what each calls on node:stream, and the line that says what that returned.
import stream from 'node:stream';
import { bit, chunkText, codeOf, userError } from './values.mjs';

const optional = (word) => (word === undefined ? [] : [Number(word)]);

function readOnce(host, member, size) {
  const chunk = member.stream.read(...optional(size));
  host.say(`ret read ${member.name} ${chunkText(chunk)}`);
  return chunk !== null;
}

// The callback of a write, by how the write asks for it.
function writeCallback(host, member, how) {
  const number = ++member.writes;
  if (how === 'nocb') return undefined;
  if (how === 'same') return (member.sameCallback ??= (error) => member.calledBack('write', ' same', error));
  let times = 0;
  return (error) => {
    if (++times > 1) host.stop(null); // Node has written it again
    member.calledBack('write', ` ${number}`, error);
  };
}

// By verb; the words are those behind the first stream's name.
export const OPS = {
  push(host, member, what) { member.push(member.stream, what === 'eof' ? null : member.bytes(what)); },
  unshift(host, member, count) {
    const { readableEncoding } = member.stream;
    const bytes = member.bytes(count);
    const put = readableEncoding ? [bytes.toString(readableEncoding), readableEncoding] : [bytes];
    host.say(`ret unshift ${member.name} ${bit(member.stream.unshift(...put))}`);
  },
  read: readOnce,
  readall(host, member, size) { while (readOnce(host, member, size)); },
  pause(host, member) { member.stream.pause(); },
  resume(host, member) { member.stream.resume(); },
  setenc(host, member, encoding) { member.stream.setEncoding(encoding); },
  listen(host, member, event) { member.listen(event); },
  unlisten(host, member, event) { member.unlisten(event); },
  pipe(host, member, to, how) { member.stream.pipe(host.member(to).stream, { end: how !== 'noend' }); },
  unpipe(host, member, from) { member.stream.unpipe(...(from === undefined ? [] : [host.member(from).stream])); },

  write(host, member, count, how) {
    const callback = writeCallback(host, member, how);
    const more = member.stream.write(member.bytes(count), callback);
    host.say(`ret write ${member.name} ${bit(more)}`);
  },
  end(host, member, count) {
    const last = count === undefined ? [] : [member.bytes(count)];
    member.stream.end(...last, (error) => member.calledBack('end', '', error));
  },
  cork(host, member) { member.stream.cork(); },
  uncork(host, member) { member.stream.uncork(); },

  destroy(host, member, code) { member.stream.destroy(code === undefined ? undefined : userError(code)); },
  abort(host, member) { member.controller.abort(); },
  pipeline(host, member, ...others) {
    const number = ++host.pipelines;
    const streams = [member, ...others.map((name) => host.member(name))].map((m) => m.stream);
    stream.pipeline(streams, (error) => host.say(`cb pipeline ${number} ${codeOf(error)}`));
  },
  finished(host, member, ...words) {
    const number = ++host.waits;
    const options = Object.fromEntries(words.map((word) => [word.split('=')[0], !word.endsWith('=0')]));
    stream.finished(member.stream, options, (error) => host.say(`cb finished ${number} ${codeOf(error)}`));
  },
};
