'use strict';

const net = require('node:net');
const { onUnixSockets, target } = require('./place');
const { MIB } = require('./scale');

const PENDING = Buffer.alloc(4 * MIB, 'p');
const ANSWER = Buffer.alloc(256 * 1024, 'a');

const onConnect = (act) => (socket) => socket.on('connect', () => act(socket));
const onData = (act) => (connection) => connection.once('data', () => act(connection));

/**
 * Every way in which a connection can come to its end. `server` is called with each accepted
 * connection, `client` with each socket before it has connected; both sides read what comes.
 */
const WAYS = [
  {
    what: 'the client ends first',
    client: onConnect((socket) => socket.end('bye')),
  },
  {
    what: 'the server ends first',
    server: (connection) => connection.end('bye'),
  },
  {
    what: 'both end at once',
    server: (connection) => connection.end(),
    client: onConnect((socket) => socket.end()),
  },
  {
    what: 'the client resets',
    server: (connection) => connection.write('hello'),
    client: (socket) => socket.once('data', () => socket.resetAndDestroy()),
  },
  {
    what: 'the client resets with data under way both ways',
    server: (connection) => connection.write(PENDING),
    client: (socket) => {
      socket.on('connect', () => socket.write(ANSWER));
      socket.once('data', () => socket.resetAndDestroy());
    },
  },
  {
    what: 'the server resets in its data handler',
    server: onData((connection) => connection.resetAndDestroy()),
    client: onConnect((socket) => socket.write('x')),
  },
  {
    what: 'the client ends, the server answers later (allowHalfOpen)',
    options: { allowHalfOpen: true },
    server: (connection) => connection.on('end', () => setImmediate(() => connection.end(ANSWER))),
    client: onConnect((socket) => socket.end('question')),
  },
  {
    what: 'the client ends, the server destroys (allowHalfOpen)',
    options: { allowHalfOpen: true },
    server: (connection) => connection.on('end', () => connection.destroy()),
    client: onConnect((socket) => socket.end('question')),
  },
  {
    what: 'the server ends, the client answers later',
    server: (connection) => connection.end('question'),
    clientOptions: { allowHalfOpen: true },
    client: (socket) => socket.on('end', () => setImmediate(() => socket.end(ANSWER))),
  },
  {
    what: 'the server destroys in its data handler',
    server: onData((connection) => connection.destroy()),
    client: onConnect((socket) => socket.write(ANSWER)),
  },
  {
    what: 'the server destroys in its connection listener',
    server: (connection) => connection.destroy(),
    client: onConnect((socket) => socket.write('x')),
  },
  {
    what: 'the server destroys with an error',
    server: onData((connection) => connection.destroy(new Error('enough'))),
    client: onConnect((socket) => socket.write('x')),
  },
  {
    what: 'the server destroys during a large write',
    server: (connection) => {
      connection.write(PENDING);
      setImmediate(() => connection.destroy());
    },
  },
  {
    what: 'the server resets during a large write',
    server: (connection) => {
      connection.write(PENDING);
      setImmediate(() => connection.resetAndDestroy());
    },
  },
  {
    what: 'the server ends with data still to be sent',
    server: (connection) => connection.end(PENDING),
  },
  {
    what: 'the client destroys as soon as it is connected',
    client: onConnect((socket) => socket.destroy()),
  },
  {
    what: 'the client resets as soon as it is connected',
    client: onConnect((socket) => socket.resetAndDestroy()),
  },
  {
    what: 'the client resets while the server does not read',
    server: (connection) => {
      connection.pause();
      const write = () => {
        if (!connection.destroyed) {
          connection.write('x', () => setImmediate(write));
        }
      };
      connection.write('hello', write);
    },
    client: (socket) => socket.once('data', () => socket.resetAndDestroy()),
  },
];

/**
 * Follows a connection to its end.
 *
 * @param {string[]} problems takes what must not happen: a second 'close', or anything after it
 * @returns {Promise<void>} resolves at 'close'
 */
function follow(connection, problems) {
  return new Promise((resolve) => {
    let closes = 0;
    for (const event of ['data', 'end', 'error', 'finish', 'drain', 'timeout']) {
      connection.on(event, () => {
        if (closes > 0) {
          problems.push(`'${event}' after 'close'`);
        }
      });
    }
    connection.on('close', () => {
      closes++;
      if (closes > 1) {
        problems.push("'close' twice");
      }
      resolve();
    });
  });
}

/** One client that lives and dies in this way: @returns {Promise<void>} resolves when it is gone */
function liveOnce(way, place) {
  return new Promise((resolve) => {
    const socket = net.connect({ ...target(place), ...way.clientOptions });
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
    way.client?.(socket);
  });
}

/** `count` clients, no more than `atOnce` of them at the same time. */
async function liveMany(way, place, count, atOnce) {
  let left = count;
  const one = async () => {
    while (left > 0) {
      left--;
      await liveOnce(way, place);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, one));
}

/** A Unix socket has no RST. */
const ways = onUnixSockets ? WAYS.filter(({ what }) => !what.includes('resets')) : WAYS;

module.exports = { WAYS: ways, follow, liveMany };
