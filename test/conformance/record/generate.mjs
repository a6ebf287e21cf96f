#!/usr/bin/env node
// generate.mjs - random scenarios, the same ones for the same seed.
//
//   generate.mjs SEED                   one scenario on standard output
//   generate.mjs --packed FROM COUNT [FAMILY...]
//                                       those of COUNT seeds from FROM on, as a packed file without traces; of these
//                                       families alone, where any are named
import { FAMILIES } from './families.mjs';
import { pack } from './packed.mjs';
import { Dice } from './random.mjs';
import * as tables from './tables.mjs';

const MANNERS = ['odd', 'pushed', 'steady', 'late', 'drops', 'inner']; // words of a cast that are no options
const SMALL_TURNS = [0, 1, 1, 2, 2, 3, 5];

class Program {
  lines = [];
  members = [];

  constructor(family, seed) {
    this.dice = new Dice(seed);
    this.family = family.like ? { ...FAMILIES[this.dice.pick(family.like)], ...family } : family;
    this.sizes = family.large ? tables.LARGE_SIZES : tables.SIZES;
  }

  text() {
    const { dice, family } = this;
    const cast = typeof family.cast === 'function' ? family.cast(dice) : family.cast;
    cast.forEach((line) => this.addMember(line));
    const first = dice.pick(family.first ?? [[]]);
    const quiet = dice.happens(family.quiet ?? 0);
    if (!quiet || dice.happens(30)) this.addHooks();
    this.addSlotHooks();
    this.addCallbackHooks();
    this.addFirstTurn(typeof first === 'function' ? first(cast, dice) : first);
    if (!quiet) this.addTurns();
    return this.lines.join('\n') + '\n';
  }

  // A text of the tables with its signs replaced, the same sign each time by something else.
  fill(text, name) {
    const { dice, family } = this;
    const signs = {
      $: () => name,
      '#': () => dice.pick(this.sizes),
      '%': () => (family.large ? dice.pick(this.sizes) : dice.between(1, 9)),
      '@': () => dice.pick(tables.MOMENTS),
      '!': () => dice.pick(tables.ERRORS),
    };
    return text.replace(/[$#%@!]/g, (sign) => signs[sign]());
  }

  draw(table, name) { return this.fill(this.dice.weigh(table), name); }

  // --- the cast

  addMember(line) {
    const [name, kind, ...words] = line.split(' ');
    const manners = Object.fromEntries(MANNERS.map((word) => [word, words.includes(word)]));
    const { pushed, inner } = manners;
    const given = words.filter((word) => !MANNERS.includes(word));
    const isPlain = kind !== 'compose' && (kind !== 'pair' || this.members.length === 0); // the other of a pair has no options
    const options = isPlain ? [...this.marks(kind, given), ...given, ...this.switches(kind, given)] : [];
    this.lines.push(['stream', name, kind, ...options].join(' '));
    if (kind !== 'pair' && kind !== 'compose') this.addScripts(name, kind, manners);
    const inside = kind === 'compose' ? this.members.map((member) => member.kind) : [];
    this.members.push({
      name, kind, pushed, inner,
      reads: kind !== 'writable' && !inside.includes('writable'),
      takes: kind !== 'readable' && !inside.includes('readable'),
      isSource: kind === 'readable' || kind === 'duplex',
      isObject: isPlain ? options.includes('object=1') : this.members.some((member) => member.isObject),
    });
  }

  // Those that scenarios call: not what is inside a composition.
  get actors() { return this.members.filter((member) => !member.inner); }

  marks(kind, given) {
    const { dice } = this;
    if (this.family.large || given.some((word) => word.startsWith('hwm='))) return [];
    const mark = () => dice.pick(tables.MARKS);
    const twoSided = kind !== 'readable' && kind !== 'writable';
    return twoSided && dice.happens(60) ? [`rhwm=${mark()}`, `whwm=${mark()}`] : [`hwm=${mark()}`];
  }

  switches(kind, given) {
    if (this.family.plain && this.dice.happens(85)) return [];
    const lines = [...tables.ANY_OPTIONS];
    if (kind === 'writable' || kind === 'duplex') lines.push(...tables.SINK_OPTIONS);
    if (kind === 'duplex' || kind === 'transform' || kind === 'pair') lines.push(...tables.DUPLEX_OPTIONS);
    const drawn = lines.filter((line) => this.dice.happens(parseInt(line, 10))).map((line) => line.split(' ')[1]);
    return drawn.filter((word) => !given.includes(word));
  }

  addScripts(name, kind, { odd, pushed, steady, late, drops }) {
    const common = odd ? 45 : 14;
    const answers = odd ? tables.ODD_ANSWER_ITEMS : tables.ANSWER_ITEMS;
    const flows = this.family.nests ? tables.NESTED_WRITE_ITEMS : tables.STEADY_WRITE_ITEMS;
    const prompt = steady ? flows : tables.WRITE_ITEMS;
    const writes = late ? tables.LATE_WRITE_ITEMS : prompt;
    if ((kind === 'readable' || kind === 'duplex') && !pushed) this.addReadScript(name, odd, steady);
    if (kind === 'writable' || kind === 'duplex') this.addScript(name, 'write', odd ? tables.ODD_WRITE_ITEMS : writes, 4);
    if (drops) this.addDroppingScript(name);
    else if (kind === 'transform') this.addTransformScripts(name, odd, steady);
    if (kind !== 'readable' && kind !== 'passthrough' && this.dice.happens(25)) this.addScript(name, 'final', answers, 1);
    if (this.dice.happens(common)) this.addScript(name, 'construct', answers, 1);
    if (this.dice.happens(common)) this.addScript(name, 'destroy', answers, 1);
  }

  addReadScript(name, odd, steady) {
    const length = steady ? this.dice.between(5, 12) : this.dice.between(1, 6);
    const items = Array.from({ length }, () => this.readItem(steady));
    items.push(this.draw(odd ? tables.ODD_READ_LAST : tables.READ_LAST));
    this.lines.push(`script ${name} read ${items.join(' ')}`);
  }

  readItem(steady) {
    const item = this.draw(steady ? tables.STEADY_READ_ITEMS : tables.READ_ITEMS);
    const { gives } = this.family;
    return gives && this.dice.happens(gives) ? item.replace(/p(\d+)$/, 'g$1') : item;
  }

  addTransformScripts(name, odd, steady) {
    const plain = steady ? tables.STEADY_TRANSFORM_ITEMS : tables.TRANSFORM_ITEMS;
    this.addScript(name, 'transform', odd ? tables.ODD_TRANSFORM_ITEMS : plain, 4);
    if (this.dice.happens(40)) this.addScript(name, 'flush', odd ? tables.ODD_FLUSH_ITEMS : tables.FLUSH_ITEMS, 1);
  }

  addDroppingScript(name) {
    const items = Array.from({ length: this.dice.between(0, 3) }, () => this.draw(tables.KEEPING_ITEMS));
    const drops = Array.from({ length: items.length + 1 }, () => this.draw(tables.DROPPING_ITEMS));
    this.lines.push(`script ${name} transform ${[...items, ...drops].join(' ')}`);
  }

  addScript(name, method, table, most) {
    const items = Array.from({ length: this.dice.between(1, most) }, () => this.draw(table));
    this.lines.push(`script ${name} ${method} ${items.join(' ')}`);
  }

  // --- ops

  op(member = this.dice.pick(this.actors)) {
    const { dice, family } = this;
    const { name, reads, takes, isSource, isObject, pushed } = member;
    const own = family.tables?.flat() ?? [
      ...(reads ? tables.READING : []),
      ...(reads && family.texts && !isObject ? tables.TEXTS : []),
      ...(takes ? tables.WRITING : []),
      ...(takes && family.shares ? tables.SHARING : []),
      ...(isSource && (pushed || dice.happens(20)) ? tables.PUSHING : []),
      ...tables.ENDING,
    ];
    return this.draw([...own, ...(family.also ?? [])], name);
  }

  addHooks() {
    const { dice, family } = this;
    for (let left = dice.between(0, family.hooks ?? 4); left > 0; left--) {
      const { name, reads, takes } = dice.pick(this.actors);
      const sides = [...(reads ? tables.READABLE_EVENTS : []), ...(takes ? tables.WRITABLE_EVENTS : [])];
      const events = sides.length > 0 ? sides : tables.LAST_EVENTS;
      this.lines.push(`when ${name} ${this.draw(events)} ${dice.between(1, 3)} ${this.op()}`);
    }
  }

  // Mostly a stream calls itself in its own methods; what is inside a composition, the composition.
  addSlotHooks() {
    const { dice, family, members } = this;
    const callees = members.filter(({ kind }) => tables.METHODS[kind]);
    if (callees.length === 0) return;
    for (let left = family.inside ? dice.between(1, family.inside) : 0; left > 0; left--) {
      const member = dice.pick(callees);
      const method = dice.pick(this.methodsOf(member));
      const most = tables.OFTEN.includes(method) ? (family.long ? 9 : 4) : 1;
      const call = `${dice.weigh(tables.PLACES)}-${method} ${dice.between(1, most)}`;
      const own = member.inner ? members.find(({ kind }) => kind === 'compose') : member;
      for (let ops = dice.between(1, 2); ops > 0; ops--)
        this.lines.push(`when ${member.name} ${call} ${dice.happens(100 - (family.across ?? 20)) ? this.op(own) : this.op()}`);
    }
  }

  // Those that it implements, the ones that are called often twice.
  methodsOf({ name, kind }) {
    const often = tables.METHODS[kind].filter((method) => tables.OFTEN.includes(method));
    const scripted = tables.METHODS[kind].filter((method) => this.lines.some((line) => line.startsWith(`script ${name} ${method} `)));
    return [...often, ...scripted];
  }

  addCallbackHooks() {
    const { dice, family } = this;
    const sinks = this.actors.filter(({ takes }) => takes);
    if (sinks.length === 0) return;
    for (let left = family.callbacks ? dice.between(1, family.callbacks) : 0; left > 0; left--) {
      const member = dice.pick(sinks);
      const occasion = `${dice.weigh(tables.CALLBACKS)} ${dice.between(1, 3)}`;
      this.lines.push(`when ${member.name} ${occasion} ${dice.happens(70) ? this.op(member) : this.op()}`);
    }
  }

  addFirstTurn(ops) {
    this.lines.push('turn');
    for (const { name } of this.actors)
      if (this.dice.happens(20)) this.lines.push(this.draw(tables.WATCHING, name));
    this.lines.push(...ops);
  }

  addTurns() {
    const { dice } = this;
    for (let turns = dice.between(1, 6); turns > 0; turns--) {
      for (let ops = dice.pick(SMALL_TURNS); ops > 0; ops--) this.lines.push(this.op());
      if (turns > 1) this.lines.push('turn');
    }
  }
}

function generate(seed, names = Object.keys(FAMILIES)) {
  const family = names[seed % names.length];
  const scenario = new Program(FAMILIES[family], seed).text();
  return { name: `${family}-${String(seed).padStart(6, '0')}`, scenario, trace: '' };
}

const [what, from, count, ...names] = process.argv.slice(2);
if (what === '--packed') {
  const seeds = Array.from({ length: Number(count) }, (_, i) => Number(from) + i);
  process.stdout.write(pack(seeds.map((seed) => generate(seed, names.length > 0 ? names : undefined))));
} else {
  process.stdout.write(generate(Number(what)).scenario);
}
