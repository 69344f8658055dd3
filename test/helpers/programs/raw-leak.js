'use strict';

// Lets `rounds` of `events` echoed messages go through a raw server, and prints the heap after each round.

const v8 = require('node:v8');
const vm = require('node:vm');
const { UringTcpServer } = require('../../..');
const { connect } = require('../clients');

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');

const MESSAGE = 64;

async function main({ batched, rounds, events }) {
  const server = new UringTcpServer({ bufferSize: MESSAGE });
  let told = 0;
  let limit = 0;
  let done = () => {};
  const echo = ({ eventType, connectionId, data }) => {
    if (eventType !== 'data') return;
    told++;
    server.send(connectionId, data);
    if (told === limit) done();
  };
  const onEvents = (list) => {
    for (const event of list) echo(event);
  };
  const { port } = await (batched ? server.startBatch(onEvents) : server.start(echo));
  const clients = await Promise.all(Array.from({ length: 16 }, () => connect(port)));
  for (const client of clients) {
    client.on('data', (chunk) => client.write(chunk));
    client.write(Buffer.alloc(16 * MESSAGE));
  }
  const heaps = [];
  const start = performance.now();
  for (let round = 1; round <= rounds; round++) {
    await new Promise((resolve) => {
      limit = told + events;
      done = resolve;
    });
    gc();
    heaps.push(process.memoryUsage().heapUsed);
  }
  const perSecond = (1000 * rounds * events) / (performance.now() - start);
  process.stdout.write(`${JSON.stringify({ heaps, perSecond })}\n`);
  for (const client of clients) client.destroy();
  await server.stop();
}

main(JSON.parse(process.argv[2]));
