'use strict';

// A server whose process must end by itself, or must not. Prints its port, then what happens.

const { create } = require('../parity');

const { how } = JSON.parse(process.argv[2]);
const say = (what) => console.log(JSON.stringify(what));

const server = create((connection) => {
  say('connection');
  connection.on('error', () => {});
  connection.pipe(connection);
  if (how === 'connection' || how === 'connection-unref' || how === 'unref-ref') {
    server.close();
  }
  if (how === 'connection-unref-server') {
    server.unref();
  }
  if (how === 'connection-unref') {
    connection.unref();
  }
});

server.listen(0, '127.0.0.1', () => {
  say({ port: server.address().port });
  if (how === 'close') {
    server.close(() => say('closed'));
  } else if (how === 'stop') {
    server.on('close', () => say('closed'));
    server.stop();
  } else if (how === 'unref') {
    server.unref();
  } else if (how === 'unref-ref') {
    server.unref().unref().ref();
  }
});
