'use strict';

/**
 * The echo server that is measured. Beside net and searings: `raw` and `batch` are the raw API, event by
 * event and in batches, and `echo` is the one without JavaScript.
 */

const { givenOptions, run, startedRaw, streams } = require('./control');

function echo(socket) {
  socket.on('data', (data) => socket.write(data));
  // A client that vanishes is the client's business.
  socket.on('error', () => {});
}

function answerEvent(server, { eventType, connectionId, data }) {
  if (eventType === 'data') server.send(connectionId, data);
  else if (eventType === 'end') server.closeConnection(connectionId);
}

function answerBatch(server, events) {
  const sends = [];
  for (const event of events) {
    if (event.eventType === 'data') sends.push(event);
    else answerEvent(server, event);
  }
  if (sends.length > 0) server.sendBatch(sends);
}

run({
  ...streams((createServer) => createServer(echo)),
  raw() {
    const { UringTcpServer } = require('../../lib');
    const server = new UringTcpServer(givenOptions());
    return startedRaw(
      server,
      server.start((event) => answerEvent(server, event)),
    );
  },
  batch() {
    const { UringTcpServer } = require('../../lib');
    const server = new UringTcpServer();
    return startedRaw(
      server,
      server.startBatch((events) => answerBatch(server, events)),
    );
  },
  echo() {
    const { UringTcpEchoServer } = require('../../lib');
    const server = new UringTcpEchoServer();
    return startedRaw(server, server.start());
  },
});
