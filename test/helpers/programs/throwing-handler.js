'use strict';

// Every third connection's data handler throws at its first data. The others must not lose a byte.

const { once } = require('node:events');
const { closed, connect } = require('../clients');
const { listen } = require('../network');
const { RandomCheck, RandomStream } = require('../random');

const { connections, bytes } = JSON.parse(process.argv[2]);

let thrown = 0;
process.on('uncaughtException', (error) => {
  if (error.message !== 'from the data handler') {
    console.error(error);
    process.exit(1);
  }
  thrown++;
});

/** The first byte is a connection's number; the rest is its random stream. */
function take(connection, checks) {
  let number;
  let throws = false;
  connection.on('data', (chunk) => {
    const first = number === undefined;
    number ??= chunk[0];
    throws = number % 3 === 0;
    checks[number] ??= new RandomCheck(number);
    checks[number].push(first ? chunk.subarray(1) : chunk);
    if (first && throws) {
      throw new Error('from the data handler');
    }
  });
}

async function main() {
  const checks = [];
  const server = await listen({}, (connection) => take(connection, checks));
  const { port } = server.address();
  const clients = await Promise.all(Array.from({ length: connections }, () => connect(port)));
  const gone = clients.map((client) => closed(client.resume()));
  // In one turn, so that the events of many connections come together.
  clients.forEach((client, number) => {
    client.write(Buffer.of(number));
    client.end(new RandomStream(number).bytes(bytes));
  });
  await Promise.all(gone);
  const failures = checks
    .map(({ position }, number) => `connection ${number}: ${position} bytes`)
    .filter((_text, number) => checks[number].position !== bytes);
  if (checks.length !== connections) {
    failures.push(`only ${checks.length} connections`);
  }
  console.log(JSON.stringify({ thrown, failures }));
  const end = once(server, 'close');
  server.close();
  await end;
}

main();
