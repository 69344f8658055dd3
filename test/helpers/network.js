'use strict';

const { once } = require('node:events');
const { createTcpServer } = require('../..');
const { closed, connect } = require('./clients');
const { freePlace, placeOf } = require('./place');

/** @returns {Promise<import('../..').TcpServer>} a server that listens on a free loopback port */
function listen(options, listener) {
  return open(createTcpServer(options, listener));
}

/** Lets a server listen on a free loopback port. */
async function open(server) {
  server.listen(...freePlace());
  await once(server, 'listening');
  return server;
}

/** Cuts a server and all its connections, and waits until it is gone. */
async function stop(server) {
  if (server.listening) {
    const gone = once(server, 'close');
    server.stop();
    await gone;
  } else {
    server.stop();
  }
}

/**
 * The servers and clients of one suite: `const network = useNetwork()` inside a describe().
 * What a test opens through it is closed after that test, whatever became of the test.
 */
function useNetwork() {
  const servers = new Set();
  const sockets = new Map();

  afterEach(async () => {
    for (const socket of sockets.keys()) {
      socket.destroy();
    }
    await Promise.all([...servers].map(stop));
    await Promise.all(sockets.values());
    servers.clear();
    sockets.clear();
  });

  const network = {
    listen(options, listener) {
      return network.open(createTcpServer(options, listener));
    },
    /** The same with a server that is made already. */
    async open(server) {
      await open(server);
      servers.add(server);
      return server;
    },
    async connect(server, options) {
      const socket = await connect(placeOf(server), options);
      sockets.set(socket, closed(socket));
      return socket;
    },
    /** A server with one client: both ends of one connection. */
    async pair(serverOptions, clientOptions) {
      const server = await network.listen(serverOptions);
      const accepted = once(server, 'connection');
      const client = await network.connect(server, clientOptions);
      const [connection] = await accepted;
      return { server, client, connection };
    },
  };
  return network;
}

module.exports = { listen, stop, useNetwork };
