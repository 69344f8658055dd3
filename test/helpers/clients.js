'use strict';

const { once } = require('node:events');
const net = require('node:net');
const { LOOPBACK, target } = require('./place');

const FLOOD = Buffer.alloc(256 * 1024, 'f');

/** @returns {Promise<net.Socket>} a plain node:net client, connected to a port or a path */
async function connect(place, options = {}) {
  const socket = net.connect({ ...target(place), noDelay: true, ...options });
  await once(socket, 'connect');
  // A test that is about errors listens for them itself; the others look at what arrived.
  socket.on('error', () => {});
  return socket;
}

/** @returns {Promise<boolean>} hadError of the 'close' to come, which an 'error' does not reject */
function closed(stream) {
  return new Promise((resolve) => stream.once('close', resolve));
}

/** @returns {Promise<Buffer>} everything until the peer's FIN; fails when it ends otherwise */
async function readAll(socket) {
  const chunks = [];
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** @returns {Promise<Buffer>} at least `length` bytes, as they come; reading goes on afterwards */
function readBytes(socket, length) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    let received = 0;
    const finish = (settle, value) => {
      socket.off('data', onData);
      socket.off('close', onClose);
      settle(value);
    };
    const onClose = () => finish(reject, new Error(`closed after ${received} of ${length} bytes`));
    const onData = (chunk) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received >= length) {
        finish(resolve, Buffer.concat(chunks));
      }
    };
    socket.on('data', onData);
    socket.on('close', onClose);
  });
}

/**
 * Clients of an echo server that write without end and read what comes back.
 *
 * @returns {Promise<{clients: net.Socket[], gone: Promise<boolean[]>}>} once each has something
 *   back; `gone` resolves when all have been cut
 */
async function flood(ports, count) {
  const clients = await Promise.all(
    Array.from({ length: count }, (_none, i) => connect(ports[i % ports.length])),
  );
  const gone = Promise.all(clients.map(closed));
  const answered = clients.map((client) => new Promise((resolve) => client.once('data', resolve)));
  for (const client of clients) {
    const write = () => {
      while (client.writable && client.write(FLOOD)) {}
    };
    client.on('drain', write);
    write();
  }
  await Promise.race([gone, Promise.all(answered)]);
  return { clients, gone };
}

module.exports = { LOOPBACK, connect, closed, readAll, readBytes, flood };
