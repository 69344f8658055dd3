'use strict';

/* createHttpServer() where the worker parses: what the parity tests cannot ask. */

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const http = require('node:http');
const { text } = require('node:stream/consumers');
const { createHttpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, closed, connect, readAll, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { CHUNKED } = require('./helpers/http-vectors');
const { requestText } = require('./helpers/raw-http');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const native = expectedBackend === 'io_uring';
const CLOSE = { Connection: 'close' };

describe('createHttpServer on the worker', function () {
  limit(this, 30);
  const servers = new Set();

  afterEach(async () => {
    await Promise.all([...servers].map((server) => server.stop()));
    servers.clear();
  });

  async function serve(options, listener) {
    const server = createHttpServer(options, listener);
    servers.add(server);
    server.listen(0, LOOPBACK);
    await once(server, 'listening');
    return server;
  }

  const open = (server) => connect(server.address().port, { allowHalfOpen: true });

  /** What comes back until the server ends: the last request is to ask for that. */
  async function ask(server, sent) {
    const client = await open(server);
    client.write(sent, 'latin1');
    return String(await readAll(client));
  }

  /** How many requests the worker has parsed; elsewhere Node has parsed all of them. */
  const parsed = (server, expected) => {
    if (native) assert.equal(server.info().httpRequests, expected);
  };

  it('parses plain requests there, in whatever pieces they come', async () => {
    const server = await serve({}, async (request, response) => {
      response.end(`[${request.method} ${request.url} ${await text(request)}]`);
    });
    const sent =
      requestText('GET /a') +
      `${CHUNKED}2\r\nch\r\n3\r\nunk\r\n0\r\n\r\n` +
      requestText('POST /b', { 'Content-Length': 4, ...CLOSE }, 'body');
    for (const size of [1, 10, sent.length]) {
      const client = await open(server);
      for (let i = 0; i < sent.length; i += size) {
        client.write(sent.slice(i, i + size));
        if (size < sent.length) await new Promise(setImmediate);
      }
      const bodies = String(await readAll(client)).match(/\[.*?\]/g);
      assert.deepEqual(bodies, ['[GET /a ]', '[POST / chunk]', '[POST /b body]']);
    }
    parsed(server, 9);
  });

  it('leaves to Node what is no plain request, and all that comes behind it', async () => {
    const server = await serve({}, (request, response) => response.end(`[${request.url}]`));
    const upgrade = requestText('GET /b', { Connection: 'upgrade', Upgrade: 'x' });
    const client = await open(server);
    client.write(requestText('GET /a') + upgrade);
    let answers = '';
    while (!answers.includes('[/b]')) answers += await readBytes(client, 1);
    client.write(requestText('GET /c', CLOSE)); // Node has no ears for it with the upgrade
    answers += await readAll(client);
    assert.deepEqual(answers.match(/\[.*?\]/g), ['[/a]', '[/b]', '[/c]']);
    parsed(server, 1);
  });

  it('has trailers', async () => {
    const server = await serve({}, (request, response) => {
      request.resume().on('end', () => response.end(JSON.stringify(request.rawTrailers)));
    });
    const head = requestText('POST /', { 'Transfer-Encoding': 'chunked', ...CLOSE });
    const answer = await ask(server, `${head}1\r\na\r\n0\r\nX: 1\r\nY-Z: two\r\n\r\n`);
    assert.match(answer, /\["X","1","Y-Z","two"\]/);
    parsed(server, 1);
  });

  it('answers a thousand requests of one write in order', async () => {
    const server = await serve({}, (request, response) => response.end(`[${request.url}]`));
    const urls = Array.from({ length: 1000 }, (_none, i) => `/${i}`);
    const sent = urls.map((url) => requestText(`GET ${url}`, url === '/999' ? CLOSE : {}));
    const answers = await ask(server, sent.join(''));
    assert.deepEqual(
      answers.match(/\[.*?\]/g),
      urls.map((url) => `[${url}]`),
    );
    parsed(server, 1000);
  });

  it('keeps asynchronous contexts of connections apart', async () => {
    const storage = new AsyncLocalStorage();
    const server = await serve({}, async (request, response) => {
      const before = storage.getStore();
      storage.enterWith(request.url);
      await new Promise(setImmediate);
      response.end(`[${before} ${storage.getStore()}]`);
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_none, i) => ask(server, requestText(`GET /${i}`, CLOSE))),
    );
    answers.forEach((answer, i) => {
      assert.match(answer, new RegExp(`\\[undefined /${i}\\]`));
    });
  });

  it('gives a body no faster than it is read, and all of it', async () => {
    const bytes = new RandomStream(11).bytes(8 * MIB);
    const server = await serve({}, async (request, response) => {
      const chunks = [];
      for await (const chunk of request) {
        chunks.push(chunk);
        assert.ok(request.readableLength < MIB);
        if (chunks.length % 16 === 0) await new Promise(setImmediate);
      }
      response.end(String(bytes.equals(Buffer.concat(chunks))));
    });
    for (const headers of [{ 'content-length': bytes.length }, {}]) {
      const { port } = server.address();
      const options = { host: LOOPBACK, port, method: 'POST', agent: false, headers };
      const outgoing = http.request(options).end(bytes);
      const [response] = await once(outgoing, 'response');
      assert.equal(await text(response), 'true');
    }
    parsed(server, 2);
  });

  it('holds requests back while the connection is paused, also from Node', async () => {
    const seen = [];
    const server = await serve({}, (request, response) => {
      seen.push(request.url);
      if (request.url === '/0') request.socket.pause();
      response.end(`[${request.url}]`);
    });
    let socket;
    server.on('connection', (connection) => {
      socket = connection;
    });
    const client = await open(server);
    const upgrade = requestText('GET /up', { Connection: 'upgrade, close', Upgrade: 'x' });
    const urls = ['/0', '/1', '/2'];
    client.write(urls.map((url) => requestText(`GET ${url}`)).join('') + upgrade);
    await eventually(() => seen.length > 0, 'a request');
    socket.resume();
    const answers = String(await readAll(client));
    assert.deepEqual(answers.match(/\[.*?\]/g), ['[/0]', '[/1]', '[/2]', '[/up]']);
  });

  it('goes on after a handler threw', async () => {
    if (!native) return; // Node's parser forgets the rest of the packet
    const server = await serve({}, (request, response) => {
      response.end(`[${request.url}]`);
      if (request.url === '/throw') throw new Error('of a handler');
    });
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    const thrown = once(process, 'uncaughtException');
    const answers = ask(server, requestText('GET /throw') + requestText('GET /next', CLOSE));
    const [err] = await thrown;
    for (const listener of listeners) process.on('uncaughtException', listener);
    assert.equal(err.message, 'of a handler');
    assert.deepEqual((await answers).match(/\[.*?\]/g), ['[/throw]', '[/next]']);
  });

  it('tells no request of a connection that a handler has destroyed', async () => {
    if (!native) return; // Node's parser does
    const seen = [];
    const server = await serve({}, (request) => {
      seen.push(request.url);
      request.socket.destroy();
    });
    assert.equal(await ask(server, requestText('GET /1') + requestText('GET /2')), '');
    assert.deepEqual(seen, ['/1']);
  });

  for (const [what, sent, code] of [
    ['a chunk that is none', `${CHUNKED}1\r\na\r\nx\r\n`, /^HPE_INVALID_CHUNK_SIZE$/],
    ['an end in the middle of a body', `${CHUNKED}5\r\nab`, /^HPE_INVALID_EOF_STATE$/],
    ['an end in the middle of a head', 'GET / HT', /^HPE_INVALID_EOF_STATE$/],
    ['a head that is none', 'G E T\r\n\r\n', /^HPE_/],
  ]) {
    it(`makes a 'clientError' of ${what}`, async () => {
      const server = await serve({}, (request) => request.resume().on('error', () => {}));
      server.on('clientError', (err, socket) => {
        assert.match(err.code, code);
        assert.ok(Buffer.isBuffer(err.rawPacket) || /EOF/.test(err.code));
        socket.end('HTTP/1.1 400 Heard\r\n\r\n');
      });
      const client = await open(server);
      client.end(sent);
      assert.match(String(await readAll(client)), /^HTTP\/1\.1 400 Heard/);
    });
  }

  it('ends slow heads and bodies, also of connections that have had requests', async () => {
    const times = { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 };
    const server = await serve(times, (request, response) => {
      request.on('error', () => {});
      request.resume().on('end', () => response.end('ok'));
    });
    for (const rest of ['GET / HTTP/1.1\r\n', `${CHUNKED}5\r\nab`]) {
      const client = await open(server);
      client.write(requestText('GET /'));
      await once(client, 'data');
      client.write(rest);
      assert.match(String(await readAll(client)), /^HTTP\/1\.1 408 /);
    }
  });

  it('heeds time limits that are set while it listens', async () => {
    const server = await serve({ connectionsCheckingInterval: 20 });
    server.requestTimeout = 0;
    server.headersTimeout = 100;
    assert.deepEqual([server.headersTimeout, server.requestTimeout], [100, 0]);
    const client = await open(server);
    client.write('GET / HTTP/1.1\r\n');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 408 /);
  });

  it('does not time a connection out for its age', async () => {
    const times = { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 };
    const server = await serve(times, (_request, response) => response.end('ok'));
    const client = await open(server);
    for (let i = 0; i < 5; i++) {
      client.write(requestText('GET /'));
      const [answer] = await once(client, 'data');
      assert.match(String(answer), /^HTTP\/1\.1 200 /);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    client.destroy();
  });

  it('lets Node parse when it is to be lenient', async () => {
    const server = await serve({ insecureHTTPParser: true }, (request, response) => {
      response.end(`[${request.headers.x}]`);
    });
    const answer = await ask(server, requestText('GET /', { X: 'a\x01b', ...CLOSE }));
    assert.ok(answer.includes('[a\x01b]'));
    if (native) assert.equal(server.info().httpRequests, undefined);
  });

  it('survives clients that break off anywhere', async () => {
    const server = await serve({}, (request, response) => {
      request.on('error', () => {});
      request.pipe(response);
    });
    const sent = `${requestText('GET /')}${CHUNKED}5\r\nhello\r\n0\r\n\r\n`;
    await Promise.all(
      Array.from({ length: 120 }, async (_none, i) => {
        const client = await open(server);
        const gone = closed(client.resume());
        client.write(sent.slice(0, 1 + ((i * 7) % sent.length)));
        if (i % 2 === 0) client.resetAndDestroy();
        else client.end();
        await gone;
      }),
    );
    await eventually(() => server.info().connectionsActive === 0, 'the end of all connections');
  });
});
