// node26.mjs - ends the program where it runs on another Node than the one that libcstream follows.
export const WANTED = 'v26.10.0';

if (process.version !== WANTED) {
  process.stderr.write(`record: this is node ${process.version}, the corpus is recorded with ${WANTED}\n`);
  process.exit(2);
}
