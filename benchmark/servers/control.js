'use strict';

/**
 * What the measured servers have in common: `node <server>.js net|searings`.
 *
 * The program is the same for both; only the factory differs. It prints one JSON line with its
 * port and then obeys lines on stdin: `stats`, `gc`. It ends with stdin.
 */

const path = require('node:path');
const readline = require('node:readline');
const { collectGarbage, readStats } = require('./stats');

const factories = {
  net: () => require('node:net').createServer,
  searings: () => require('../../lib').createTcpServer,
};

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

/** @param {(createServer: Function) => import('node:net').Server} make */
function run(make) {
  const kind = process.argv[2];
  if (!Object.hasOwn(factories, kind)) {
    process.stderr.write(`usage: node ${path.basename(process.argv[1])} net|searings\n`);
    process.exitCode = 2;
    return;
  }
  const server = make(factories[kind]());
  server.listen(0, '127.0.0.1', () => say({ port: server.address().port }));

  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => answer(server, line));
  lines.on('close', () => process.exit(0));
}

module.exports = { run };
