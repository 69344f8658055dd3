'use strict';

/*
 * The smallest server: what comes in goes back, with backpressure, because pipe() knows it.
 *
 *   node examples/echo.js [port]     then: nc 127.0.0.1 7007
 */

const { createTcpServer } = require('..'); // in your own project: require('searings')

/** @returns {import('..').TcpServer} */
function createEchoServer() {
  return createTcpServer((connection) => {
    connection.on('error', () => {}); // a client that vanishes is no reason to end
    connection.pipe(connection);
  });
}

if (require.main === module) {
  const server = createEchoServer();
  server.listen(Number(process.argv[2] ?? 7007), '127.0.0.1', ({ backend }) => {
    console.log(`echo on port ${server.address().port}, served by ${backend}`);
  });
}

module.exports = { createEchoServer };
