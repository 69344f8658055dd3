'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { UringHttpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, closed, readAll } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { parseAnswers, requestText, useHttp } = require('./helpers/raw-http');
const { RandomStream } = require('./helpers/random');
const { MIB, limit, seconds } = require('./helpers/scale');

const GET = requestText('GET /');
const CLOSE = { Connection: 'close' };
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

const echo = ({ requestId, method, url, body }, server) => {
  server.respond(requestId, 200, { 'Content-Type': 'text/plain' }, `${method} ${url} ${body}`);
};

describe('UringHttpServer', function () {
  limit(this, 30);
  const world = useHttp();

  describe('fixed responses', () => {
    it('answers everything with responseBody, statusCode and responseHeaders', async () => {
      const server = await world.start({
        responseBody: 'fixed',
        statusCode: 203,
        responseHeaders: { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] },
      });
      assert.equal(server.info().backend, expectedBackend);
      assert.equal(server.info().host, LOOPBACK);
      const post = requestText('POST /any?where', { 'Content-Length': 4 }, 'body');
      const [first, second] = await world.ask(server, GET + post);
      assert.equal(first.status, 203);
      assert.equal(first.body, 'fixed');
      assert.equal(first.headers['content-type'], 'text/plain');
      assert.match(first.headers.date, DATE);
      assert.deepEqual([second.status, second.body], [203, 'fixed']);
      const { httpRequests, httpFixed, httpRefused } = server.info();
      assert.deepEqual([httpRequests, httpFixed, httpRefused], [2, 2, 0]);
    });

    it('of a server without anything else is empty', async () => {
      const server = await world.start();
      const [{ status, body }] = await world.ask(server, GET);
      assert.deepEqual([status, body], [200, '']);
    });

    it('answers routes by their exact path, and 404 and 405 beside', async () => {
      const routes = {
        '/health': 'fine',
        '/bytes': Buffer.from([0, 255]),
        '/full': { statusCode: 418, headers: { 'X-Tea': 'yes' }, body: 'pot' },
        '/nothing': { statusCode: 204 },
      };
      const server = await world.start({ routes });
      const lines = ['GET /health', 'GET /health?a=b', 'GET http://x/health', 'GET /bytes'];
      lines.push(
        'GET /full',
        'GET /nothing',
        'HEAD /health',
        'GET /healthy',
        'GET /',
        'POST /health',
      );
      const methods = lines.map((line) => line.split(' ')[0]);
      const text = lines.map((line) => requestText(line)).join('');
      const answers = await world.ask(server, text, methods);
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 200, 418, 204, 200, 404, 404, 405],
      );
      const [health, query, absolute, bytes, full, nothing, head] = answers;
      for (const one of [health, query, absolute]) assert.equal(one.body, 'fine');
      assert.equal(bytes.body, '\0\xff');
      assert.deepEqual([full.body, full.headers['x-tea']], ['pot', 'yes']);
      assert.equal(nothing.headers['content-length'], undefined);
      assert.deepEqual([head.headers['content-length'], head.body], ['4', '']);
      assert.equal(answers[9].headers.allow, 'GET, HEAD');
    });

    it('renews the date each second', async () => {
      const server = await world.start({ responseBody: 'x' });
      const dateNow = async () => Date.parse((await world.ask(server, GET))[0].headers.date);
      const first = await dateNow();
      assert.ok(Math.abs(first - Date.now()) < 5000);
      await eventually(async () => (await dateNow()) > first, 'a later date');
    });

    it('are given while the JavaScript thread stands still', async () => {
      const options = { driver: 'worker', routes: { '/health': 'alive' } };
      const server = await world.start(options, () => {});
      if (server.info().backend !== 'io_uring') return;
      const { execFileSync } = require('node:child_process');
      const program = `
        const http = require('node:http');
        const agent = new http.Agent({ keepAlive: true });
        let left = 50;
        const ask = () => http.get({ host: '${LOOPBACK}', port: ${server.info().port}, path: '/health', agent }, (response) => {
          response.on('data', (chunk) => process.stdout.write(chunk));
          response.on('end', () => (--left > 0 ? ask() : agent.destroy()));
        });
        ask();`;
      const child = { encoding: 'utf8', timeout: 30000 };
      const text = execFileSync(process.execPath, ['-e', program], child); // blocks this thread
      assert.equal(text, 'alive'.repeat(50));
    });

    it('large ones arrive whole, many at a time', async () => {
      const body = new RandomStream(5).bytes(MIB);
      const server = await world.start({ routes: { '/large': body } });
      const client = await world.connect(server, { allowHalfOpen: true });
      client.end(requestText('GET /large').repeat(20));
      const answers = parseAnswers(await readAll(client));
      assert.equal(answers.length, 20);
      for (const answer of answers) assert.ok(body.equals(Buffer.from(answer.body, 'latin1')));
    });
  });

  describe('requests', () => {
    it('tell method, URL, headers and body', async () => {
      const server = await world.start({}, echo);
      const headers = { 'X-One': 'a', 'x-two': ' b ', Cookie: 'c=1', 'Content-Length': 5 };
      const text = requestText('PUT /path/x?q=1&r=?', headers, 'hello').replace(
        'Cookie: c=1\r\n',
        'Cookie: c=1\r\nx-ONE: z\r\nCookie: d=2\r\n',
      );
      const [{ status, body }] = await world.ask(server, text);
      assert.deepEqual([status, body], [200, 'PUT /path/x?q=1&r=? hello']);
      const [request] = server.seen;
      assert.equal(request.method, 'PUT');
      assert.equal(request.url, '/path/x?q=1&r=?');
      assert.equal(request.path, '/path/x');
      assert.equal(request.query, 'q=1&r=?');
      assert.equal(request.httpVersion, '1.1');
      assert.equal(request.header('x-one'), 'a, z');
      assert.equal(request.header('X-TWO'), 'b');
      assert.equal(request.header('cookie'), 'c=1; d=2');
      assert.equal(request.header('x-three'), undefined);
      assert.ok(Buffer.isBuffer(request.body));
      assert.deepEqual(request.rawHeaders.slice(0, 4), ['Host', 'x', 'X-One', 'a']);
    });

    it('with bodies in chunks, split anywhere', async () => {
      const server = await world.start({}, echo);
      const chunked = requestText('POST /', { 'Transfer-Encoding': 'chunked', ...CLOSE });
      const client = await world.connect(server);
      for (const byte of `${chunked}3\r\nabc\r\na\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n`) {
        client.write(byte);
        await new Promise(setImmediate);
      }
      const [{ body }] = parseAnswers(await readAll(client));
      assert.equal(body, 'POST / abc0123456789');
    });

    it('with bodies of some MiB, pipelined', async () => {
      const bytes = new RandomStream(9).bytes(2 * MIB);
      const server = await world.start({ maxBodySize: 0 }, ({ requestId, body }) => {
        server.respond(requestId, 200, {}, body.equals(bytes) ? 'same' : 'other');
      });
      const client = await world.connect(server, { allowHalfOpen: true });
      const head = requestText('POST /', { 'Content-Length': bytes.length });
      for (let i = 0; i < 4; i++) {
        client.write(head);
        client.write(bytes);
      }
      client.end();
      const answers = parseAnswers(await readAll(client));
      assert.deepEqual(answers.map(({ body }) => body).join(' '), 'same same same same');
    });

    it('get 100 Continue when they wait for it', async () => {
      const server = await world.start({}, echo);
      const client = await world.connect(server);
      client.write(
        requestText('POST /', { Expect: '100-continue', 'Content-Length': 2, ...CLOSE }),
      );
      const [first] = await once(client, 'data');
      assert.match(String(first), /^HTTP\/1\.1 100 Continue\r\n\r\n$/);
      client.write('ok');
      const [{ body }] = parseAnswers(await readAll(client));
      assert.equal(body, 'POST / ok');
    });

    it('come in batches with startBatch()', async () => {
      const server = world.server({ eventBatchSize: 8 });
      const sizes = [];
      await server.startBatch((requests) => {
        sizes.push(requests.length);
        for (const request of requests) echo(request, server);
      });
      const text = Array.from({ length: 50 }, (_none, i) => requestText(`GET /${i}`)).join('');
      const answers = await world.ask(server, text);
      assert.deepEqual(
        answers.map(({ body }) => body.trim()),
        Array.from({ length: 50 }, (_none, i) => `GET /${i}`),
      );
      assert.ok(sizes.every((size) => size >= 1 && size <= 8));
    });

    it("go on after a handler threw: that is an 'uncaughtException'", async () => {
      const server = await world.start({}, (request) => {
        if (request.path === '/throw') throw new Error('of a handler');
        echo(request, server);
      });
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      const thrown = once(process, 'uncaughtException');
      const client = await world.connect(server);
      client.write(requestText('GET /throw'));
      const [err] = await thrown;
      for (const listener of listeners) process.on('uncaughtException', listener);
      assert.equal(err.message, 'of a handler');
      const [{ status }] = await world.ask(server, GET);
      assert.equal(status, 200);
    });
  });

  describe('responses', () => {
    it('leave in the order of the requests, whoever answers', async () => {
      const waiting = [];
      const server = await world.start({ routes: { '/fixed': 'fixed' } }, (request) => {
        waiting.push(request);
        if (waiting.length === 3) for (const one of waiting.reverse()) echo(one, server);
      });
      const lines = ['GET /a', 'GET /fixed', 'GET /b', 'GET /fixed', 'GET /c'];
      const answers = await world.ask(server, lines.map((line) => requestText(line)).join(''));
      const bodies = answers.map(({ body }) => body.trim());
      assert.deepEqual(bodies, ['GET /a', 'fixed', 'GET /b', 'fixed', 'GET /c']);
    });

    it('to HEAD, 204 and 304 have no body', async () => {
      const server = await world.start({}, ({ requestId, path }) => {
        const status = Number(path.slice(1));
        server.respond(requestId, status, {}, status === 200 ? 'a body' : undefined);
      });
      const lines = ['HEAD /200', 'GET /204', 'GET /304', 'GET /200'];
      const methods = lines.map((line) => line.split(' ')[0]);
      const text = lines.map((line) => requestText(line)).join('');
      const [head, none, same, whole] = await world.ask(server, text, methods);
      assert.deepEqual([head.headers['content-length'], head.body], ['6', '']);
      assert.deepEqual([none.status, none.headers['content-length']], [204, undefined]);
      assert.deepEqual([same.status, same.body], [304, '']);
      assert.equal(whole.body, 'a body');
    });

    it('of all kinds of bodies', async () => {
      const large = new RandomStream(3).bytes(MIB);
      const bodies = [
        '',
        'text',
        'é',
        Buffer.from('buffer'),
        new Uint8Array([1, 2]),
        undefined,
        large,
      ];
      const server = await world.start({}, ({ requestId, path }) => {
        assert.equal(server.respond(requestId, 200, null, bodies[path.slice(1)]), true);
      });
      const text = bodies.map((_body, i) => requestText(`GET /${i}`)).join('');
      const answers = await world.ask(server, text);
      assert.equal(answers.length, bodies.length);
      answers.forEach(({ body }, i) => {
        const sent = Buffer.from(bodies[i] ?? '');
        assert.ok(sent.equals(Buffer.from(body, 'latin1')), `body ${i}`);
      });
    });

    it('are false for requests that are gone, answered, or never were', async () => {
      const server = await world.start({}, () => {});
      assert.equal(server.respond(1), false);
      const client = await world.connect(server);
      client.write(GET + GET);
      await eventually(() => server.seen.length === 2, 'two requests');
      const [first, second] = server.seen;
      assert.equal(server.respond(first.requestId), true);
      assert.equal(server.respond(first.requestId), false);
      client.resetAndDestroy();
      await eventually(() => server.info().connectionsActive === 0, 'the end of the connection');
      await new Promise(setImmediate);
      assert.equal(server.respond(second.requestId), false);
      await server.stop();
      assert.equal(server.respond(second.requestId), false);
    });

    it('have headers as they are given', async () => {
      const server = await world.start({}, ({ requestId }) => {
        const headers = [
          ['X-A', 'one'],
          ['x-b', 2],
          ['X-C', ['3', '4']],
          ['Date', 'never'],
        ];
        server.respond(requestId, 201, headers, 'x');
      });
      const client = await world.connect(server, { allowHalfOpen: true });
      client.end(GET);
      const text = String(await readAll(client));
      assert.match(
        text,
        /^HTTP\/1\.1 201 Created\r\nX-A: one\r\nx-b: 2\r\nX-C: 3\r\nX-C: 4\r\nDate: never\r\n/,
      );
      assert.equal(text.match(/date/gi).length, 1);
    });

    it('refuse what would break the message', async () => {
      const server = await world.start({}, ({ requestId }) => {
        const fails = (status, headers, code) =>
          assert.throws(() => server.respond(requestId, status, headers, 'body'), { code }, code);
        for (const status of [0, 99, 101, 1000, 200.5, '200', NaN]) {
          fails(status, {}, 'ERR_HTTP_INVALID_STATUS_CODE');
        }
        for (const value of ['a\r\nb: c', 'a\nb', '\0', '\u0100']) {
          fails(200, { 'x-y': value }, 'ERR_INVALID_CHAR');
        }
        for (const name of ['', 'a b', 'a:b', 'a\r\nb', 'é']) {
          fails(200, { [name]: 'x' }, 'ERR_INVALID_HTTP_TOKEN');
        }
        fails(200, { 'x-y': undefined }, 'ERR_HTTP_INVALID_HEADER_VALUE');
        fails(200, { 'Transfer-Encoding': 'chunked' }, 'ERR_HTTP_INVALID_HEADER_VALUE');
        fails(200, { 'Content-Length': 3 }, 'ERR_HTTP_CONTENT_LENGTH_MISMATCH');
        fails(200, 'headers', 'ERR_INVALID_ARG_TYPE');
        assert.throws(() => server.respond(requestId, 200, {}, 5), {
          code: 'ERR_INVALID_ARG_TYPE',
        });
        assert.throws(() => server.respond('1'), { code: 'ERR_INVALID_ARG_TYPE' });
        server.respond(requestId, 200, { 'Content-Length': '4', Connection: 'close' }, 'body');
      });
      const [{ status, headers }] = await world.provoke(server, GET);
      assert.equal(status, 200);
      assert.deepEqual([headers['content-length'], headers.connection], ['4', 'close']);
    });
  });

  describe('connections', () => {
    it('stay with HTTP/1.1, and with HTTP/1.0 that asks for it', async () => {
      const server = await world.start({ responseBody: 'x' });
      const old = 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n';
      const answers = await world.provoke(server, `${GET}${old}GET / HTTP/1.0\r\n\r\n`);
      assert.equal(answers.length, 3);
      assert.match(answers[1].headers.connection, /^keep-alive$/i);
      assert.match(answers[2].headers.connection, /^close$/i);
    });

    it('end after Connection: close, of either side', async () => {
      const server = await world.start({}, ({ requestId, path }) => {
        server.respond(requestId, 200, path === '/end' ? CLOSE : {}, path);
      });
      for (const text of [requestText('GET /asked', CLOSE), requestText('GET /end')]) {
        const answers = await world.provoke(server, text + GET);
        assert.equal(answers.length, 1);
        assert.match(answers[0].headers.connection, /^close$/i);
      }
    });

    it('with an end in the middle of a request get 400', async () => {
      const server = await world.start({}, () => assert.fail('no request has been made'));
      for (const text of ['GET / HT', requestText('POST /', { 'Content-Length': 5 }, 'half')]) {
        const [{ status }] = await world.ask(server, text);
        assert.equal(status, 400);
      }
    });

    it('with many requests wait, and nothing is lost', async () => {
      let most = 0;
      const waiting = [];
      const server = await world.start({ maxPipelinedRequests: 4 }, (request) => {
        waiting.push(request);
        most = Math.max(most, waiting.length);
        if (waiting.length > 1) return;
        setImmediate(() => {
          for (const one of waiting.splice(0)) echo(one, server);
        });
      });
      const post = (i) =>
        requestText(`POST /${i}`, { 'Content-Length': 300 }, String(i % 10).repeat(300));
      const text = Array.from({ length: 300 }, (_none, i) => post(i)).join('');
      const answers = await world.ask(server, text);
      answers.forEach(({ body }, i) => {
        assert.equal(body, `POST /${i} ${String(i % 10).repeat(300)}`);
      });
      assert.equal(answers.length, 300);
      if (server.info().backend === 'io_uring') assert.ok(most <= 4, `${most} at a time`);
    });

    it('of clients that do not read are not read either, in bounded memory', async () => {
      const server = await world.start({ responseBody: Buffer.alloc(65536, 'b') });
      const client = await world.connect(server);
      client.pause();
      const all = 2000;
      client.write(requestText('GET /', { Padding: 'p'.repeat(4000) }).repeat(all - 1));
      client.write(requestText('GET /', CLOSE));
      await eventually(() => server.info().httpRequests > 10, 'some requests');
      assert.ok(server.info().httpRequests < all);
      let received = 0;
      client.on('data', (chunk) => {
        received += chunk.length;
      });
      await closed(client.resume());
      assert.ok(received > all * 65536);
      assert.equal(server.info().httpRequests, all);
    });

    it('obey maxConnections and idleTimeoutMs', async () => {
      const server = await world.start(
        { maxConnections: 1, idleTimeoutMs: seconds(0.5) },
        () => {},
      );
      const first = await world.connect(server);
      first.write(GET);
      await eventually(() => server.seen.length === 1, 'a request');
      await closed((await world.connect(server)).resume());
      await closed(first.resume());
      assert.equal(server.info().idleTimeouts, 1);
      assert.equal(server.info().connectionsRejected, 1);
    });

    it('are cut by stop(), and the server starts again', async () => {
      const server = await world.start({}, () => {});
      const client = await world.connect(server);
      client.write(GET);
      await eventually(() => server.seen.length === 1, 'a request');
      const gone = closed(client.resume());
      await server.stop();
      await gone;
      await server.start();
      const [{ status }] = await world.ask(server, GET);
      assert.equal(status, 200);
    });
  });

  it('checks its options', () => {
    const refuse = (options, code) => assert.throws(() => new UringHttpServer(options), { code });
    refuse({ responseBody: 5 }, 'ERR_INVALID_ARG_TYPE');
    refuse({ responseHeaders: 'x' }, 'ERR_INVALID_ARG_TYPE');
    refuse({ responseHeaders: { 'x-y': 'a\r\nb: c' } }, 'ERR_INVALID_CHAR');
    refuse({ statusCode: 100 }, 'ERR_OUT_OF_RANGE');
    refuse({ routes: 'x' }, 'ERR_INVALID_ARG_TYPE');
    refuse({ routes: { '/x': 5 } }, 'ERR_INVALID_ARG_TYPE');
    refuse({ routes: { '/x': { statusCode: 1000 } } }, 'ERR_HTTP_INVALID_STATUS_CODE');
    for (const path of ['', 'x', '/x?y', '/x#y', '/x y', '/\r\n', '/é']) {
      refuse({ routes: { [path]: 'x' } }, 'ERR_INVALID_ARG_VALUE');
    }
    refuse({ maxHeaderSize: 0 }, 'ERR_OUT_OF_RANGE');
    refuse({ maxHeadersize: 1000 }, 'ERR_INVALID_ARG_VALUE');
    const server = new UringHttpServer({ responseBody: 'x' });
    assert.throws(() => server.start(() => {}), { code: 'ERR_INVALID_ARG_VALUE' });
    assert.throws(() => new UringHttpServer().start('x'), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => new UringHttpServer().startBatch(), { code: 'ERR_INVALID_ARG_TYPE' });
  });
});
