'use strict';

/* What Node's documentation says of `http.Server` itself: its life, its events and its limits. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const { closed, readAll } = require('../helpers/clients');
const { request, requestText, useAgent } = require('../helpers/http');
const { createHttpServer, since, useWorld } = require('../helpers/parity');

const GET = requestText('GET /');

describe('http.Server', () => {
  const world = useWorld();
  const agent = useAgent();

  const serve = (...args) => world.open(createHttpServer(...args));

  describe('life', () => {
    it('is an http.Server and a net.Server', () => {
      const server = createHttpServer();
      assert.ok(server instanceof http.Server);
      assert.ok(server instanceof net.Server);
      assert.equal(server.listening, false);
      assert.equal(server.address(), null);
    });

    it('takes options, a listener, both or none', async () => {
      const listener = (_request, response) => response.end('heard');
      for (const args of [[listener], [{}, listener], [undefined, listener], [null, listener]]) {
        const server = await serve(...args);
        assert.equal((await request(server)).body, 'heard');
      }
      const server = await serve({ keepAliveTimeout: 1234 });
      server.on('request', listener);
      assert.equal(server.keepAliveTimeout, 1234);
      assert.equal((await request(server)).body, 'heard');
    });

    it('refuses options of a wrong type or range', () => {
      assert.throws(() => createHttpServer('options'), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => createHttpServer({ requestTimeout: 'soon' }), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
      assert.throws(() => createHttpServer({ headersTimeout: 2, requestTimeout: 1 }), {
        code: 'ERR_OUT_OF_RANGE',
      });
    });

    it('calls the callbacks of listen() and close() without arguments, this being the server', async () => {
      const server = world.adopt(createHttpServer());
      const called = await new Promise((resolve) => {
        server.listen(0, '127.0.0.1', function listening(...args) {
          resolve([this === server, ...args]);
        });
      });
      assert.deepEqual(called, [true]);
      assert.equal(server.listening, true);
      assert.equal(server.address().address, '127.0.0.1');
      const ended = await new Promise((resolve) => {
        server.close(function close(...args) {
          resolve([this === server, ...args]);
        });
      });
      assert.deepEqual(ended, [true]);
      assert.equal(server.listening, false);
      assert.equal(server.address(), null);
    });

    it('tells the callback of close() that it was not running', async () => {
      const server = createHttpServer();
      const err = await new Promise((resolve) => server.close(resolve));
      assert.equal(err.code, 'ERR_SERVER_NOT_RUNNING');
    });

    it('listens again after close()', async () => {
      const server = await serve((_request, response) => response.end('again'));
      server.close();
      await once(server, 'close');
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      assert.equal((await request(server)).body, 'again');
    });

    it("emits 'error' for a port in use", async () => {
      const first = await serve();
      const second = createHttpServer();
      second.listen(first.address().port, '127.0.0.1');
      const [err] = await once(second, 'error');
      assert.equal(err.code, 'EADDRINUSE');
    });

    it('throws for a second listen()', async () => {
      const server = await serve();
      assert.throws(() => server.listen(0), { code: 'ERR_SERVER_ALREADY_LISTEN' });
    });

    it('counts and limits connections', async () => {
      const server = await serve();
      server.maxConnections = 1;
      assert.equal(server.maxConnections, 1);
      const accepted = once(server, 'connection');
      await world.connect(server);
      await accepted;
      const dropped = once(server, 'drop');
      const second = await world.connect(server);
      const [{ remotePort }] = await dropped;
      assert.equal(remotePort, second.localPort);
      const count = await new Promise((resolve) => {
        server.getConnections((_err, value) => resolve(value));
      });
      assert.equal(count, 1);
    });

    it('can be disposed of', async () => {
      if (Symbol.asyncDispose === undefined) return;
      const server = await serve();
      await server[Symbol.asyncDispose]();
      assert.equal(server.listening, false);
    });
  });

  describe('connections', () => {
    it("shows each with 'connection', before its first request", async () => {
      const server = await serve((incoming, response) => {
        response.end(`${incoming.socket === seen} ${incoming.socket.server === server}`);
      });
      let seen;
      server.on('connection', (socket) => {
        seen = socket;
      });
      assert.equal((await request(server)).body, 'true true');
    });

    it('tells addresses with request.socket', async () => {
      const server = await serve(({ socket }, response) => {
        const { remoteAddress, remoteFamily, remotePort, localPort } = socket;
        response.end(JSON.stringify({ remoteAddress, remoteFamily, remotePort, localPort }));
      });
      const client = await world.connect(server);
      const { localPort: remotePort } = client;
      client.end(GET);
      const [body] = /\{.*\}/.exec(String(await readAll(client)));
      assert.deepEqual(JSON.parse(body), {
        remoteAddress: '127.0.0.1',
        remoteFamily: 'IPv4',
        remotePort,
        localPort: server.address().port,
      });
    });

    it('closes idle ones when the server closes', async () => {
      const server = await serve((_request, response) => response.end());
      await request(server, { agent });
      await new Promise((resolve) => server.close(resolve));
    });

    it('lets one with a request under way finish', async () => {
      const server = await serve((_request, response) => {
        server.close();
        setImmediate(() => response.end('finished'));
      });
      const gone = once(server, 'close');
      assert.equal((await request(server)).body, 'finished');
      await gone;
    });

    for (const [what, blockedMs] of [
      ['in part', 0],
      ['in part, and the rest while JavaScript was busy,', 50],
    ]) {
      it(`lets one finish whose request has come ${what} when the server closes`, async () => {
        const server = await serve((_request, response) => response.end('finished'));
        const client = await world.connect(server);
        const later = await world.connect(server);
        client.write('GET / HTTP/1.1\r\nConnection: close\r\n');
        later.write(requestText('GET /'));
        await once(later, 'data'); // by now what was written before is there too
        const gone = once(server, 'close');
        if (blockedMs > 0) client.write('Host: localhost\r\n\r\n');
        const start = Date.now();
        while (Date.now() - start < blockedMs);
        server.close();
        if (blockedMs === 0) client.write('Host: localhost\r\n\r\n');
        assert.match(String(await readAll(client)), /finished$/);
        await gone;
      });
    }

    it('closeIdleConnections() closes those without a request', async () => {
      let answer;
      const server = await serve(({ url }, response) => {
        if (url === '/idle') response.end();
        else answer = () => response.end('late');
      });
      const idle = await world.connect(server);
      const busy = await world.connect(server);
      idle.write(requestText('GET /idle'));
      await once(idle, 'data');
      const asked = once(server, 'request');
      busy.write(requestText('GET /busy', { connection: 'close' }));
      await asked;
      const gone = closed(idle.resume());
      server.closeIdleConnections();
      await gone;
      answer();
      assert.match(String(await readAll(busy)), /late$/);
    });

    if (since(26)) {
      it('closes one that has never said a word when the server closes', async () => {
        const server = await serve(() => {});
        const accepted = once(server, 'connection');
        const silent = await world.connect(server);
        await accepted;
        const gone = closed(silent.resume());
        await new Promise((resolve) => server.close(resolve));
        await gone;
      });
    }

    it('closeAllConnections() closes all', async () => {
      const server = await serve(() => {});
      const client = await world.connect(server);
      const asked = once(server, 'request');
      client.write(GET);
      await asked;
      const gone = closed(client.resume());
      server.closeAllConnections();
      await gone;
    });

    it('closes one after keepAliveTimeout', async () => {
      const server = await serve({ keepAliveTimeout: 1, keepAliveTimeoutBuffer: 1 }, (_in, out) =>
        out.end(),
      );
      const client = await world.connect(server);
      client.write(GET);
      assert.match(String(await readAll(client)), /^HTTP\/1\.1 200 OK\r\n.*Keep-Alive: timeout=/s);
    });

    it('takes no more than maxRequestsPerSocket', async () => {
      const server = await serve((_request, response) => response.end('one'));
      server.maxRequestsPerSocket = 1;
      const dropped = once(server, 'dropRequest');
      const client = await world.connect(server);
      client.end(GET + GET);
      const answers = String(await readAll(client));
      assert.match(answers, /Connection: close/);
      const [incoming, socket] = await dropped;
      assert.ok(incoming instanceof http.IncomingMessage);
      assert.equal(incoming.socket, socket);
    });
  });

  describe('timeouts', () => {
    it("destroys a silent connection after 'timeout', or leaves that to a listener", async () => {
      const server = await serve();
      server.timeout = 20;
      const client = await world.connect(server);
      assert.equal(String(await readAll(client)), '');
      const timedOut = once(server, 'timeout');
      const other = await world.connect(server);
      const [socket] = await timedOut;
      assert.equal(socket.destroyed, false);
      const gone = closed(other.resume());
      socket.destroy();
      await gone;
    });

    it('setTimeout() of the server and of a response', async () => {
      const server = await serve((_request, response) => {
        response.setTimeout(20, () => response.end('timed out'));
      });
      assert.equal(server.setTimeout(60000), server);
      assert.equal(server.timeout, 60000);
      assert.equal((await request(server)).body, 'timed out');
    });

    for (const [name, text] of [
      ['headersTimeout', 'GET / HTTP/1.1\r\nhost: x\r\n'],
      ['requestTimeout', requestText('POST /', { 'content-length': 10 }, 'half')],
    ]) {
      it(`answers with 408 after ${name}`, async () => {
        const server = await serve(
          { headersTimeout: 30, requestTimeout: 30, connectionsCheckingInterval: 10 },
          (incoming) => incoming.resume().on('error', () => {}),
        );
        const client = await world.connect(server);
        client.write(text);
        assert.match(String(await readAll(client)), /^HTTP\/1\.1 408 Request Timeout\r\n/);
      });
    }
  });

  describe('what is no request', () => {
    for (const [status, text] of [
      ['400 Bad Request', 'nonsense\r\n\r\n'],
      ['400 Bad Request', 'GET / HTTP/1.1\r\n\r\n'], // no host
      ['431 Request Header Fields Too Large', requestText('GET /', { long: 'x'.repeat(20000) })],
    ]) {
      it(`is answered with ${status}`, async () => {
        const server = await serve(() => assert.fail('no request has been made'));
        const client = await world.connect(server);
        client.write(text);
        assert.match(String(await readAll(client)), new RegExp(`^HTTP/1.1 ${status}\r\n`));
      });
    }

    it("is a 'clientError' with the connection, which the listener answers", async () => {
      const server = await serve();
      server.on('clientError', (err, socket) => {
        socket.end(`HTTP/1.1 400 ${err.code} ${err.rawPacket.length}\r\n\r\n`);
      });
      const client = await world.connect(server);
      client.write('G\u0000ET / HTTP/1.1\r\n\r\n');
      assert.match(String(await readAll(client)), /^HTTP\/1\.1 400 HPE_\w+ 19\r\n\r\n$/);
    });

    it("is a 'clientError' when the client goes away in the middle", async () => {
      const server = await serve();
      const failed = once(server, 'clientError');
      const client = await world.connect(server);
      client.write('GET / HTTP/1.1\r\n');
      client.resetAndDestroy();
      const [err, socket] = await failed;
      // Whether the kernel tells of the reset or of an end depends on when it is asked.
      assert.ok(['ECONNRESET', 'HPE_INVALID_EOF_STATE'].includes(err.code), err.code);
      socket.destroy();
    });

    // Older Nodes leave out what is too much, newer ones refuse.
    for (const [most, sent] of [
      [2, 2],
      [2, 3],
      [0, 1200],
      [null, 1200],
    ]) {
      it(`${sent} headers where maxHeadersCount is ${most} are what they are in Node`, async () => {
        const names = Array.from({ length: sent - 2 }, (_none, i) => [`x${i}`, '']);
        const text = requestText('GET /', { ...Object.fromEntries(names), connection: 'close' });
        const answers = [];
        for (const create of [createHttpServer, http.createServer]) {
          const server = create((incoming, response) => {
            response.end(`${Object.keys(incoming.headers).length}`);
          });
          server.maxHeadersCount = most;
          await world.open(server);
          const client = await world.connect(server);
          client.end(text);
          const answer = String(await readAll(client));
          answers.push([answer.split(' ')[1], answer.split('\r\n').at(-1)]);
        }
        assert.deepEqual(answers[0], answers[1]);
      });
    }
  });
});
