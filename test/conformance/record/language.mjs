// language.mjs - a scenario as data.
//
//     streams   [{ name, kind, options: { hwm: 4, ... } }]
//     scripts   { "NAME METHOD": [{ when, acts }] }
//     hooks     { "NAME OCCASION K": [op] }               the occasion is an event, in-METHOD, after-METHOD, cb-write or cb-end
//     turns     [[op]]                                    an op is its words
const MOMENTS = ['now', 'tick', 'later'];

export function parseScenario(text) {
  const scenario = { streams: [], scripts: {}, hooks: {}, turns: [] };
  for (const line of text.split('\n')) {
    const words = line.split(/\s+/).filter((word) => word !== '');
    if (words.length > 0 && !line.trimStart().startsWith('#')) parseLine(scenario, words);
  }
  return scenario;
}

function parseLine(scenario, words) {
  const [first, ...rest] = words;
  switch (first) {
    case 'stream':
      scenario.streams.push(parseStream(rest));
      break;
    case 'script':
      scenario.scripts[rest.slice(0, 2).join(' ')] = rest.slice(2).map(parseItem);
      break;
    case 'when':
      (scenario.hooks[rest.slice(0, 3).join(' ')] ??= []).push(rest.slice(3));
      break;
    case 'turn':
      scenario.turns.push([]);
      break;
    default:
      if (scenario.turns.length === 0) throw new SyntaxError(`an op before the first turn: ${words.join(' ')}`);
      scenario.turns.at(-1).push(words);
  }
}

function parseStream([name, kind, ...words]) {
  const options = {};
  for (const word of words) {
    const [key, value = '1'] = word.split('=');
    options[key] = Number(value);
  }
  return { name, kind, options };
}

function parseItem(word) {
  if (word === '-') return { when: 'never', acts: [] };
  const colon = word.indexOf(':');
  const when = word.slice(0, colon);
  if (!MOMENTS.includes(when)) throw new SyntaxError(`not an item of a script: ${word}`);
  return { when, acts: word.slice(colon + 1).split(',') };
}
