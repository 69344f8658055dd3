'use strict';

// A raw server whose handler throws at every third data event; the exceptions are caught and counted.

const { UringTcpServer } = require('../../..');
const { connect, readAll } = require('../clients');
const { rawEcho } = require('../raw');

async function main({ batched, connections }) {
  let thrown = 0;
  let seen = 0;
  process.on('uncaughtException', (err) => {
    if (err.message === 'from the handler') thrown++;
    else throw err;
  });
  const server = new UringTcpServer({ eventBatchSize: batched ? 1 : 64 });
  const echo = rawEcho(server);
  const handle = (event) => {
    echo(event);
    if (event.eventType === 'data' && ++seen % 3 === 0) throw new Error('from the handler');
  };
  const { port } = await (batched
    ? server.startBatch(([event]) => handle(event))
    : server.start(handle));
  const texts = await Promise.all(
    Array.from({ length: connections }, async (_none, i) => {
      const client = await connect(port);
      const text = readAll(client);
      client.end(`client ${i}`);
      return String(await text);
    }),
  );
  const wrong = texts.filter((text, i) => text !== `client ${i}`);
  await server.stop();
  process.stdout.write(`${JSON.stringify({ wrong, threw: thrown > 0 })}\n`);
}

main(JSON.parse(process.argv[2]));
