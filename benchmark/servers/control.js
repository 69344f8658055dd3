'use strict';

/**
 * What the measured servers have in common: `node <server>.js net|searings`, or what else it offers.
 *
 * For net and searings the program is the same; only the factory differs. It prints one JSON line with
 * its port and then obeys lines on stdin: `stats`, `gc`. It ends with stdin.
 */

const path = require('node:path');
const readline = require('node:readline');
const { collectGarbage, readStats } = require('./stats');

/** searings with one fast path more. */
function withOptions(options) {
  const { createTcpServer } = require('../../lib');
  return (listener) => createTcpServer(options, listener);
}

const factories = {
  net: () => require('node:net').createServer,
  searings: () => require('../../lib').createTcpServer,
  inline: () => withOptions({ driver: 'inline' }),
  bundle: () => withOptions({ useRecvBundle: true, bufferSize: 4096, bufferCount: 4096 }),
  incremental: () => withOptions({ useIncrementalBuffers: true }),
  'zero-copy': () => withOptions({ useZeroCopySend: true }),
  registered: () => withOptions({ useRegisteredSendBuffer: true, sendBufferSize: 256 * 1024 }),
};

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function countConnections(server, callback) {
  if (server.getConnections) server.getConnections((_error, connections) => callback(connections));
  else callback(server.info().connectionsActive);
}

function answer(server, line) {
  if (line === 'stats') {
    countConnections(server, (connections) => {
      say({ ...readStats(), connections, info: server.info?.() ?? null });
    });
  } else if (line === 'gc') {
    collectGarbage((collected) => say({ collected }));
  } else {
    say({ error: `unknown command ${line}` });
  }
}

/** @returns a server that prints its port when it listens */
function serveStreams(make, kind) {
  const server = make(factories[kind]());
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));
  return server;
}

function serveRaw({ server, started }) {
  started.then(({ port }) => say({ port }));
  return server;
}

/**
 * @param {(createServer: Function) => import('node:net').Server} make
 * @param {Record<string, () => {server: object, started: Promise<{port: number}>}>} [raws] servers of the
 *   raw API, by the name on the command line
 */
function run(make, raws = {}) {
  const kind = process.argv[2];
  const kinds = [...Object.keys(factories), ...Object.keys(raws)];
  if (!kinds.includes(kind)) {
    process.stderr.write(`usage: node ${path.basename(process.argv[1])} ${kinds.join('|')}\n`);
    process.exitCode = 2;
    return;
  }
  const server = Object.hasOwn(raws, kind) ? serveRaw(raws[kind]()) : serveStreams(make, kind);

  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => answer(server, line));
  lines.on('close', () => process.exit(0));
}

module.exports = { run };
