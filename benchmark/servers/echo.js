'use strict';

/** The echo server that is measured. */

const { run } = require('./control');

function echo(socket) {
  socket.on('data', (data) => socket.write(data));
  // A client that vanishes is the client's business.
  socket.on('error', () => {});
}

run((createServer) => createServer(echo));
