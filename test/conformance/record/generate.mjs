#!/usr/bin/env node
// generate.mjs - random scenarios, the same ones for the same seed.
//
//   generate.mjs SEED                   one scenario on standard output
//   generate.mjs --packed FROM COUNT    those of COUNT seeds from FROM on, as a packed file without traces
import { FAMILIES } from './families.mjs';
import { pack } from './packed.mjs';
import { Dice } from './random.mjs';
import * as tables from './tables.mjs';

const FAMILY_NAMES = Object.keys(FAMILIES);
const SMALL_TURNS = [0, 1, 1, 2, 2, 3, 5];

class Program {
  lines = [];
  members = [];

  constructor(family, seed) {
    this.dice = new Dice(seed);
    this.family = family;
    this.sizes = family.large ? tables.LARGE_SIZES : tables.SIZES;
  }

  text() {
    const { dice, family } = this;
    const cast = typeof family.cast === 'function' ? family.cast(dice) : family.cast;
    cast.forEach((line) => this.addMember(line));
    const first = dice.pick(family.first ?? [[]]);
    const quiet = dice.happens(family.quiet ?? 0);
    if (!quiet || dice.happens(30)) this.addHooks();
    this.addFirstTurn(typeof first === 'function' ? first(cast) : first);
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
    const odd = words.includes('odd'), pushed = words.includes('pushed');
    const given = words.filter((word) => word !== 'odd' && word !== 'pushed');
    const isFirst = kind !== 'pair' || this.members.length === 0; // the other of a pair has no options of its own
    const options = isFirst ? [...this.marks(kind, given), ...given, ...this.switches(kind, given)] : [];
    this.lines.push(['stream', name, kind, ...options].join(' '));
    if (kind !== 'pair') this.addScripts(name, kind, odd, pushed);
    this.members.push({
      name, pushed, reads: kind !== 'writable', takes: kind !== 'readable', isSource: kind === 'readable' || kind === 'duplex',
    });
  }

  marks(kind, given) {
    const { dice } = this;
    if (this.family.large || given.some((word) => word.startsWith('hwm='))) return [];
    const mark = () => dice.pick(tables.MARKS);
    const twoSided = kind !== 'readable' && kind !== 'writable';
    return twoSided && dice.happens(60) ? [`rhwm=${mark()}`, `whwm=${mark()}`] : [`hwm=${mark()}`];
  }

  switches(kind, given) {
    const lines = [...tables.ANY_OPTIONS];
    if (kind === 'writable' || kind === 'duplex') lines.push(...tables.SINK_OPTIONS);
    if (kind === 'duplex' || kind === 'transform' || kind === 'pair') lines.push(...tables.DUPLEX_OPTIONS);
    const drawn = lines.filter((line) => this.dice.happens(parseInt(line, 10))).map((line) => line.split(' ')[1]);
    return drawn.filter((word) => !given.includes(word));
  }

  addScripts(name, kind, odd, pushed) {
    const common = odd ? 45 : 14;
    const answers = odd ? tables.ODD_ANSWER_ITEMS : tables.ANSWER_ITEMS;
    if ((kind === 'readable' || kind === 'duplex') && !pushed) this.addReadScript(name, odd);
    if (kind === 'writable' || kind === 'duplex') this.addScript(name, 'write', odd ? tables.ODD_WRITE_ITEMS : tables.WRITE_ITEMS, 4);
    if (kind === 'transform') this.addTransformScripts(name, odd);
    if (kind !== 'readable' && kind !== 'passthrough' && this.dice.happens(25)) this.addScript(name, 'final', answers, 1);
    if (this.dice.happens(common)) this.addScript(name, 'construct', answers, 1);
    if (this.dice.happens(common)) this.addScript(name, 'destroy', answers, 1);
  }

  addReadScript(name, odd) {
    const items = Array.from({ length: this.dice.between(1, 6) }, () => this.draw(tables.READ_ITEMS));
    items.push(this.draw(odd ? tables.ODD_READ_LAST : tables.READ_LAST));
    this.lines.push(`script ${name} read ${items.join(' ')}`);
  }

  addTransformScripts(name, odd) {
    this.addScript(name, 'transform', odd ? tables.ODD_TRANSFORM_ITEMS : tables.TRANSFORM_ITEMS, 4);
    if (this.dice.happens(40)) this.addScript(name, 'flush', odd ? tables.ODD_FLUSH_ITEMS : tables.FLUSH_ITEMS, 1);
  }

  addScript(name, method, table, most) {
    const items = Array.from({ length: this.dice.between(1, most) }, () => this.draw(table));
    this.lines.push(`script ${name} ${method} ${items.join(' ')}`);
  }

  // --- ops

  op() {
    const { dice, family } = this;
    const { name, reads, takes, isSource, pushed } = dice.pick(this.members);
    const own = family.tables?.flat() ?? [
      ...(reads ? tables.READING : []),
      ...(takes ? tables.WRITING : []),
      ...(isSource && (pushed || dice.happens(20)) ? tables.PUSHING : []),
      ...tables.ENDING,
    ];
    return this.draw([...own, ...(family.also ?? [])], name);
  }

  addHooks() {
    const { dice, family } = this;
    for (let left = dice.between(0, family.hooks ?? 4); left > 0; left--) {
      const { name, reads, takes } = dice.pick(this.members);
      const events = [...(reads ? tables.READABLE_EVENTS : []), ...(takes ? tables.WRITABLE_EVENTS : [])];
      this.lines.push(`when ${name} ${this.draw(events)} ${dice.between(1, 3)} ${this.op()}`);
    }
  }

  addFirstTurn(ops) {
    this.lines.push('turn');
    for (const { name } of this.members)
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

function generate(seed) {
  const family = FAMILY_NAMES[seed % FAMILY_NAMES.length];
  const scenario = new Program(FAMILIES[family], seed).text();
  return { name: `${family}-${String(seed).padStart(6, '0')}`, scenario, trace: '' };
}

const [what, from, count] = process.argv.slice(2);
if (what === '--packed') {
  const seeds = Array.from({ length: Number(count) }, (_, i) => Number(from) + i);
  process.stdout.write(pack(seeds.map(generate)));
} else {
  process.stdout.write(generate(Number(what)).scenario);
}
