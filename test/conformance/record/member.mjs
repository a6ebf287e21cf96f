// member.mjs - one stream of a scenario on node:stream: its methods, as scripted, its listeners, its state line.
import stream from 'node:stream';
import { bit, chunkText, codeOf, nextBytes, userError } from './values.mjs';

const HEARD = ['end', 'close', 'finish', 'drain', 'pause', 'resume', 'error', 'pipe', 'unpipe'];

// What each option of the language is called in Node, and whether it is a switch.
const OPTIONS = {
  hwm: ['highWaterMark', false],
  rhwm: ['readableHighWaterMark', false],
  whwm: ['writableHighWaterMark', false],
  object: ['objectMode', true],
  autodestroy: ['autoDestroy', true],
  emitclose: ['emitClose', true],
  halfopen: ['allowHalfOpen', true],
  readable: ['readable', true],
  writable: ['writable', true],
};

const CLASSES = {
  readable: stream.Readable,
  writable: stream.Writable,
  duplex: stream.Duplex,
  transform: stream.Transform,
  passthrough: stream.PassThrough,
};

const IDLE = { when: 'never', acts: [] };
const ANSWER = { when: 'now', acts: ['cb'] };
const HAND_ON = { when: 'now', acts: ['x', 'cb'] };

export class Member {
  constructor(host, declaration) {
    this.host = host;
    this.name = declaration.name;
    this.kind = declaration.kind;
    this.declared = declaration.options;
    this.calls = {}; // of each method so far
    this.fired = {}; // each event and callback so far
    this.listeners = new Map(); // of data and readable
    this.made = 0; // bytes so far
    this.writes = 0;
    this.stream = this.create();
    this.stream.setMaxListeners(0);
    for (const event of HEARD) this.stream.on(event, (detail) => this.onEvent(event, detail));
  }

  get reads() { return this.kind !== 'writable'; }
  get takes() { return this.kind !== 'readable'; }
  get isSource() { return this.kind === 'readable' || this.kind === 'duplex'; }
  get isSink() { return this.kind === 'writable' || this.kind === 'duplex'; }

  // --- creation

  create() {
    if (this.kind === 'compose') return this.compose(this.host.members.map((member) => member.stream));
    if (this.kind === 'pair') return this.host.pairSide(() => stream.duplexPair(this.nodeOptions()));
    return new CLASSES[this.kind]({ ...this.nodeOptions(), ...this.methods() });
  }

  compose(inside) {
    inside.at(-1).on('error', (error) => this.stream.destroyed || this.lastHasFailed(error));
    return stream.compose(...inside);
  }

  nodeOptions() {
    const options = {};
    for (const [word, [key, isSwitch]] of Object.entries(OPTIONS)) {
      const value = this.declared[word];
      if (value !== undefined) options[key] = isSwitch ? value !== 0 : value;
    }
    if (this.declared.signal) {
      this.controller = new AbortController();
      options.signal = this.controller.signal;
    }
    return options;
  }

  script(method) { return this.host.scenario.scripts[`${this.name} ${method}`]; }

  // Node calls these with `this` as the stream, which during construction is not ours yet.
  methods() {
    const member = this;
    const methods = {};
    if (this.isSource) methods.read = function (size) { member.called('read', this, ` ${size}`); };
    if (this.isSink) {
      methods.write = function (chunk, _, answer) { member.called('write', this, ` ${chunkText(chunk)}`, { answer }); };
      if (this.declared.writev) methods.writev = function (list, answer) { member.calledWritev(this, list, answer); };
    }
    if (this.kind === 'transform') {
      methods.transform = function (chunk, _, answer) {
        member.called('transform', this, ` ${chunkText(chunk)}`, { answer, chunk });
      };
    }
    for (const method of ['construct', 'final', 'flush']) {
      if (this.mayHave(method)) methods[method] = function (answer) { member.called(method, this, '', { answer }); };
    }
    if (this.mayHave('destroy')) methods.destroy = function (error, answer) { member.calledDestroy(this, error, answer); };
    return methods;
  }

  // Whether the user implements a method that only scripted streams have.
  mayHave(method) {
    if (!this.script(method)) return false;
    if (method === 'final') return this.isSink || this.kind === 'transform';
    if (method === 'flush') return this.kind === 'transform';
    return true;
  }

  // --- methods

  called(method, self, detail, call = {}) {
    this.host.say(`call ${this.name} ${method}${detail}`);
    this.perform(method, self, call);
  }

  calledWritev(self, list, answer) {
    const { length } = self._writableState.buffered;
    this.host.say(`call ${this.name} writev ${list.map((entry) => chunkText(entry.chunk)).join('+')}`);
    this.perform('write', self, { answer });
    if (self._writableState.buffered.length > length) this.host.stop(null); // Node loses what was written meanwhile
  }

  calledDestroy(self, error, answer) {
    const passOn = (own) => answer(own || error);
    this.called('destroy', self, ` ${error ? codeOf(error) : '-'}`, { answer: passOn });
  }

  // The item of the nth call of the method.
  item(method, nth) {
    const script = this.script(method);
    if (method === 'read') return script?.[nth - 1] ?? IDLE;
    if (script) return script[(nth - 1) % script.length];
    return method === 'transform' ? HAND_ON : ANSWER;
  }

  perform(method, self, call) {
    const nth = (this.calls[method] ?? 0) + 1;
    this.calls[method] = nth;
    const { when, acts } = this.item(method, nth);
    const isFirst = nth <= this.script(method)?.length;
    const run = () => acts.forEach((act) => this.act(act, self, { ...call, isFirst }));
    this.host.doHooks(this.name, `in-${method}`, nth);
    if (when === 'tick') process.nextTick(run);
    if (when === 'later') this.host.owe(run);
    if (when !== 'now') return;
    run();
    this.host.doHooks(this.name, `after-${method}`, nth);
  }

  act(word, self, { answer, chunk, isFirst }) {
    const [, verb, count] = /^([a-z]+?)(\d*)$/.exec(word);
    switch (verb) {
      case 'g': return void self.push(this.bytes(count));
      case 'w': return void (isFirst && self.write(this.bytes(count)));
      case 'p': return this.push(self, this.bytes(count));
      case 'x': return this.push(self, chunk);
      case 'eof': return this.push(self, null);
      case 'cb': return count === '' ? answer() : answer(null, this.bytes(count));
      case 'cbx': return answer(null, chunk);
      case 'cbe': return answer(userError('E_CB'));
      case 'destroy': return void self.destroy();
      case 'destroye': return void self.destroy(userError('E_OWN'));
      default: throw new SyntaxError(`not an act: ${word}`);
    }
  }

  push(self, chunk) { this.host.say(`ret push ${this.name} ${bit(self.push(chunk))}`); }

  bytes(count) {
    const bytes = nextBytes(this.made, Number(count));
    this.made += bytes.length;
    return bytes;
  }

  // --- events

  onEvent(event, detail) {
    if (event === 'error' && detail.name === 'AggregateError') this.host.joinsErrors(detail);
    this.host.say(`ev ${this.name} ${event}${this.detailText(event, detail)}`);
    this.came(event);
  }

  // The callback of a write or end. Node does not call that of a composition where it fails.
  calledBack(what, which, error) {
    if (error && this.kind === 'compose') return;
    this.host.say(`cb ${what} ${this.name}${which} ${codeOf(error)}`);
    this.came(`cb-${what}`);
  }

  came(occasion) {
    const nth = (this.fired[occasion] ?? 0) + 1;
    this.fired[occasion] = nth;
    this.host.doHooks(this.name, occasion, nth);
  }

  detailText(event, detail) {
    if (event === 'data') return ` ${chunkText(detail)}`;
    if (event === 'error') return ` ${codeOf(detail)}`;
    if (event === 'pipe' || event === 'unpipe') return ` ${this.host.nameOf(detail)}`;
    return '';
  }

  listen(event) {
    if (this.listeners.has(event)) return;
    const listener = (detail) => this.onEvent(event, detail);
    this.listeners.set(event, listener);
    this.stream.on(event, listener);
  }

  unlisten(event) {
    if (!this.listeners.has(event)) return;
    this.stream.off(event, this.listeners.get(event));
    this.listeners.delete(event);
  }

  // --- state

  stateLine() {
    const parts = [`st ${this.name}`];
    if (this.reads) parts.push(...this.readableState());
    if (this.takes) parts.push(...this.writableState());
    const { destroyed, closed, errored } = this.stream;
    parts.push(`destroyed=${bit(destroyed)}`, `closed=${bit(closed)}`, `errored=${errored ? codeOf(errored) : '-'}`);
    return parts.join(' ');
  }

  readableState() {
    const s = this.stream;
    return [
      `flowing=${bit(s.readableFlowing)}`, `paused=${bit(s.isPaused())}`, `rlen=${s.readableLength}`,
      `rended=${bit(s.readableEnded)}`, `didread=${bit(s.readableDidRead)}`, `raborted=${bit(s.readableAborted)}`,
      `readable=${bit(s.readable)}`,
    ];
  }

  writableState() {
    const s = this.stream;
    // What a destroyed composition has not written counts for ever.
    const length = this.kind === 'compose' && s.destroyed ? [] : [`wlen=${s.writableLength}`];
    return [
      ...length, `needdrain=${bit(s.writableNeedDrain)}`, `corked=${s.writableCorked}`,
      `wended=${bit(s.writableEnded)}`, `finished=${bit(s.writableFinished)}`, `waborted=${bit(s.writableAborted)}`,
      `writable=${bit(s.writable)}`,
    ];
  }

  // The last stream of this composition has failed. If the pipeline inside has come out, Node listens to it no more and
  // loses the error; else the composition has it soon. Where another stream inside is closing for long that cannot be told,
  // and counts as lost.
  lastHasFailed(error, ticks = 4) {
    if (ticks > 0) process.nextTick(() => this.lastHasFailed(error, ticks - 1));
    else if (this.stream.errored !== error) this.host.stop(null);
  }

  // False once Node has lost count of its own buffer: a read inside the user's read may do that, or a writev that answers
  // twice, with a write in between. From there on nothing it does has a meaning.
  isSound() {
    if (this.stream?.writableLength < 0) return false;
    const state = this.stream?._readableState;
    if (!state) return true;
    const waiting = state.buffer.slice(state.bufferIndex);
    const counted = state.objectMode ? waiting.length : waiting.reduce((sum, chunk) => sum + chunk.length, 0);
    return counted === state.length;
  }
}
