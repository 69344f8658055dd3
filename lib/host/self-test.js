'use strict';

/*
 * A server of each kind on loopback, and a client that it echoes to: whether it works, and how fast.
 */

const net = require('node:net');

const HOST = '127.0.0.1';
const MESSAGE = Buffer.alloc(64, 's');
const ROUND_TRIPS = 100;
const LIMIT_MS = 5000;

async function startTcp() {
  const { createTcpServer } = require('../tcp/server');
  const server = createTcpServer((connection) => {
    connection.on('error', () => {});
    connection.pipe(connection);
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, HOST, resolve);
  });
  const { port } = server.address();
  return { port, backend: server.info().backend, stop: () => server.stop() };
}

async function startRaw() {
  const { UringTcpServer } = require('../raw/server');
  const server = new UringTcpServer({ host: HOST });
  const { port, backend } = await server.start(({ eventType, connectionId, data }) => {
    if (eventType === 'data') server.send(connectionId, data);
    else if (eventType === 'end') server.closeConnection(connectionId);
  });
  return { port, backend, stop: () => server.stop() };
}

async function startEcho() {
  const { UringTcpEchoServer } = require('../raw/echo');
  const server = new UringTcpEchoServer({ host: HOST });
  const { port, backend } = await server.start();
  return { port, backend, stop: () => server.stop() };
}

/** The kinds of servers there are, by the name of what makes them. */
const KINDS = {
  createTcpServer: startTcp,
  UringTcpServer: startRaw,
  UringTcpEchoServer: startEcho,
};

/** @returns {Promise<number[]>} microseconds of each round trip, in order of length */
function measure(port) {
  return new Promise((resolve, reject) => {
    const times = [];
    let received = 0;
    let started;
    const socket = net.connect({ port, host: HOST, noDelay: true });
    const limit = setTimeout(() => {
      socket.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`));
    }, LIMIT_MS);
    const ask = () => {
      started = process.hrtime.bigint();
      socket.write(MESSAGE);
    };
    socket.on('connect', ask);
    socket.on('data', (chunk) => {
      received += chunk.length;
      if (received < MESSAGE.length * (times.length + 1)) return;
      times.push(Number(process.hrtime.bigint() - started) / 1000);
      if (times.length < ROUND_TRIPS) ask();
      else socket.end();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(limit);
      if (times.length === ROUND_TRIPS) resolve(times.sort((a, b) => a - b));
      else
        reject(new Error(`the connection ended after ${times.length} of ${ROUND_TRIPS} answers`));
    });
  });
}

async function testOne(server, start) {
  let started = null;
  try {
    started = await start();
    const times = await measure(started.port);
    const medianUs = Math.round(times[times.length >> 1]);
    const maxUs = Math.round(times[times.length - 1]);
    return { server, ok: true, backend: started.backend, medianUs, maxUs, error: null, code: null };
  } catch (error) {
    const backend = started?.backend ?? null;
    const { message, code = null } = error;
    return { server, ok: false, backend, medianUs: null, maxUs: null, error: message, code };
  } finally {
    await started?.stop();
  }
}

/**
 * @returns {Promise<{server: string, ok: boolean, backend: string | null, medianUs: number | null,
 *   maxUs: number | null, error: string | null, code: string | null}[]>} times of a round trip of 64 bytes
 */
async function selfTest() {
  const results = [];
  for (const [server, start] of Object.entries(KINDS)) results.push(await testOne(server, start));
  return results;
}

module.exports = { selfTest };
