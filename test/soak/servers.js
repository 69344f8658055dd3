'use strict';

/*
 * The servers of the soak, in the process that is measured. Reports what it holds every few seconds, and
 * when told to stop, what is left after the end of everything.
 */

const { once } = require('node:events');
const { readdirSync, readFileSync } = require('node:fs');
const { stat } = require('node:fs/promises');
const http = require('node:http');
const { setTimeout: delay } = require('node:timers/promises');
const { createTcpServer, UringTcpEchoServer, UringTcpServer } = require('../..');
const { echo } = require('../helpers/echo');
const { eventually } = require('../helpers/eventually');
const { nothingLeft } = require('../helpers/leftovers');
const { createRandom } = require('../helpers/random');
const { rawEcho } = require('../helpers/raw');

const LOOPBACK = '127.0.0.1';
const SAMPLE_MS = 1000;
const LOOKS_AT_THE_END = 10;
const LOOK_MS = 50;
const TINY = {
  queueDepth: 16,
  bufferCount: 4,
  bufferSize: 512,
  eventQueueCapacity: 64,
  commandQueueCapacity: 64,
};

/** All buffers, and the queues once around, are soon touched: memory that grows later is another. */
const FEW = { bufferCount: 128, eventQueueCapacity: 4096, commandQueueCapacity: 4096 };

const { seed, only } = JSON.parse(process.argv[2]);
const random = createRandom(seed);

/** Sends back, and now and then does not read for some milliseconds. */
function echoSometimesNapping(connection) {
  connection.on('error', () => {});
  echo(
    connection,
    () => {},
    () => (random() < 0.002 ? random() * 20 : 0),
  );
}

async function tcp(options) {
  const server = createTcpServer(options, echoSometimesNapping);
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return { server, port: server.address().port };
}

async function raw(options) {
  const server = new UringTcpServer(options);
  const { port } = await server.start(rawEcho(server));
  return { server, port };
}

async function native(options) {
  const server = new UringTcpEchoServer(options);
  const { port } = await server.start();
  return { server, port };
}

/** Node's HTTP server on connections of ours: GET /n answers with n bytes, POST with the body. */
async function web(options) {
  const handler = http.createServer((request, response) => {
    if (request.method === 'POST') request.pipe(response);
    else response.end(Buffer.alloc(Number(request.url.slice(1)), 'w'));
  });
  handler.keepAliveTimeout = 500;
  const server = createTcpServer({ ...options, allowHalfOpen: true }, (connection) => {
    handler.emit('connection', connection);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return { server, port: server.address().port };
}

/** By name. Peers of the `rough` ones break off; with the others every byte is counted. */
const SERVERS = {
  calm: () => tcp(FEW),
  calmTiny: () => tcp(TINY),
  calmInline: () => tcp({ ...FEW, driver: 'inline' }),
  calmRaw: () => raw(FEW),
  calmNative: () => native({ bufferCount: 128 }),
  rough: () => tcp(FEW),
  roughTiny: () => tcp({ ...TINY, idleTimeoutMs: 3000 }),
  roughInline: () => tcp({ ...TINY, driver: 'inline' }),
  roughRaw: () => raw({ ...TINY, sendQueueCapacity: 4 }),
  roughNative: () => native({ bufferCount: 4, bufferSize: 512 }),
  fast: () =>
    tcp({ ...FEW, useIncrementalBuffers: true, useZeroCopySend: true, zeroCopySendMin: 4096 }),
  web: () => web(FEW),
};

function descriptors() {
  return readdirSync('/proc/self/fd').length;
}

/** Threads of servers, and the kernel's for their rings; how many Node has is its own affair. */
function serverThreads() {
  return readdirSync('/proc/self/task').filter((task) => {
    try {
      return /^(searings|iou-)/.test(readFileSync(`/proc/self/task/${task}/comm`, 'utf8'));
    } catch {
      return false; // it ended meanwhile
    }
  });
}

/** What the process holds, after a collection: garbage is nobody's leak. */
function sample(running) {
  globalThis.gc();
  const memory = process.memoryUsage();
  const infos = Object.values(running).map(({ server }) => server.info());
  const sum = (name) => infos.reduce((total, info) => total + (info[name] ?? 0), 0);
  return {
    rss: memory.rss,
    live: memory.heapUsed + memory.external,
    connections: sum('connectionsActive'),
    accepted: sum('connectionsAccepted'),
    bytes: sum('bytesReceived') + sum('bytesSent'),
  };
}

async function stopOne({ server }) {
  await nothingLeft(server);
  const info = server.info();
  if (server instanceof UringTcpServer || server instanceof UringTcpEchoServer) {
    await server.stop();
  } else {
    const gone = once(server, 'close');
    server.stop();
    await gone;
  }
  return info;
}

/** What is in use when finalizers have run, which takes collections and turns. */
async function atRest() {
  let least = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS_AT_THE_END; look++) {
    await delay(LOOK_MS);
    least = Math.min(least, sample({}).live);
  }
  return least;
}

/** Stops everything. @returns {Promise<object>} the last info of each server, and what is left */
async function end(running, before) {
  const infos = {};
  const problems = [];
  for (const [name, one] of Object.entries(running)) {
    infos[name] = await stopOne(one).catch((error) => {
      problems.push(`${name}: ${error.message}`);
      return one.server.info();
    });
  }
  const left = () => ({ threads: serverThreads().length, descriptors: descriptors() - before });
  const nothing = () => left().threads === 0 && left().descriptors <= 0;
  await eventually(nothing, 'nothing left').catch((error) => problems.push(error.message));
  return { infos, problems, left: left(), live: await atRest() };
}

async function main() {
  await stat('/'); // Node's threads come with their descriptors
  const before = descriptors();
  const running = {};
  for (const [name, make] of Object.entries(SERVERS)) {
    if (only.length === 0 || only.includes(name)) running[name] = await make();
  }
  const ports = Object.fromEntries(Object.entries(running).map(([name, { port }]) => [name, port]));
  process.send({ ports });
  const timer = setInterval(() => process.send({ sample: sample(running) }), SAMPLE_MS);
  process.on('message', async ({ command }) => {
    if (command === 'sample') process.send({ sample: sample(running), asked: true });
    if (command !== 'stop') return;
    clearInterval(timer);
    process.send({ ended: await end(running, before) });
    process.disconnect();
  });
}

process.on('uncaughtException', (error) => {
  process.send({ failure: error.stack }, () => process.exit(1));
});
main();
