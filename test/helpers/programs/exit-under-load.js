'use strict';

// A server whose process comes to its end while clients send. Prints its port when it listens.

const { once } = require('node:events');
const { createTcpServer } = require('../../..');
const { echo } = require('../echo');
const { LOOPBACK } = require('../clients');

const { how, servers = 1, options } = JSON.parse(process.argv[2]);
const EXIT_CODE = 7;
const ENOUGH = 4 * 1024 * 1024;

let received = 0;

const ends = {
  exit: () => process.exit(EXIT_CODE),
  'exit-code': () => {
    process.exitCode = EXIT_CODE;
    for (const server of all) {
      server.stop();
    }
  },
  'exit-in-tick': () => process.nextTick(() => process.exit(EXIT_CODE)),
  'exit-blocked': () => {
    // Let events wait: what is under way must not be handed to a process that is ending.
    const end = performance.now() + 100;
    while (performance.now() < end) {}
    process.exit(EXIT_CODE);
  },
  'exit-after-stop': () => {
    for (const server of all) {
      server.stop();
    }
    process.exit(EXIT_CODE);
  },
  'stop-at-exit': () => process.exit(EXIT_CODE),
  throw: () => {
    throw new Error('from the data handler');
  },
  signal: () => process.kill(process.pid, 'SIGTERM'),
};

function accept(connection) {
  connection.on('error', () => {});
  connection.on('data', (chunk) => {
    const before = received;
    received += chunk.length;
    if (before < ENOUGH && received >= ENOUGH) {
      ends[how]();
    }
  });
  echo(connection);
}

const all = Array.from({ length: servers }, () => createTcpServer(options, accept));

if (how === 'stop-at-exit') {
  process.on('exit', () => {
    for (const server of all) {
      server.stop();
    }
  });
}

async function main() {
  for (const server of all) {
    server.listen(0, LOOPBACK);
  }
  if (how === 'exit-at-once') {
    process.exit(EXIT_CODE);
  }
  await Promise.all(all.map((server) => once(server, 'listening')));
  console.log(JSON.stringify({ ports: all.map((server) => server.address().port) }));
}

main();
