'use strict';

// Broadcasts messages that are too long for the pool, to a client that never says a word. Prints how
// many bytes were sent and delivered, and how far the process has grown.

const { fork } = require('node:child_process');
const net = require('node:net');
const { setTimeout: sleep } = require('node:timers/promises');
const { UringTcpServer } = require('../../..');
const { LOOPBACK } = require('../clients');
const { eventually } = require('../eventually');

const MESSAGE = Buffer.alloc(20_000, 'm');
const WARM_UP = 500;
const COUNT = 12_000;

function client(port) {
  let received = 0;
  const socket = net.connect(port, LOOPBACK, () => process.send('connected'));
  socket.on('data', (chunk) => {
    received += chunk.length;
  });
  socket.on('close', () => {
    process.send(received);
    process.disconnect();
  });
}

async function broadcast(server, count) {
  for (let i = 0; i < count; i++) {
    while (server.broadcast('all', MESSAGE) === 0) await sleep(1);
    if (i % 20 === 0) await sleep(1);
  }
}

async function main() {
  const server = new UringTcpServer();
  const { port } = await server.start(() => {});
  const child = fork(__filename, [`${port}`]);
  const answers = [];
  child.on('message', (answer) => answers.push(answer));
  await eventually(() => server.info().connectionsActive === 1, 'the client');
  await eventually(() => server.broadcast('all', '') === 1, 'its announcement');
  await broadcast(server, WARM_UP);
  const before = process.memoryUsage.rss();
  await broadcast(server, COUNT);
  const sent = (WARM_UP + COUNT) * MESSAGE.length;
  await eventually(() => server.info().bytesSent === sent, 'all of it sent');
  const grown = process.memoryUsage.rss() - before;
  await server.stop();
  await eventually(() => answers.length === 2, "the client's count");
  console.log(JSON.stringify({ delivered: answers[1], sent, grown }));
}

const port = Number(process.argv[2]);
if (port > 0) client(port);
else main();
