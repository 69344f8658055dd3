'use strict';

// A raw server in a worker thread. Posts its port; answers 'stop', 'block' and 'exit'.

const { parentPort } = require('node:worker_threads');
const { UringTcpServer, UringTcpEchoServer } = require('../../..');
const { rawEcho } = require('../raw');

const answers = {
  async stop(servers) {
    await Promise.all(servers.map((server) => server.stop()));
    parentPort.postMessage('stopped');
    parentPort.unref();
  },
  block() {
    parentPort.postMessage('blocking');
    for (;;) {}
  },
  exit: () => process.exit(5),
};

async function main() {
  const server = new UringTcpServer();
  const echo = new UringTcpEchoServer();
  const { port } = await server.start(rawEcho(server));
  const { port: echoPort } = await echo.start();
  parentPort.on('message', (what) => answers[what]([server, echo]));
  parentPort.postMessage({ port, echoPort });
}

main();
