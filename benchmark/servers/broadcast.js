'use strict';

/**
 * The server of the broadcast case. Every byte it receives, from whomever, asks for a message of 64 bytes
 * to everybody. net and searings loop over the connections and write; `raw` calls broadcast() once.
 */

const { run, startedRaw, streams } = require('./control');

const BYTES = 64;

/** The messages that so many bytes ask for: each is its own number, as bytes. */
function createMessages() {
  let number = 0;
  return (asked, send) => {
    for (let i = 0; i < asked; i++) send(Buffer.alloc(BYTES, number++ & 0xff));
  };
}

function serveLoop(createServer) {
  const sockets = new Set();
  const forEach = createMessages();
  return createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      forEach(data.length, (message) => {
        for (const one of sockets) one.write(message);
      });
    });
  });
}

run({
  ...streams(serveLoop),
  raw() {
    const { UringTcpServer } = require('../../lib');
    const server = new UringTcpServer();
    const forEach = createMessages();
    const started = server.start(({ eventType, connectionId, data }) => {
      if (eventType === 'data') {
        forEach(data.length, (message) => server.broadcast('all', message));
      } else if (eventType === 'end') {
        server.closeConnection(connectionId);
      }
    });
    return startedRaw(server, started);
  },
});
