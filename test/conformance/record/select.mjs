#!/usr/bin/env node
// select.mjs - adds to the corpus the scenarios that bring something new to it.
//
//   select.mjs CORPUS CANDIDATES [RUNNER]
//
// CORPUS is the directory of packed files, CANDIDATES one packed file with traces. What the corpus has stays. Candidates
// are asked in order of their size, the shortest first, and each one stays that has
//
//   - an event pattern which none before it has: what happens twice in a row (a call, a return, an event, a callback;
//     without the ops and turns between), as shapes; or
//   - an edge between basic blocks of the library that none before it took, by RUNNER, a runner built with edges.c.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { familyOf, readPacked, writePacked } from './packed.mjs';

const LARGEST = 3200; // bytes of scenario and trace

const byName = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
const size = (entry) => entry.scenario.length + entry.trace.length;

// --- shapes: lines without names, numbers and contents

function kindsOf(scenario) {
  const declarations = scenario.split('\n').map((line) => line.split(' ')).filter(([word]) => word === 'stream');
  return new Map(declarations.map(([, name, kind]) => [name, kind]));
}

function wordShape(word, keepsNumbers) {
  if (/^\d+:/.test(word)) return word.startsWith('0:') ? 'empty' : 'chunk';
  if (/^\d+$/.test(word)) return keepsNumbers ? word : '';
  if (/^E_/.test(word)) return 'E';
  return word;
}

function lineShape(line, kinds) {
  const words = line.split(' ').map((word) => kinds.get(word) ?? wordShape(word, line.startsWith('ret ')));
  return words.join(' ');
}

function patternsOf({ scenario, trace }) {
  const kinds = kindsOf(scenario);
  const happenings = trace.split('\n').filter((line) => /^(call|ret|ev|cb|throw) /.test(line));
  const shapes = happenings.map((line) => lineShape(line, kinds));
  return shapes.slice(1).map((shape, i) => `${shapes[i]} > ${shape}`);
}

// --- edges

// How many edges each entry takes that none before it took.
function newEdges(entries, runner) {
  if (!runner) return entries.map(() => 0);
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'select-'));
  const packed = path.join(dir, 'all.txt'), edges = path.join(dir, 'edges');
  writePacked(packed, entries);
  try {
    execFileSync(runner, ['--replay', packed], { stdio: 'ignore', env: { ...process.env, EDGES: edges } });
  } catch { // some differ from Node: they count all the same
  }
  const counts = fs.readFileSync(edges, 'utf8').split('\n').slice(0, -1).map(Number);
  fs.rmSync(dir, { recursive: true });
  if (counts.length !== entries.length) throw new Error(`the runner ran ${counts.length} of ${entries.length} scenarios`);
  return counts;
}

// --- the choice

function choose(kept, candidates, runner) {
  const all = [...kept, ...candidates];
  const edges = newEdges(all, runner);
  const seen = new Set();
  return all.filter((entry, i) => {
    const news = patternsOf(entry).filter((pattern) => !seen.has(pattern));
    const chosen = i < kept.length || edges[i] > 0 || news.length > 0;
    if (chosen) news.forEach((pattern) => seen.add(pattern));
    return chosen;
  });
}

function readCorpus(dir) {
  const files = fs.readdirSync(dir).filter((file) => file.endsWith('.txt')).sort();
  return files.flatMap((file) => readPacked(path.join(dir, file)));
}

function writeCorpus(dir, entries) {
  const families = Map.groupBy(entries.toSorted(byName), (entry) => familyOf(entry.name));
  for (const [family, members] of families) writePacked(path.join(dir, `${family}.txt`), members);
}

const [corpus, candidatesFile, runner] = process.argv.slice(2);
const kept = readCorpus(corpus);
const names = new Set(kept.map((entry) => entry.name));
const candidates = readPacked(candidatesFile)
  .filter((entry) => size(entry) <= LARGEST && !names.has(entry.name))
  .sort((a, b) => size(a) - size(b) || byName(a, b));
const chosen = choose(kept, candidates, runner);
writeCorpus(corpus, chosen);
console.log(`corpus: ${kept.length} scenarios before, ${chosen.length - kept.length} of ${candidates.length} candidates added`);
