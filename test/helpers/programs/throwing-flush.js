'use strict';

// Three connections echo; what the first does while its bytes leave throws. The others must not lose a byte.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, readBytes } = require('../clients');
const { listen } = require('../network');

const { how, late, rounds } = JSON.parse(process.argv[2]);
const MESSAGE = 'while it is sent';

let thrown = 0;
process.on('uncaughtException', (error) => {
  if (error.message !== MESSAGE) {
    console.error(error);
    process.exit(1);
  }
  thrown++;
});

function throwNow() {
  throw new Error(MESSAGE);
}

const SABOTAGE = {
  callback: (connection, chunk) => connection.write(chunk, throwNow),
  drain(connection, chunk) {
    if (connection.listenerCount('drain') === 0) connection.on('drain', throwNow);
    connection.write(chunk);
  },
  write(connection, chunk) {
    connection._write = throwNow;
    connection.on('error', throwNow);
    connection.write(chunk);
  },
  destroy(connection, chunk) {
    if (!Object.hasOwn(connection, '_write')) {
      connection._write = throwNow;
      connection.destroy = () => {
        delete connection.destroy; // once
        throwNow();
      };
    }
    connection.write(chunk);
  },
};

const waiting = [];

/** Calls in one turn what came in the turn before. */
function together(call) {
  if (waiting.push(call) > 1) return;
  setImmediate(() => {
    for (const one of waiting.splice(0)) one();
  });
}

/** One message of each client, given at once, so that the server answers them in one batch if it can. */
async function round(clients, text) {
  const answers = clients.map((client) => readBytes(client, text.length));
  for (const client of clients) client.write(text);
  for (const answer of await Promise.all(answers)) assert.equal(String(answer), text);
}

async function main() {
  let first;
  const server = await listen({ highWaterMark: 1 }, (connection) => {
    first ??= connection;
    const answer =
      connection === first ? SABOTAGE[how] : (_connection, chunk) => connection.write(chunk);
    connection.on('data', (chunk) => {
      if (late) together(() => answer(connection, chunk));
      else answer(connection, chunk);
    });
  });
  const { port } = server.address();
  const clients = [];
  for (let i = 0; i < 3; i++) {
    clients.push(await connect(port));
    clients[i].on('error', () => {});
  }
  const mute = how === 'write' || how === 'destroy'; // the first gets no answers
  for (let i = 0; i < rounds; i++) {
    if (mute && (i === 0 || how === 'destroy')) clients[0].write('x');
    await round(mute ? clients.slice(1) : clients, `round ${i}`);
  }
  const { directSends } = server.info();
  const end = once(server, 'close');
  server.stop();
  await end;
  console.log(JSON.stringify({ thrown, direct: directSends > 0 }));
}

main();
