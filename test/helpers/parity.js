'use strict';

const { once } = require('node:events');
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');
const searings = require('../..');
const { LOOPBACK, closed, connect } = require('./clients');

/**
 * The tests in test/parity/ state what Node's documentation says of its servers and their connections, and
 * run three times: on Node itself, which proves that the test is right, and on both backends.
 */
const isReference = process.env.SEARINGS_PARITY === 'reference';

const { createTcpServer, createHttpServer, createTlsServer, createHttpsServer } = isReference
  ? {
      createTcpServer: net.createServer,
      createHttpServer: http.createServer,
      createTlsServer: tls.createServer,
      createHttpsServer: https.createServer,
    }
  : searings;
const create = createTcpServer;

function isAtLeast(major, minor = 0) {
  const [here, hereMinor] = process.versions.node.split('.').map(Number);
  return here > major || (here === major && hereMinor >= minor);
}

/** Whether this run has what came to node:net with a version and what searings has on every Node. */
function since(major, minor) {
  return !isReference || isAtLeast(major, minor);
}

async function shut(server) {
  const gone = once(server, 'close');
  server.close();
  await gone;
}

/**
 * The servers, connections and clients of one suite: `const world = useWorld()` inside a describe().
 * What a test makes through it is gone after that test, whatever became of the test.
 */
function useWorld() {
  const servers = new Set();
  const sockets = new Map();

  const track = (socket) => {
    sockets.set(socket, socket.closed ? undefined : closed(socket));
    return socket;
  };

  afterEach(async () => {
    const all = [...sockets.values()];
    for (const socket of sockets.keys()) socket.destroy();
    await Promise.all(all);
    await Promise.all([...servers].map(shut));
    for (const socket of sockets.keys()) socket.destroy(); // accepted meanwhile
    servers.clear();
    sockets.clear();
  });

  const adopt = (server) => {
    servers.add(server);
    server.on('connection', track);
    return server;
  };

  const world = {
    track,
    adopt,
    /** A server that does not listen yet. */
    server(...args) {
      return adopt(create(...args));
    },
    /** A server that listens on a free loopback port. */
    listen(...args) {
      return world.open(create(...args));
    },
    /** Lets a server that is made already listen. */
    async open(server) {
      adopt(server).listen(0, LOOPBACK);
      await once(server, 'listening');
      return server;
    },
    async connect(server, options) {
      const client = await connect(server.address().port, options);
      track(client);
      return client;
    },
    /** Both ends of one connection. */
    async pair(serverOptions, clientOptions) {
      const server = await world.listen(serverOptions);
      const accepted = once(server, 'connection');
      const client = await world.connect(server, clientOptions);
      const [connection] = await accepted;
      return { server, client, connection };
    },
  };
  return world;
}

/** @returns {string[]} the names of the events of a stream as they come */
function record(stream, names) {
  const seen = [];
  for (const name of names) stream.on(name, () => seen.push(name));
  return seen;
}

module.exports = {
  create,
  createHttpServer,
  createHttpsServer,
  createTlsServer,
  isAtLeast,
  isReference,
  record,
  since,
  useWorld,
};
