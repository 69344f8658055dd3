'use strict';

/** An echo that heeds backpressure: for clients that read slowly. */

const { run, streams } = require('./control');

function echo(socket) {
  socket.on('error', () => {});
  socket.pipe(socket);
}

run(streams((createServer) => createServer(echo)));
