#!/usr/bin/env node
// trace.mjs - prints the trace that Node's own streams give for a scenario.
//
//   trace.mjs < X.scenario           its trace on standard output; exit 3 where Node loses something and there is none
//   trace.mjs --packed FILE...       records all entries of packed files anew, in place; entries in which Node
//                                    loses something are taken out, with a line that says so
import './node26.mjs';
import fs from 'node:fs';
import { traceOf } from './host.mjs';
import { readPacked, writePacked } from './packed.mjs';

async function traceStdin() {
  const trace = await traceOf(fs.readFileSync(0, 'utf8'));
  if (trace === null) {
    process.stderr.write('trace: Node loses bytes, a write or an error here\n');
    process.exitCode = 3;
  } else {
    process.stdout.write(trace);
  }
}

async function recordPacked(path) {
  const entries = readPacked(path);
  for (const entry of entries) {
    entry.trace = await traceOf(entry.scenario);
    if (entry.trace === null) process.stderr.write(`trace: ${path}: Node loses something in ${entry.name}, taken out\n`);
  }
  writePacked(path, entries.filter((entry) => entry.trace !== null));
}

if (process.argv[2] === '--packed') {
  for (const path of process.argv.slice(3)) await recordPacked(path);
} else {
  await traceStdin();
}
