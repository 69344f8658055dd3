'use strict';

// An echo server on the listening socket that was given as descriptor 3. Prints its info() when it
// listens, and closes on SIGTERM.

const { createTcpServer } = require('../../..');

const server = createTcpServer((connection) => connection.pipe(connection));
server.listen({ fd: 3 }, (info) => console.log(JSON.stringify({ info })));
process.on('SIGTERM', () => server.close());
