'use strict';

/*
 * A TCP proxy: what a client sends goes to the upstream, what that answers comes back. pipeline()
 * brings backpressure, passes each end on by itself (half-close) and, when one side fails, closes the
 * other.
 *
 *   node examples/proxy.js <upstream port> [upstream host] [port]
 */

const net = require('node:net');
const { pipeline } = require('node:stream');
const { createTcpServer } = require('..'); // in your own project: require('searings')

/**
 * @param {{host: string, port: number}} upstream
 * @returns {import('..').TcpServer}
 */
function createProxy({ host, port }) {
  return createTcpServer({ allowHalfOpen: true }, (client) => {
    const upstream = net.connect({ host, port, allowHalfOpen: true, noDelay: true });
    // Failures are passed on as what they are: a plain close would look like the end of the data.
    client.on('error', () => upstream.resetAndDestroy());
    upstream.on('error', () => client.resetAndDestroy());
    const done = () => {}; // the listeners above have seen to it
    pipeline(client, upstream, done);
    pipeline(upstream, client, done);
  });
}

if (require.main === module) {
  const [port, host = '127.0.0.1', own = 7009] = process.argv.slice(2);
  if (port === undefined) throw new Error('usage: proxy.js <upstream port> [upstream host] [port]');
  const server = createProxy({ host, port: Number(port) });
  server.listen(Number(own), '127.0.0.1', ({ backend }) => {
    console.log(`proxy on port ${server.address().port}, served by ${backend}`);
  });
}

module.exports = { createProxy };
