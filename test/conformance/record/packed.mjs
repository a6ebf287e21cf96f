// packed.mjs - packed corpus files: many scenarios, each with its trace, in one text.
//
//     == NAME
//     the scenario's lines
//     --trace
//     the trace's lines; none where it has not been recorded yet
import fs from 'node:fs';

const ENTRY = '== ';
const TRACE = '--trace';

// { name, scenario, trace } of every entry; texts end in a newline or are empty.
export function unpack(text) {
  const entries = [];
  let entry, part;
  for (const line of text.split('\n').slice(0, -1)) {
    if (line.startsWith(ENTRY)) {
      entry = { name: line.slice(ENTRY.length), scenario: '', trace: '' };
      part = 'scenario';
      entries.push(entry);
    } else if (line === TRACE) {
      part = 'trace';
    } else {
      entry[part] += line + '\n';
    }
  }
  return entries;
}

export function pack(entries) {
  return entries.map((e) => `${ENTRY}${e.name}\n${e.scenario}${TRACE}\n${e.trace}`).join('');
}

export const readPacked = (path) => unpack(fs.readFileSync(path, 'utf8'));
export const writePacked = (path, entries) => fs.writeFileSync(path, pack(entries));

// The family that an entry's name, FAMILY-NUMBER, says.
export const familyOf = (name) => name.slice(0, name.lastIndexOf('-'));
