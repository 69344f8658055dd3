'use strict';

/* 'upgrade' and 'connect': the connection leaves HTTP. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { WebSocket, WebSocketServer } = require('ws');
const { LOOPBACK, closed, readAll, readBytes } = require('../helpers/clients');
const { requestText } = require('../helpers/http');
const { createHttpServer, useWorld } = require('../helpers/parity');
const { RandomStream } = require('../helpers/random');
const { MIB } = require('../helpers/scale');

const UPGRADE = { connection: 'upgrade', upgrade: 'echo' };
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n';

describe('connections that leave HTTP', () => {
  const world = useWorld();

  const serve = (...args) => world.open(createHttpServer(...args));

  describe("'upgrade'", () => {
    async function serveEcho() {
      const server = await serve(() => assert.fail('an upgrade is no request'));
      server.on('upgrade', (_request, socket, head) => {
        socket.write(SWITCHING);
        socket.write(head);
        socket.pipe(socket);
      });
      return server;
    }

    it('hands over the bytes that came with the request', async () => {
      const server = await serveEcho();
      const client = await world.connect(server);
      client.write(requestText('GET /', UPGRADE, 'first '));
      client.end('second');
      assert.equal(String(await readAll(client)), `${SWITCHING}first second`);
    });

    it('hands over a connection that carries anything, both ways', async () => {
      const server = await serveEcho();
      const client = await world.connect(server);
      const bytes = new RandomStream(3).bytes(4 * MIB);
      client.write(requestText('GET /', UPGRADE));
      await once(client, 'data');
      const back = readBytes(client, bytes.length);
      client.write(bytes);
      assert.ok(bytes.equals(await back));
    });

    it('leaves none of its own listeners on the connection', async () => {
      const server = await serve();
      const upgraded = once(server, 'upgrade');
      const client = await world.connect(server);
      client.write(requestText('GET /', UPGRADE));
      const [, socket] = await upgraded;
      for (const name of ['data', 'drain', 'error', 'timeout']) {
        assert.equal(socket.listenerCount(name), 0, name);
      }
    });

    it('is a request like any other when nobody listens for it', async () => {
      const server = await serve((_request, response) => response.end('just a request'));
      const client = await world.connect(server);
      client.end(requestText('GET /', UPGRADE));
      assert.match(String(await readAll(client)), /^HTTP\/1\.1 200 OK\r\n.*just a request$/s);
    });

    it('comes after requests on the same connection', async () => {
      const server = await serveEcho();
      server.removeAllListeners('request');
      server.on('request', (_request, response) => response.end('asked'));
      const client = await world.connect(server);
      client.write(requestText('GET /'));
      const [answer] = await once(client, 'data');
      assert.match(String(answer), /asked$/);
      client.end(requestText('GET /', UPGRADE, 'head'));
      assert.equal(String(await readAll(client)), `${SWITCHING}head`);
    });
  });

  describe("'connect'", () => {
    it('hands over the bytes that came with the request', async () => {
      const server = await serve(() => assert.fail('CONNECT is no request'));
      server.on('connect', ({ method, url }, socket, head) => {
        socket.write(`HTTP/1.1 200 ${method} ${url}\r\n\r\n`);
        socket.write(head);
        socket.pipe(socket);
      });
      const client = await world.connect(server);
      client.write(requestText('CONNECT example.test:443', {}, 'early '));
      client.end('late');
      const answer = 'HTTP/1.1 200 CONNECT example.test:443\r\n\r\nearly late';
      assert.equal(String(await readAll(client)), answer);
    });

    it("works with Node's client", async () => {
      const server = await serve();
      server.on('connect', (_request, socket, head) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\nhello ');
        socket.end(head);
      });
      const { port } = server.address();
      const options = { host: LOOPBACK, port, method: 'CONNECT', path: 'x:1', agent: false };
      const outgoing = http.request(options).end();
      const [response, socket, head] = await once(outgoing, 'connect');
      assert.equal(response.statusCode, 200);
      assert.equal(String(Buffer.concat([head, await readAll(socket)])), 'hello ');
    });

    it('cuts the connection when nobody listens for it', async () => {
      const server = await serve(() => assert.fail('CONNECT is no request'));
      const client = await world.connect(server);
      client.write(requestText('CONNECT example.test:443'));
      assert.equal(String(await readAll(client)), '');
    });
  });

  describe('ws', () => {
    async function open(server, options) {
      const { port } = server.address();
      const socket = new WebSocket(`ws://${LOOPBACK}:${port}/`, options);
      await once(socket, 'open');
      return socket;
    }

    async function serveSockets(options) {
      const server = await serve((_request, response) => response.end('page'));
      const sockets = new WebSocketServer({ server, ...options });
      sockets.on('connection', (socket) => {
        socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      });
      return { server, sockets };
    }

    it('echoes text and bytes of all sizes', async () => {
      const { server } = await serveSockets();
      const socket = await open(server);
      const random = new RandomStream(9);
      for (const size of [0, 1, 125, 126, 65535, 65536, 3 * MIB]) {
        const sent = random.bytes(size);
        socket.send(sent);
        const [back, isBinary] = await once(socket, 'message');
        assert.ok(isBinary && sent.equals(back), `${size} bytes`);
      }
      socket.send('text');
      assert.equal(String((await once(socket, 'message'))[0]), 'text');
      socket.close(1000, 'done');
      const [code, reason] = await once(socket, 'close');
      assert.deepEqual([code, String(reason)], [1000, 'done']);
    });

    it('compresses', async () => {
      const { server } = await serveSockets({ perMessageDeflate: { threshold: 0 } });
      const socket = await open(server, { perMessageDeflate: { threshold: 0 } });
      assert.match(socket.extensions, /permessage-deflate/);
      const sent = 'again and '.repeat(100000);
      socket.send(sent);
      assert.equal(String((await once(socket, 'message'))[0]), sent);
      socket.terminate();
    });

    it('hears of a client that is cut', async () => {
      const { server, sockets } = await serveSockets();
      const connected = once(sockets, 'connection');
      const socket = await open(server);
      const [serverSide] = await connected;
      const gone = closed(serverSide);
      socket.terminate();
      assert.equal(await gone, 1006);
    });

    it('pings, and pages are served beside', async () => {
      const { server, sockets } = await serveSockets();
      const connected = once(sockets, 'connection');
      const socket = await open(server);
      const [serverSide] = await connected;
      serverSide.ping('beat');
      assert.equal(String((await once(serverSide, 'pong'))[0]), 'beat');
      const client = await world.connect(server);
      client.end(requestText('GET /'));
      assert.match(String(await readAll(client)), /page$/);
      socket.terminate();
    });
  });
});
