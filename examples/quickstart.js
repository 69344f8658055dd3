'use strict';

/*
 * A server on io_uring, a client on node:net, one greeting. `npm start` runs this.
 */

const net = require('node:net');
const { createTcpServer } = require('..'); // in your own project: require('searings')

const server = createTcpServer((connection) => {
  connection.setEncoding('utf8');
  connection.on('data', (text) => connection.end(`echo:${text}`));
});

server.listen(0, '127.0.0.1', () => {
  const client = net.connect(server.address().port, '127.0.0.1');
  let answer = '';
  client.setEncoding('utf8');
  client.on('data', (text) => {
    answer += text;
  });
  client.on('end', () => {
    console.log(answer);
    console.log(`backend: ${server.info().backend}`);
    server.close();
  });
  client.write('hello');
});
