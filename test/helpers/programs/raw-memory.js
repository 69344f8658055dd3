'use strict';

// Broadcasts one large Buffer, and tells whether it can be collected once everybody has it.

const v8 = require('node:v8');
const vm = require('node:vm');
const { UringTcpServer } = require('../../..');
const { connect, readBytes } = require('../clients');
const { eventually } = require('../eventually');
const { MIB } = require('../scale');

const BYTES = 32 * MIB; // more than a socket's buffers take

v8.setFlagsFromString('--expose-gc');
const gc = vm.runInNewContext('gc');

async function main({ clients: count }) {
  const server = new UringTcpServer();
  let opened = 0;
  const { port } = await server.start(({ eventType }) => {
    if (eventType === 'connect') opened++;
  });
  const clients = [];
  for (let i = 0; i < count; i++) clients.push(await connect(port)); // nobody reads yet
  await eventually(() => opened === count, 'the connections');

  let collected = false;
  const registry = new FinalizationRegistry(() => {
    collected = true;
  });
  let taken = 0;
  const send = () => {
    const bytes = Buffer.alloc(BYTES, 'x');
    registry.register(bytes);
    taken = server.broadcast('all', bytes);
  };
  send();
  for (const client of clients.slice(1)) await readBytes(client, BYTES);
  gc();
  await new Promise(setImmediate);
  gc();
  await new Promise(setImmediate);
  const heldWhileSlow = !collected;
  await readBytes(clients[0], BYTES);
  await eventually(() => {
    gc();
    return collected;
  }, 'the Buffer to be collected');
  process.stdout.write(`${JSON.stringify({ taken, heldWhileSlow, collected })}\n`);
  for (const client of clients) client.destroy();
  await server.stop();
}

main(JSON.parse(process.argv[2]));
