'use strict';

/* Serves one echo with createTcpServer, and prints which transport did it. */

const net = require('node:net');
const { createTcpServer } = require('../../..');

const warnings = [];
process.on('warning', ({ code }) => warnings.push(code));

const server = createTcpServer((connection) => connection.pipe(connection));
server.listen(0, '127.0.0.1', ({ backend, fallbackReason }) => {
  const client = net.connect(server.address().port, '127.0.0.1', () => client.end('hello'));
  let echo = '';
  client.setEncoding('utf8').on('data', (text) => {
    echo += text;
  });
  client.on('close', () => {
    server.close(() => {
      console.log(JSON.stringify({ backend, fallbackReason, echo, warnings }));
    });
  });
});
