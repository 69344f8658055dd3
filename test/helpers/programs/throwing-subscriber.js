'use strict';

// Everything that is published meets a subscriber that throws; two servers serve all the same.

const { subscribe } = require('node:diagnostics_channel');
const { once } = require('node:events');
const { UringTcpServer } = require('../../..');
const { connect, readAll } = require('../clients');
const { eventually } = require('../eventually');
const { listen } = require('../network');

const thrown = [];
process.on('uncaughtException', ({ message }) => thrown.push(message));
for (const name of JSON.parse(process.argv[2]).names) {
  subscribe(`searings:${name}`, () => {
    throw new Error(name);
  });
}

async function ask(port) {
  const client = await connect(port);
  client.end('question');
  const answer = String(await readAll(client));
  client.destroy();
  return answer;
}

async function main() {
  const server = await listen({}, (connection) => connection.resume().end('tcp'));
  const raw = new UringTcpServer();
  await raw.start(({ eventType, connectionId }) => {
    if (eventType === 'data') raw.sendAndClose(connectionId, 'raw');
  });
  const answers = [await ask(server.address().port), await ask(raw.info().port)];
  await eventually(
    () => server.info().connectionsClosed + raw.info().connectionsClosed === 2,
    'ends',
  );
  server.close();
  await once(server, 'close');
  await raw.stop();
  await new Promise(setImmediate);
  console.log(JSON.stringify({ answers, thrown: thrown.sort() }));
}

main();
