'use strict';

/* What a client of the soak does with a server. Each resolves when its connections are gone. */

const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { closed } = require('../helpers/clients');
const { randomSize, RandomCheck, RandomStream } = require('../helpers/random');
const { MIB } = require('../helpers/scale');

const HOST = '127.0.0.1';
const LARGEST_WRITE = 128 * 1024;

let nextSeed = 1;

function fail(what) {
  throw new Error(what);
}

/** Writes `bytes` of a stream in pieces, with backpressure, then FIN. */
async function writeAll(socket, stream, bytes, random) {
  for (let position = 0; position < bytes && !socket.destroyed; ) {
    const size = Math.min(bytes - position, randomSize(random, 1, LARGEST_WRITE));
    const free = socket.write(stream.slice(position, size));
    position += size;
    if (!free) await Promise.race([once(socket, 'drain'), closed(socket)]).catch(() => {});
  }
  socket.end();
}

/** Writes, and expects every byte back and then the end. @returns {Promise<number>} the bytes */
async function whole(port, random, bytes, nap = () => 0) {
  const seed = nextSeed++;
  const check = new RandomCheck(seed);
  const socket = net.connect({ host: HOST, port, allowHalfOpen: true });
  let problem = null;
  let ended = false;
  socket.on('data', (chunk) => {
    try {
      check.push(chunk);
    } catch (error) {
      problem ??= error.message;
      socket.destroy();
    }
    const ms = nap();
    if (ms > 0) {
      socket.pause();
      setTimeout(() => socket.resume(), ms);
    }
  });
  socket.on('end', () => {
    ended = true;
  });
  socket.on('error', (error) => {
    problem ??= error.message;
  });
  const gone = closed(socket);
  await writeAll(socket, new RandomStream(seed), bytes, random);
  await gone;
  if (problem !== null) fail(problem);
  if (check.position !== bytes || !ended) fail(`${check.position} of ${bytes} bytes came back`);
  return bytes;
}

/** Writes and breaks off somewhere, however the server takes it. */
async function broken(port, random, leave) {
  const socket = net.connect({ host: HOST, port });
  const gone = closed(socket);
  const stream = new RandomStream(nextSeed++);
  socket.on('error', () => {});
  if (random() < 0.5) socket.resume();
  socket.on('connect', () => {
    for (let n = randomSize(random, 1, 8); n > 0; n--) {
      socket.write(stream.slice(0, randomSize(random, 1, LARGEST_WRITE)));
    }
  });
  setTimeout(() => leave(socket), random() * 30);
  await gone;
}

async function request(port, agent, options, body) {
  const message = http.request({ host: HOST, port, agent, ...options });
  message.end(body);
  const [response] = await once(message, 'response');
  let length = 0;
  for await (const chunk of response) length += chunk.length;
  return { status: response.statusCode, length };
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 8, timeout: 300 });

async function get(port, random) {
  const wanted = randomSize(random, 1, 256 * 1024);
  const { status, length } = await request(port, agent, { path: `/${wanted}` });
  if (status !== 200 || length !== wanted) fail(`GET: ${status}, ${length} of ${wanted} bytes`);
}

async function post(port, random) {
  const body = Buffer.alloc(randomSize(random, 1, 512 * 1024), 'p');
  const { status, length } = await request(port, agent, { path: '/', method: 'POST' }, body);
  if (status !== 200 || length !== body.length) fail(`POST: ${status}, ${length} bytes`);
}

/** A client that asks for much and goes before it has come. */
async function abort(port, random) {
  const message = http.get({ host: HOST, port, path: `/${4 * MIB}` });
  message.on('error', () => {});
  const gone = closed(message);
  setTimeout(() => message.destroy(), random() * 10);
  await gone;
}

/** Nothing that HTTP knows. */
async function garbage(port, random) {
  await broken(port, random, (socket) => socket.resume().end());
}

const KIB = 1024;
const echoActivities = {
  short: (port, random) => whole(port, random, randomSize(random, 1, 2 * KIB)),
  middle: (port, random) => whole(port, random, randomSize(random, 2 * KIB, 512 * KIB)),
  large: (port, random) => whole(port, random, randomSize(random, MIB, 8 * MIB)),
  slow: (port, random) =>
    whole(port, random, randomSize(random, KIB, 256 * KIB), () => random() * 10),
  async churn(port, random) {
    let bytes = 0;
    for (let i = 0; i < 20; i++) bytes += await whole(port, random, 64);
    return bytes;
  },
};

const roughActivities = {
  resets: (port, random) => broken(port, random, (socket) => socket.resetAndDestroy()),
  leaves: (port, random) => broken(port, random, (socket) => socket.destroy()),
  ends: (port, random) => broken(port, random, (socket) => socket.end(() => socket.destroy())),
};

const webActivities = { get, post, abort, garbage };

module.exports = { agent, echoActivities, roughActivities, webActivities };
