// http-compare.mjs SERVER BODY - asks docs/examples/posix/http_server and http_body, and two servers over Node's own `http`
// that do the same, each request of http-cases.tsv, and compares the statuses. http-node.tsv lists what may differ, with the
// sentence of the RFC that decides; a difference that is not there, or one that is there and is none, fails. Node 26.
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MOST_BODY = 1 << 20;
const after = Buffer.from('GET /fox.txt HTTP/1.1\r\nHost: after\r\n\r\n');

// Rows of a table: those of text, without comments, cut at tabs.
const rows = (name) => readFileSync(new URL(name, import.meta.url), 'utf8').split('\n')
  .filter((line) => line && !line.startsWith('#')).map((line) => line.split('\t'));

// The bytes of an escaped text, one character a byte.
function unescape(text) {
  const repeated = text.replace(/\\\((\d+)\*([^)]*)\)/g, (_, times, what) => what.repeat(+times));
  const plain = { r: '\r', n: '\n', t: '\t', 0: '\0', '\\': '\\' };
  return repeated.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex, c) => hex ? String.fromCharCode(parseInt(hex, 16)) : plain[c]);
}

// The statuses of all answers, with a blank between them.
function ask(port, request, waits) {
  return new Promise((done) => {
    const chunks = [];
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      done([...Buffer.concat(chunks).toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => m[1]).join(' '));
    };
    const timer = setTimeout(() => { chunks.push(Buffer.from('HTTP/1.1 000 ')); finish(); }, 10000);
    socket.on('data', (chunk) => {
      if (chunks.push(chunk) === 1 && waits)
        socket.end(after);
    });
    socket.on('end', finish).on('error', finish);
    if (waits)
      socket.write(request);
    else
      socket.end(Buffer.concat([request, after]));
  });
}

// --- the servers -----------------------------------------------------------------------------------------------------------

const started = [];

// The port of a program's first line.
function start(...command) {
  const program = spawn(command[0], command.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(program);
  return new Promise((done) => program.stdout.once('data', (line) => done(+/:(\d+)\//.exec(line)[1])));
}

// The port of a Node server; half-open connections get their answers.
function listen(handler) {
  const server = createServer(handler);
  server.httpAllowHalfOpen = true;
  server.on('checkContinue', handler);
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
}

function reply(res, status, close) {
  if (close)
    res.setHeader('Connection', 'close');
  res.writeHead(status, { 'Content-Length': 0 }).end();
}

const hasBody = (req) => +req.headers['content-length'] > 0 || 'transfer-encoding' in req.headers;

function serveFiles(req, res) {
  const path = req.url.replace(/^http:\/\/[^/?]*/i, '').replace(/\?.*/, '');
  if (req.method !== 'GET' && req.method !== 'HEAD')
    reply(res, 405, hasBody(req));
  else if (hasBody(req))
    reply(res, 413, true);
  else
    reply(res, path === '/fox.txt' ? 200 : 404);
}

function readBodies(req, res) {
  let length = 0;
  if (!['GET', 'HEAD', 'POST', 'PUT'].includes(req.method))
    return reply(res, 405, true);
  if (+req.headers['content-length'] > MOST_BODY)
    return reply(res, 413, true);
  if (req.headers.expect && req.httpVersion === '1.1' && hasBody(req))
    res.writeContinue();
  req.on('data', (chunk) => { length += chunk.length; });
  req.on('end', () => reply(res, length > MOST_BODY ? 413 : 200, true));
  req.on('error', () => {});
}

// --- the comparison --------------------------------------------------------------------------------------------------------

const dir = mkdtempSync(join(tmpdir(), 'http-compare-'));
writeFileSync(join(dir, 'fox.txt'), 'The quick brown fox\n');

const listed = new Map(rows('http-node.tsv').map((row) => [row.slice(0, 4).join('\t'), row]));
const pairs = {
  http_server: [await start(process.argv[2], '--port', '0', dir), await listen(serveFiles)],
  http_body: [await start(process.argv[3], '0'), await listen(readBodies)],
};
let asked = 0, same = 0, wrong = 0;

for (const [name, text, , ...wanted] of rows('http-cases.tsv')) {
  const request = Buffer.from(unescape(text), 'latin1');
  for (const [index, server] of Object.keys(pairs).entries()) {
    const waits = wanted[index].startsWith('100 ');
    const [ours, node] = await Promise.all(pairs[server].map((port) => ask(port, request, waits)));
    const difference = [server, name, ours || '-', node || '-'].join('\t');
    asked++;
    if (ours === node) {
      same++;
    } else if (!listed.delete(difference)) {
      wrong++;
      console.log(`not listed: ${difference}`);
    }
  }
}
for (const row of listed.keys())
  console.log(`listed, but not so: ${row}`);
console.log(`${asked} asked, ${same} equal, ${asked - same - wrong} differ as listed, ${wrong + listed.size} wrong`);
started.forEach((program) => program.kill());
rmSync(dir, { recursive: true });
process.exit(wrong + listed.size > 0 ? 1 : 0);
