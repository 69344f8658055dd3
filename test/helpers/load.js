'use strict';

const net = require('node:net');
const { LOOPBACK } = require('./clients');
const { createRandom, randomSize, RandomCheck, RandomStream } = require('./random');

const LARGEST_WRITE = 256 * 1024;

/**
 * Who closes an echo connection first. The client's first byte tells the server, which must know
 * when it is to close.
 */
const CLOSES = {
  clientWhenEchoed: 'L'.charCodeAt(0),
  clientWhenWritten: 'C'.charCodeAt(0),
  server: 'S'.charCodeAt(0),
};

/** Writes the whole random stream in pieces of random size, waiting for 'drain' when told to. */
function writeRandomly(socket, seed, bytes, done) {
  const stream = new RandomStream(seed);
  const random = createRandom(seed ^ 0x5bd1e995);
  let position = 0;
  const more = () => {
    while (position < bytes) {
      const size = Math.min(bytes - position, randomSize(random, 1, LARGEST_WRITE));
      const free = socket.write(stream.slice(position, size));
      position += size;
      if (!free) {
        socket.once('drain', more);
        return;
      }
    }
    done();
  };
  more();
}

/** Reads now and then, and not at all for a few milliseconds in between. */
function napRandomly(socket, seed) {
  const random = createRandom(seed ^ 0x1b873593);
  socket.on('data', () => {
    if (random() < 0.05) {
      socket.pause();
      setTimeout(() => socket.resume(), random() * 10);
    }
  });
}

/** One connection: @returns {Promise<string|null>} what went wrong, or null */
function echoOnce(options, seed, close) {
  const { bytes } = options;
  const target = options.path ? { path: options.path } : { host: LOOPBACK, port: options.port };
  return new Promise((resolve) => {
    const check = new RandomCheck(seed);
    const socket = net.connect(target);
    let failure = null;
    let marked = false;
    let ended = false;
    const fail = (reason) => {
      failure ??= `connection ${seed}: ${reason}`;
      socket.destroy();
    };

    socket.on('connect', () => {
      socket.write(Buffer.of(close));
      writeRandomly(socket, seed, bytes, () => {
        if (close === CLOSES.clientWhenWritten) {
          socket.end();
        }
      });
    });
    socket.on('data', (chunk) => {
      try {
        check.push(marked ? chunk : chunk.subarray(1));
        marked = true;
      } catch (error) {
        fail(error.message);
      }
      if (check.position === bytes && close === CLOSES.clientWhenEchoed) {
        socket.end();
      }
    });
    if (options.clientNaps) {
      napRandomly(socket, seed);
    }
    socket.on('end', () => {
      ended = true;
    });
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => {
      if (!ended || check.position !== bytes) {
        fail(`${check.position} of ${bytes} bytes came back, ended: ${ended}`);
      }
      resolve(failure);
    });
  });
}

/**
 * Echo clients against a server, all at once.
 *
 * @param {{port?: number, path?: string, connections: number, bytes: number, closeEitherSide?: boolean,
 *   clientNaps?: boolean}} options with closeEitherSide, the client closes half of the connections
 *   as soon as it has written, and the server the other half
 * @returns {Promise<string[]>} what went wrong; empty when every byte came back in order
 */
async function runLoad(options) {
  const runs = [];
  for (let i = 0; i < options.connections; i++) {
    const either = i % 2 === 0 ? CLOSES.clientWhenWritten : CLOSES.server;
    const close = options.closeEitherSide ? either : CLOSES.clientWhenEchoed;
    runs.push(echoOnce(options, i + 1, close));
  }
  return (await Promise.all(runs)).filter((failure) => failure !== null);
}

module.exports = { CLOSES, runLoad };
