'use strict';

const { UringHttpServer } = require('../..');
const { closed, connect, readAll } = require('./clients');
const { eventually } = require('./eventually');

/**
 * The responses in the bytes that a connection brought.
 *
 * @param {Buffer} bytes
 * @param {string[]} [methods] of the requests, where some are HEAD
 * @returns {{status: number, version: string, headers: object, body: string}[]}
 */
function parseAnswers(bytes, methods = []) {
  const answers = [];
  let rest = bytes.toString('latin1');
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) throw new Error(`half a head: ${rest}`);
    const [line, ...lines] = rest.slice(0, end).split('\r\n');
    const [, version, status] = /^HTTP\/(\d\.\d) (\d{3}) .+$/.exec(line);
    const headers = {};
    for (const one of lines) {
      const colon = one.indexOf(': ');
      headers[one.slice(0, colon).toLowerCase()] = one.slice(colon + 2);
    }
    rest = rest.slice(end + 4);
    const bare =
      methods[answers.length] === 'HEAD' || status < 200 || status === '204' || status === '304';
    const length = bare ? 0 : Number(headers['content-length']);
    if (length > rest.length) throw new Error(`${length} bytes announced, ${rest.length} came`);
    answers.push({ status: Number(status), version, headers, body: rest.slice(0, length) });
    rest = rest.slice(length);
  }
  return answers;
}

/** HTTP servers of one suite; what a test opens is closed after it and has to leave nothing. */
function useHttp() {
  const servers = new Set();
  const sockets = new Map();

  afterEach(async () => {
    for (const socket of sockets.keys()) socket.destroy();
    await Promise.all([...servers].map((server) => server.stop()));
    await Promise.all(sockets.values());
    for (const server of servers) await nothingHeld(server);
    servers.clear();
    sockets.clear();
  });

  const world = {
    server(options) {
      const server = new UringHttpServer(options);
      servers.add(server);
      return server;
    },
    /** Starts a server; `handle(request, server)` is given its requests, if there is one. */
    async start(options, handle) {
      const server = world.server(options);
      server.seen = [];
      await (handle === undefined
        ? server.start()
        : server.start((request) => {
            server.seen.push(request);
            handle(request, server);
          }));
      return server;
    },
    async connect(server, options) {
      const socket = await connect(server.info().port, options);
      sockets.set(socket, closed(socket));
      return socket;
    },
    /** Sends some bytes, and our end of the stream, and returns what comes until the server's. */
    async ask(server, text, methods) {
      const client = await world.connect(server, { allowHalfOpen: true });
      client.end(text, 'latin1');
      return parseAnswers(await readAll(client), methods);
    },
    /** The same without our end: the server is to close. */
    async provoke(server, text) {
      const client = await world.connect(server);
      client.write(text, 'latin1');
      return parseAnswers(await readAll(client));
    },
  };
  return world;
}

async function nothingHeld(server) {
  await eventually(() => {
    const { connectionsActive, slotsInUse = 0, buffersInUse = 0 } = server.info();
    return connectionsActive + slotsInUse + buffersInUse === 0;
  }, 'an HTTP server that holds nothing');
}

/** A request's text. */
function requestText(line, headers = {}, body = '') {
  const lines = Object.entries({ Host: 'x', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `${line} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

module.exports = { nothingHeld, parseAnswers, requestText, useHttp };
