'use strict';

/**
 * Bulk transfers: `node bulk.js <kind> upload|download <size>`. A message of `size` bytes that has come is
 * answered with a zero byte; a byte that has come is answered with a message of `size` bytes, in which
 * byte i is i modulo 251.
 */

const { run, streams } = require('./control');

const PERIOD = 251;

const [, , , direction, sizeText] = process.argv;
const size = Number(sizeText);
const message = Buffer.from(Array.from({ length: size }, (_, i) => i % PERIOD));

function download(socket) {
  socket.on('data', (data) => {
    for (let i = 0; i < data.length; i++) socket.write(message);
  });
}

function upload(socket) {
  let received = 0;
  socket.on('data', (data) => {
    received += data.length;
    const complete = Math.floor(received / size);
    received -= complete * size;
    if (complete > 0) socket.write(Buffer.alloc(complete));
  });
}

function serve(socket) {
  socket.on('error', () => {});
  if (direction === 'upload') upload(socket);
  else download(socket);
}

run(streams((createServer) => createServer(serve)));
