'use strict';

/* An echo server that has its process to itself. Prints its port; ends with its standard input. */

const { createTcpServer } = require('../../..');

const server = createTcpServer({ driver: process.argv[2] }, (connection) => {
  connection.on('error', () => {});
  connection.pipe(connection);
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => server.stop()).resume();
