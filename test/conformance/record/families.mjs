// families.mjs - the shapes that the generator's scenarios have: each is a way in which streams are used.
//
//     cast     the streams, 'NAME KIND OPTION...'; or a function of the dice that gives them. Beside the options of
//              the language: `odd` has misbehaving methods, `pushed` no source of its own, `steady` long scripts,
//              `late` a sink that seldom answers at once, `drops` a stage that drops some of the chunks;
//              `inner` is inside a composition, and only that is called
//     like     families of which one is drawn: what is not said here is as there
//     first    alternatives for the first turn: lists of ops
//     also     ops that are drawn beside those that any stream of the cast can do, 'WEIGHT op'
//     tables   the ops in place of those that the kinds of the streams bring
//     hooks    the most hooks that there are; 4 where absent
//     inside   the most hooks inside methods; `callbacks`, in callbacks of writes and ends; none where absent
//     long     methods are called often
//     texts    encodings are set; `shares`, writes have callbacks of any kind
//     nests    steady sinks write to themselves
//     gives    so many of a hundred reads that push last do it by the answer
//     quiet    in how many of a hundred scenarios the first turn is all that is done
//     plain    streams seldom have other options than marks
//     large    sizes are around the default highWaterMarks
import { BURSTS, SHARING, WRITING } from './tables.mjs';

const chainNames = (cast) => cast.map((line) => line.split(' ')[0]);

function chainCast(dice, least, extra = '') {
  const middle = Array.from({ length: dice.between(least, 3) }, (_, i) => `t${i} ${dice.weigh(['3 transform', '1 passthrough'])}`);
  return ['r readable', ...middle, `w writable${extra}`];
}

// Stages that only hand on, in front of something that answers or listens: calls are made while a chunk is under way.
function rowCast(dice) {
  const source = dice.pick(['r readable', 'r readable pushed', 'r readable pushed', 'r duplex']);
  const middle = Array.from({ length: dice.between(1, 4) }, (_, i) => `p${i} passthrough`);
  return [source, ...middle, `w ${dice.pick(['writable', 'writable', 'duplex', 'transform', 'passthrough'])}`];
}

function steadyCast(dice) {
  const middle = Array.from({ length: dice.between(0, 3) }, (_, i) => `t${i} ${dice.weigh(['3 passthrough', '1 transform'])} steady`);
  return [`r ${dice.weigh(['4 readable', '1 duplex'])} steady`, ...middle, `w ${dice.weigh(['4 writable', '1 duplex'])} steady`];
}

// Pass-throughs that are full: they get more than they and the sink hold, and the sink answers late.
function fullCast(dice) {
  const source = dice.weigh(['3 ', '2 r readable steady', '1 r readable pushed', '1 r duplex steady']);
  const middle = Array.from({ length: dice.between(1, 3) }, (_, i) => `p${i} passthrough`);
  if (dice.happens(20)) middle.splice(dice.between(0, middle.length), 0, 't transform steady');
  const sink = dice.weigh(['8 writable late', '2 writable steady', '1 duplex late', '1 transform steady', '1 passthrough']);
  return [...(source ? [source] : []), ...middle, `w ${sink} ${dice.weigh(['2 hwm=2', '2 hwm=4', '3 hwm=9', '4 hwm=16', '5 hwm=40', '2 hwm=200'])}`];
}

// So many writes at once, to the first or to any of them, before or behind the pipes.
function fill(cast, dice) {
  const names = chainNames(cast).filter((name) => name !== 'r' && name !== 'w');
  const writes = Array.from({ length: dice.pick([3, 4, 5, 6, 7, 9, 12, 24]) }, () => {
    const name = dice.happens(80) ? names[0] : dice.pick(names);
    return `write ${name} ${dice.pick(FEW)}${dice.happens(92) ? ' nocb' : ''}`;
  });
  const pipes = dice.happens(15) ? [`pipeline ${chainNames(cast).join(' ')}`] : pipeAll(cast);
  if (dice.happens(15)) return [...writes, ...pipes];
  if (dice.happens(30)) pipes.push(`pause ${dice.pick(names)}`);
  return [...pipes, ...writes];
}

// Stages in a ring, one of which drops half of the chunks that come to it at least, so that each comes to an end.
function wheelCast(dice) {
  const stages = Array.from({ length: dice.between(0, 3) }, (_, i) => `p${i} passthrough`);
  stages.splice(dice.between(0, stages.length), 0, 't transform drops');
  return stages;
}

const ringOf = (cast) => [...pipeAll(cast), `pipe ${chainNames(cast).at(-1)} ${chainNames(cast)[0]}`];

function turnWheel(cast, dice) {
  const writes = Array.from({ length: dice.between(1, 8) }, () => {
    return `write ${dice.pick(chainNames(cast))} ${dice.pick(FEW)}${dice.happens(85) ? ' nocb' : ''}`;
  });
  return dice.happens(40) ? [...writes, ...ringOf(cast)] : [...ringOf(cast), ...writes];
}

// Two streams at least, c in front of them, and sometimes what is piped into it or out of it.
function composeCast(dice) {
  const [isSource, isSink, hasSource, hasSink] = [12, 12, 20, 20].map((percent) => dice.happens(percent));
  const ends = isSource + isSink;
  const length = Math.max(dice.between(1, 3), 2 - ends);
  const middle = Array.from({ length }, (_, i) => `t${i} ${dice.weigh(['3 transform', '2 passthrough'])} inner`);
  return [
    ...(isSource ? ['q readable inner'] : []),
    ...middle,
    ...(isSink ? ['v writable inner'] : []),
    'c compose',
    ...(hasSource && !isSource ? ['r readable'] : []),
    ...(hasSink && !isSink ? ['w writable'] : []),
  ];
}

function joinOutside(cast) {
  const names = chainNames(cast);
  return [...(names.includes('r') ? ['pipe r c'] : []), ...(names.includes('w') ? ['pipe c w'] : [])];
}

const SINGLE = ['read', 'push', 'write', 'vector', 'duplex', 'half', 'transform', 'pass', 'object', 'zero'];
const JOINED = ['pipe', 'tube', 'fan', 'merge', 'ring', 'chain', 'row', 'line', 'loop', 'pair'];

const FEW = [0, 1, 2, 2, 3, 3, 4, 5, 6, 8];

const pipeAll = (cast) => chainNames(cast).slice(1).map((name, i) => `pipe ${chainNames(cast)[i]} ${name}`);

export const FAMILIES = {
  read: { cast: ['r readable'] },
  push: { cast: ['r readable pushed'] },
  write: { cast: ['w writable'] },
  vector: { cast: ['w writable writev=1'], tables: [WRITING], also: ['4 cork w', '4 uncork w', '1 destroy w!'] },
  shared: { cast: (dice) => [`w ${dice.pick(['writable', 'writable', 'duplex', 'transform'])}`], tables: [SHARING] },
  duplex: { cast: ['d duplex'] },
  half: { cast: (dice) => [`d duplex ${dice.pick(['readable=0', 'writable=0'])}`] },
  transform: { cast: ['t transform'] },
  pass: { cast: ['t passthrough'] },
  object: { cast: (dice) => [`s ${dice.pick(['readable', 'readable pushed', 'duplex', 'transform'])} object=1`] },
  zero: { cast: (dice) => [`s ${dice.pick(['readable', 'readable pushed', 'duplex', 'transform', 'writable'])} hwm=0`] },
  odd: { cast: (dice) => [`s ${dice.pick(['readable', 'writable', 'duplex', 'transform', 'transform'])} odd`] },
  default: {
    cast: ['r readable', 't passthrough', 'w writable'],
    large: true,
    first: [[], ['pipe r w'], ['pipe r t', 'pipe t w'], ['pipeline r t w'], ['pipe r t', 'pipe r w']],
  },
  pipe: {
    cast: ['r readable', 'w writable'],
    first: [['pipe r w'], ['pipe r w'], ['pipe r w noend'], ['pipe r w', 'pipe r w'], ['listen r data', 'pipe r w']],
    also: ['3 pipe r w', '3 unpipe r w', '2 unpipe r', '1 pipe r w noend'],
    quiet: 15,
  },
  tube: {
    cast: (dice) => [`r ${dice.pick(['readable pushed', 'duplex', 'transform'])}`, `w ${dice.pick(['writable', 'duplex', 'transform'])}`],
    first: [['pipe r w'], ['pipe r w noend'], ['pipe r w', 'resume r']],
    also: ['2 unpipe r', '1 pipe r w'],
  },
  fan: {
    cast: ['r readable', 'v writable', 'w writable'],
    first: [['pipe r v', 'pipe r w'], ['pipe r v', 'pipe r w'], ['pipe r v', 'pipe r w noend', 'pipe r v']],
    also: ['3 unpipe r v', '3 unpipe r w', '2 unpipe r', '2 pipe r v', '2 pipe r w'],
    quiet: 20,
  },
  merge: {
    cast: ['q readable', 'r readable', 'w writable'],
    first: [['pipe q w', 'pipe r w'], ['pipe q w noend', 'pipe r w'], ['pipe q w']],
    also: ['3 pipe r w', '2 unpipe q w', '2 unpipe r w', '1 end w'],
    quiet: 20,
  },
  ring: {
    cast: ['a duplex', 'b duplex'],
    first: [['pipe a b', 'pipe b a'], ['pipe a b', 'pipe b a'], ['pipe a a'], ['pipe a b', 'pipe b a noend']],
    also: ['1 unpipe a b', '1 unpipe b a', '1 unpipe a'],
    quiet: 30,
  },
  chain: { cast: (dice) => chainCast(dice, 1), first: [pipeAll], quiet: 40 },
  row: {
    cast: rowCast,
    first: [
      pipeAll, pipeAll, (cast) => [...pipeAll(cast), `listen ${cast.length > 3 ? 'p1' : 'p0'} data`],
      (cast) => [`pipeline ${chainNames(cast).join(' ')}`], (cast) => [...pipeAll(cast), 'pipe p0 w'],
    ],
    also: [
      '6 push r #', '4 push r %', '2 write p0 #', '2 unpipe r p0', '2 unpipe p0', '2 pipe r p0', '1 pipe p0 w', '1 push r eof',
      '2 pause p0', '2 resume p0', '2 cork p0', '2 uncork p0', '1 unpipe p0 w', '1 listen p0 data',
    ],
    hooks: 8,
    quiet: 10,
  },
  line: { cast: (dice) => chainCast(dice, 0), first: [(cast) => [`pipeline ${chainNames(cast).join(' ')}`]], quiet: 40 },
  broken: {
    cast: (dice) => chainCast(dice, 1).map((line) => (dice.happens(50) ? `${line} odd` : line)),
    first: [pipeAll, (cast) => [`pipeline ${chainNames(cast).join(' ')}`]],
    quiet: 50,
  },
  loop: {
    cast: ['r readable', 't transform', 'd duplex'],
    first: [['pipeline r t'], ['pipeline r d'], ['pipeline r t d'], ['pipeline d t d'], ['pipeline t d t'], ['pipeline d d']],
    quiet: 20,
  },
  late: {
    cast: ['r readable', 'd duplex', 'w writable'],
    also: [
      '3 pipeline r w', '2 pipeline r d', '2 pipeline d w', '2 pipeline r d w', '3 pipe r w', '2 pipe r d', '2 pipe d w',
      '3 finished r', '4 finished d', '3 finished w', '2 finished d readable=0', '2 finished d writable=0', '2 end d', '2 end w',
      '3 resume r', '3 resume d', '2 destroy r!', '2 destroy d!', '2 destroy w!', '1 push r eof', '1 push d eof',
    ],
    tables: [],
  },
  signal: {
    cast: ['r readable signal=1', 'd duplex signal=1', 'w writable signal=1'],
    first: [['pipe r w'], ['pipeline r w'], ['pipeline r d w'], ['pipe r d', 'pipe d w'], ['resume r'], ['abort d'], ['pipeline d w']],
    also: ['12 abort r', '12 abort d', '12 abort w'],
  },
  pair: {
    cast: ['a pair', 'b pair'],
    first: [[], [], ['resume b'], ['pipe b b'], ['listen a data', 'listen b readable']],
  },
  inside: { like: [...SINGLE, 'odd', ...JOINED, 'broken'], inside: 4, callbacks: 2, shares: true, gives: 30 },
  text: { like: ['read', 'push', 'duplex', 'transform', 'pass', 'zero', ...JOINED], inside: 3, texts: true, gives: 30 },
  steady: {
    cast: steadyCast,
    first: [pipeAll, pipeAll, (cast) => [`pipeline ${chainNames(cast).join(' ')}`]],
    hooks: 2, inside: 4, long: true, shares: true, gives: 30, quiet: 30,
  },
  burst: {
    cast: (dice) => [`w ${dice.weigh(['4 writable', '2 duplex', '1 transform', '1 passthrough'])} steady`],
    tables: [BURSTS],
    hooks: 2, inside: 4, callbacks: 4, long: true,
  },
  full: {
    cast: fullCast,
    first: [fill],
    also: [
      '40 write p0 % nocb', '8 write w % nocb', '3 pause p0', '4 resume p0', '1 unshift p0 %', '1 cork p0', '2 uncork p0', '1 cork w', '2 uncork w', '1 unpipe p0', '2 pipe p0 w',
    ],
    hooks: 3, inside: 3, across: 70, long: true, plain: true, gives: 40, quiet: 35,
  },
  wheel: {
    cast: wheelCast,
    first: [turnWheel],
    also: ['30 write t % nocb', '3 pause t', '3 resume t', '1 unpipe t', '1 cork t', '2 uncork t'],
    hooks: 2, inside: 3, across: 70, long: true, plain: true, quiet: 35,
  },
  deep: {
    cast: (dice) => [
      ...Array.from({ length: dice.between(31, 50) }, (_, i) => `p${i} passthrough`), `w writable ${dice.pick(['steady', 'late'])}`,
    ],
    first: [fill],
    plain: true, quiet: 100,
  },
  nest: { like: ['burst'], inside: 2, callbacks: 2, nests: true },
  compose: { cast: composeCast, first: [joinOutside], also: ['1 destroy t0!'], inside: 3, callbacks: 2, shares: true },
};
