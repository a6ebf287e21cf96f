// host.mjs - runs a scenario on node:stream: the host that the language describes.
//
// Each delivery, and the ops of each turn, is one callback of the event loop: between two of them Node runs all that
// process.nextTick was given.
import { parseScenario } from './language.mjs';
import { Member } from './member.mjs';
import { OPS } from './ops.mjs';
import { codeOf } from './values.mjs';

const MAX_IDLE_TURNS = 200;
const TURNS_OF_GRACE = 20;

// Resolves to the trace, or to null where Node itself loses something and there is none.
export function traceOf(text) {
  return new Promise((resolve) => new Host(parseScenario(text), resolve).start());
}

class Host {
  pipelines = 0;
  waits = 0; // calls of finished
  members = [];
  lines = [];
  owed = []; // completions
  turn = 0; // the one that runs, counted from 1
  over = false;

  constructor(scenario, resolve) {
    this.scenario = scenario;
    this.resolve = resolve;
  }

  start() {
    this.onBreak = () => this.stop(null);
    process.on('uncaughtException', this.onBreak);
    setImmediate(() => this.beginTurn());
  }

  // What a broken scenario has left to do may still throw, and must not throw in the next one.
  stop(trace) {
    if (this.over) return;
    this.over = true;
    const leave = (grace) => {
      if (grace > 0) return void setImmediate(leave, grace - 1);
      process.off('uncaughtException', this.onBreak);
      this.resolve(trace);
    };
    leave(trace === null ? TURNS_OF_GRACE : 0);
  }

  // --- turns

  beginTurn() {
    const scripted = this.scenario.turns.length;
    const more = this.turn < scripted || (this.owed.length > 0 && this.turn < scripted + MAX_IDLE_TURNS);
    if (!more) return this.finish();
    this.turn++;
    this.say(`-- ${this.turn}`);
    const steps = this.owed.splice(0);
    if (this.turn <= scripted) steps.push(() => this.doOps(this.scenario.turns[this.turn - 1]));
    setImmediate(() => this.runSteps(steps));
  }

  runSteps(steps) {
    if (this.over) return;
    const step = steps.shift();
    if (step === undefined) return this.endTurn();
    setImmediate(() => this.runSteps(steps));
    step();
  }

  endTurn() {
    for (const member of this.members) this.say(member.stateLine());
    if (!this.over) this.beginTurn();
  }

  finish() {
    this.say('done');
    this.stop(this.lines.join('\n') + '\n');
  }

  doOps(ops) {
    if (this.turn === 1) this.createMembers();
    for (const op of ops) {
      this.say(`op ${op.join(' ')}`);
      this.exec(op);
    }
  }

  createMembers() {
    for (const declaration of this.scenario.streams) this.members.push(new Member(this, declaration));
  }

  // --- what members and ops need

  // What hangs on the nth time of something that comes about in a stream.
  doHooks(name, occasion, nth) {
    for (const op of this.scenario.hooks[`${name} ${occasion} ${nth}`] ?? []) this.exec(op);
  }

  exec([verb, name, ...words]) {
    try {
      OPS[verb](this, this.member(name), ...words);
    } catch (error) {
      if (!error.code) this.stop(null); // thrown by what Node left where nothing should be
      this.say(`throw ${verb} ${codeOf(error)}`);
    }
  }

  // Another error on top of an abort is no abort to Node. Inside a composition that may decide what the composition fails
  // with; here it stays an abort.
  joinsErrors({ code }) {
    if (code === 'ABORT_ERR' && this.members.some(({ kind }) => kind === 'compose')) this.stop(null);
  }

  say(line) {
    if (this.over) return;
    if (this.members.every((member) => member.isSound())) this.lines.push(line);
    else this.stop(null);
  }

  owe(completion) { this.owed.push(completion); }

  member(name) { return this.members.find((member) => member.name === name); }

  nameOf(stream) { return this.members.find((member) => member.stream === stream)?.name ?? '?'; }

  // The first line of a pair makes both sides, the second takes the one that is left.
  pairSide(makeBoth) {
    this.sides ??= makeBoth();
    const side = this.sides.shift();
    if (this.sides.length === 0) this.sides = undefined;
    return side;
  }
}
