'use strict';

// An echo server in a worker thread. Posts its port, answers 'info', 'close', 'block' and 'exit',
// and with `fails` throws at its first data.

const { parentPort, workerData } = require('node:worker_threads');
const { echo } = require('../echo');
const { listen } = require('../network');

const answers = {
  info: (server) => parentPort.postMessage(server.info()),
  close: (server) => {
    server.close(() => parentPort.postMessage('closed'));
    parentPort.unref();
  },
  block: () => {
    parentPort.postMessage('blocking');
    for (;;) {}
  },
  exit: () => process.exit(5),
};

async function main() {
  const server = await listen(workerData.options ?? {}, (connection) => {
    connection.on('error', () => {});
    if (workerData.fails) {
      connection.on('data', () => {
        throw new Error('from the worker');
      });
    }
    echo(connection);
  });
  parentPort.on('message', (what) => answers[what](server));
  parentPort.postMessage({ port: server.address().port });
}

main();
