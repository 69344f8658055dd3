'use strict';

// A raw server that sends at its first data, and then ends its process in this way.

const { UringTcpServer } = require('../../..');

const WAYS = {
  exit: () => process.exit(3),
  exitHandler: () => process.exit(3),
  unref: (server) => server.unref(),
  throws: () => {
    throw new Error('nobody catches this');
  },
};

async function main({ how }) {
  const server = new UringTcpServer();
  let id;
  if (how === 'exitHandler') process.on('exit', () => server.send(id, 'last words'));
  const { port } = await server.start((event) => {
    if (event.eventType !== 'data') return;
    id = event.connectionId;
    if (how !== 'exitHandler') server.send(id, 'last words');
    WAYS[how](server);
  });
  process.stdout.write(`${JSON.stringify(port)}\n`);
}

main(JSON.parse(process.argv[2]));
