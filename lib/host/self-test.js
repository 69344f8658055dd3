'use strict';

/*
 * A server of each kind on loopback, and a client: whether it answers, and how fast.
 */

const crypto = require('node:crypto');
const net = require('node:net');
const tls = require('node:tls');
const { firstLine } = require('../errors');

const HOST = '127.0.0.1';
const ROUND_TRIPS = 100;
const LIMIT_MS = 5000;
const MESSAGE = 's'.repeat(64);
const BODY = 'searings';
const REQUEST = `GET / HTTP/1.1\r\nHost: ${HOST}\r\n\r\n`;
// A key that both sides know: a certificate would have to be made, or shipped.
const TLS = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };

const echo = {
  request: MESSAGE,
  isWhole: (answer) => answer.length >= MESSAGE.length,
};
const http = {
  request: REQUEST,
  isWhole: (answer) => answer.endsWith(`\r\n\r\n${BODY}`),
};

function pipeBack(socket) {
  socket.on('error', () => {});
  socket.pipe(socket);
}

function answer(_request, response) {
  response.end(BODY);
}

/** Servers with the interface of net.Server. */
async function listen(server) {
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, HOST, resolve);
  });
  const { port } = server.address();
  return { port, backend: server.info().backend, stop: () => server.stop() };
}

async function start(server, handler) {
  const { port, backend } = await server.start(handler);
  return { port, backend, stop: () => server.stop() };
}

function startRaw() {
  const { UringTcpServer } = require('../raw/server');
  const server = new UringTcpServer({ host: HOST });
  return start(server, ({ eventType, connectionId, data }) => {
    if (eventType === 'data') server.send(connectionId, data);
    else if (eventType === 'end') server.closeConnection(connectionId);
  });
}

function startEcho() {
  const { UringTcpEchoServer } = require('../raw/echo');
  return start(new UringTcpEchoServer({ host: HOST }));
}

function startRawHttp() {
  const { UringHttpServer } = require('../raw/http-server');
  return start(new UringHttpServer({ host: HOST, responseBody: BODY }));
}

function startTcp() {
  const { createTcpServer } = require('../tcp/server');
  return listen(createTcpServer(pipeBack));
}

function startHttp() {
  const { createHttpServer } = require('../http/server');
  return listen(createHttpServer(answer));
}

async function startTls() {
  const { createTlsServer } = require('../tls/server');
  return withKey((options) => listen(createTlsServer(options, pipeBack)));
}

async function startHttps() {
  const { createHttpsServer } = require('../http/https');
  return withKey((options) => listen(createHttpsServer(options, answer)));
}

async function withKey(startWith) {
  const psk = crypto.randomBytes(32);
  const started = await startWith({ ...TLS, pskCallback: () => psk });
  return { ...started, psk };
}

/** The kinds of servers there are, by the name of what makes them. */
const KINDS = {
  createTcpServer: { start: startTcp, ...echo },
  createTlsServer: { start: startTls, ...echo },
  createHttpServer: { start: startHttp, ...http },
  createHttpsServer: { start: startHttps, ...http },
  UringTcpServer: { start: startRaw, ...echo },
  UringTcpEchoServer: { start: startEcho, ...echo },
  UringHttpServer: { start: startRawHttp, ...http },
};

function connect({ port, psk }) {
  if (psk === undefined) return net.connect({ port, host: HOST, noDelay: true });
  const pskCallback = () => ({ psk, identity: 'doctor' });
  return tls.connect({ ...TLS, port, host: HOST, pskCallback, checkServerIdentity: () => {} });
}

/** @returns {Promise<number[]>} microseconds of each round trip, in order of length */
function measure(started, { request, isWhole }) {
  return new Promise((resolve, reject) => {
    const times = [];
    let received = '';
    let asked;
    const socket = connect(started).setEncoding('latin1');
    const limit = setTimeout(() => {
      socket.destroy(new Error(`no answer within ${LIMIT_MS / 1000} s`));
    }, LIMIT_MS);
    const ask = () => {
      received = '';
      asked = process.hrtime.bigint();
      socket.write(request);
    };
    socket.once(started.psk === undefined ? 'connect' : 'secureConnect', ask);
    socket.on('data', (text) => {
      received += text;
      if (!isWhole(received)) return;
      times.push(Number(process.hrtime.bigint() - asked) / 1000);
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

/** Rejects when it takes too long: what is broken may also hang. */
function within(promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no server within ${LIMIT_MS / 1000} s`)), LIMIT_MS);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}

async function testOne(server, kind) {
  let started = null;
  try {
    started = await within(kind.start());
    const times = await measure(started, kind);
    const medianUs = Math.round(times[times.length >> 1]);
    const maxUs = Math.round(times[times.length - 1]);
    const { backend } = started;
    return { server, ok: true, backend, medianUs, maxUs, error: null, code: null };
  } catch (error) {
    const backend = started?.backend ?? null;
    const { code = null } = error;
    return {
      server,
      ok: false,
      backend,
      medianUs: null,
      maxUs: null,
      error: firstLine(error),
      code,
    };
  } finally {
    await started?.stop().catch(() => {});
  }
}

/**
 * @returns {Promise<{server: string, ok: boolean, backend: string | null, medianUs: number | null,
 *   maxUs: number | null, error: string | null, code: string | null}[]>} times of a round trip of 64 bytes
 */
async function selfTest() {
  const results = [];
  for (const [server, kind] of Object.entries(KINDS)) results.push(await testOne(server, kind));
  return results;
}

module.exports = { selfTest };
