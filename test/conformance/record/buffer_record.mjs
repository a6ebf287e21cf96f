// buffer_record.mjs - writes the recorded questions with Node's answers: DIRECTORY/NAME.txt, a line each, a tab between.
import './node26.mjs';
import fs from 'node:fs';
import path from 'node:path';
import { answer } from './buffer_answer.mjs';
import { questions } from './buffer_generate.mjs';

const directory = process.argv[2];
for (const [name, list] of questions()) {
  const lines = list.map((question) => `${question}\t${answer(question)}\n`);
  fs.writeFileSync(path.join(directory, `${name}.txt`), lines.join(''));
  process.stdout.write(`${name}: ${lines.length}\n`);
}
