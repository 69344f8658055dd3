'use strict';

const { createTcpServer } = require('../..');
const { echo } = require('./echo');
const { CLOSES } = require('./load');
const { createRandom } = require('./random');

/** Keeps this thread from doing anything else for so many milliseconds. */
function block(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end) {}
}

/**
 * The server that runLoad() talks to: an echo that closes first when the client's first byte says
 * so. Behaviour, besides the server's own options:
 *
 * @param {object} options of createTcpServer
 * @param {{bytes: number, connections: number, blocks?: boolean, naps?: boolean}} behaviour `blocks`:
 *   the JS thread stands still for 300 ms, eight times during the load; `naps`: now and then a
 *   connection is not read from for some milliseconds
 * @returns {import('../..').TcpServer & {problems: string[]}} errors of connections go to `problems`
 */
function createEchoServer(options, { bytes, connections, blocks = false, naps = false }) {
  const random = createRandom(bytes ^ connections);
  const blockEvery = (bytes * connections) / 8;
  let total = 0;
  let nextBlock = 0;

  const server = createTcpServer(options, (connection) => {
    let received = 0;
    let close;
    const seen = (chunk) => {
      close ??= chunk[0];
      received += chunk.length;
      total += chunk.length;
      if (blocks && total >= nextBlock) {
        nextBlock += blockEvery;
        block(300);
      }
    };
    const nap = () => (naps && random() < 0.02 ? 1 + random() * 10 : 0);
    echo(connection, seen, nap);
    connection.on('data', () => {
      if (received === bytes + 1 && close === CLOSES.server) {
        connection.end();
      }
    });
    connection.on('error', (error) => server.problems.push(error.message));
  });
  server.problems = [];
  return server;
}

module.exports = { createEchoServer };
