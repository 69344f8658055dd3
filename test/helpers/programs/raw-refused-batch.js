'use strict';

// Batches that are refused because of one connection, just while the worker cuts all of them.

const { UringTcpServer } = require('../../..');
const { connect } = require('../clients');
const { eventually } = require('../eventually');

const ROUNDS = 30;
const small = Buffer.alloc(16 * 1024);

async function round() {
  const ids = [];
  const server = new UringTcpServer({ sendQueueCapacity: 4096 });
  const { port } = await server.start(({ eventType, connectionId }) => {
    if (eventType === 'connect') ids.push(connectionId);
  });
  const clients = await Promise.all(Array.from({ length: 4 }, () => connect(port)));
  for (const client of clients) client.pause();
  await eventually(() => ids.length === 4, '4 connections');
  const [free, , , full] = ids;
  while (server.send(full, small)) {}
  const entries = Array.from({ length: 3000 }, () => ({ connectionId: free, data: small }));
  entries.unshift({ connectionId: full, data: small });
  const stopped = server.stop();
  server.sendBatch(entries);
  await stopped;
  for (const client of clients) client.destroy();
}

async function main() {
  for (let i = 0; i < ROUNDS; i++) await round();
}

main();
