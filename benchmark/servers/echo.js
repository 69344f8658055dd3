'use strict';

/**
 * The echo server that is measured: `node echo.js net|searings`.
 *
 * The program is the same for both; only the factory differs. It prints one JSON line with its
 * port and then obeys lines on stdin: `stats`, `gc`. It ends with stdin.
 */

const readline = require('node:readline');
const { collectGarbage, readStats } = require('./stats');

const factories = {
  net: () => require('node:net').createServer,
  searings: () => require('../../lib').createTcpServer,
};

function echo(socket) {
  socket.on('data', (data) => socket.write(data));
  // A client that vanishes is the client's business.
  socket.on('error', () => {});
}

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function answer(server, line) {
  if (line === 'stats') {
    server.getConnections((_error, connections) => {
      say({ ...readStats(), connections, info: server.info?.() ?? null });
    });
  } else if (line === 'gc') {
    collectGarbage((collected) => say({ collected }));
  } else {
    say({ error: `unknown command ${line}` });
  }
}

function main() {
  const kind = process.argv[2];
  if (!Object.hasOwn(factories, kind)) {
    process.stderr.write('usage: node echo.js net|searings\n');
    process.exitCode = 2;
    return;
  }
  const server = factories[kind]()(echo);
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));

  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => answer(server, line));
  lines.on('close', () => process.exit(0));
}

main();
