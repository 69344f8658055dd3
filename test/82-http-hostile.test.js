'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { expectedBackend } = require('./helpers/backend');
const { closed, readAll } = require('./helpers/clients');
const { CHUNKED, GET, POST, SMUGGLED, VECTORS } = require('./helpers/http-vectors');
const { eventually } = require('./helpers/eventually');
const { parseAnswers, requestText, useHttp } = require('./helpers/raw-http');
const { watchMemory } = require('./helpers/memory');
const { MIB, limit } = require('./helpers/scale');

const native = expectedBackend === 'io_uring';
/** Stricter than Node's parser, or told with another status. */
const NATIVE_VECTORS = {
  'bare LF behind the last chunk': [400, `${CHUNKED}0\r\n\n`],
  'a control character in a value': [400, `${GET}X: \x01\r\n\r\n`],
  'an unknown coding': [400, `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`],
  'two spaces before the URL': [400, 'GET  / HTTP/1.1\r\nHost: a\r\n\r\n'],
  'a URL that is not ASCII': [400, 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n'],
  'Transfer-Encoding twice': [
    400,
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  'chunks in HTTP/1.0': [400, 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  'another coding': [501, `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  'the preface of HTTP/2': [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  'HTTP/1.2': [505, 'GET / HTTP/1.2\r\nHost: a\r\n\r\n'],
  CONNECT: [501, 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n'],
};

describe('UringHttpServer: hostile clients', function () {
  limit(this, 30);
  const world = useHttp();

  const answer = ({ requestId, url }, server) => server.respond(requestId, 200, {}, url);

  async function refuses(text, status) {
    const server = await world.start({}, answer);
    const answers = await world.provoke(server, text + SMUGGLED);
    assert.deepEqual(
      answers.map((one) => one.status),
      [status],
    );
    assert.match(answers[0].headers.connection, /^close$/i);
    assert.deepEqual(
      server.seen.map(({ url }) => url),
      [],
    );
    assert.equal(server.info().httpRefused, 1);
    if (!native) return; // Node forgets the answers that are due when an error comes behind
    // A request before it is answered, and a split makes no difference.
    const client = await world.connect(server);
    const bytes = requestText('GET /before') + text + SMUGGLED;
    for (let i = 0; i < bytes.length; i += 7) client.write(bytes.slice(i, i + 7), 'latin1');
    const both = parseAnswers(await readAll(client));
    assert.deepEqual([both.length, both[0].body, both[1].status], [2, '/before', status]);
    assert.deepEqual(
      server.seen.map(({ url }) => url),
      ['/before'],
    );
  }

  describe('get an answer and a close, and no second request', () => {
    for (const [what, text] of Object.entries(VECTORS)) {
      it(what, () => refuses(text, 400));
    }
    for (const [what, [status, text]] of Object.entries(native ? NATIVE_VECTORS : {})) {
      it(what, () => refuses(text, status));
    }
  });

  describe('limits', () => {
    for (const [what, status, options, text] of [
      ['maxHeaderSize', 431, { maxHeaderSize: 512 }, requestText('GET /', { X: 'x'.repeat(600) })],
      ['maxHeadersCount', 431, { maxHeadersCount: 2 }, requestText('GET /', { a: 1, b: 2 })],
      ['maxUrlLength', 414, { maxUrlLength: 10 }, requestText('GET /0123456789')],
      [
        'maxBodySize',
        413,
        { maxBodySize: 4 },
        requestText('POST /', { 'Content-Length': 5 }, '12345'),
      ],
      ['maxBodySize, in chunks', 413, { maxBodySize: 4 }, `${CHUNKED}3\r\nabc\r\n3\r\ndef\r\n`],
      [
        'an expectation',
        417,
        {},
        requestText('POST /', { Expect: 'more', 'Content-Length': 1 }, '1'),
      ],
    ]) {
      it(`${what}: ${status}`, async () => {
        const server = await world.start(options, answer);
        const [first] = await world.provoke(server, text);
        assert.equal(first.status, status);
        assert.equal(server.seen.length, 0);
        assert.equal(server.info().httpRefused, 1);
        const [{ body }] = await world.ask(server, requestText('GET /ok'));
        assert.equal(body, '/ok');
      });
    }

    it('heads of 100 MiB are not kept', async () => {
      const server = await world.start({}, answer);
      const memory = watchMemory();
      const client = await world.connect(server);
      const gone = closed(client);
      const text = [];
      client.on('data', (chunk) => text.push(chunk));
      client.write(GET);
      const piece = Buffer.from(`X: ${'x'.repeat(MIB)}`);
      let sent = 0;
      while (sent < 100 && client.writable) {
        sent++;
        if (!client.write(piece)) await Promise.race([once(client, 'drain').catch(() => {}), gone]);
      }
      client.end();
      await gone;
      assert.match(String(Buffer.concat(text)), /^(HTTP\/1\.1 431 |$)/); // a RST can overtake it
      memory.within(64 * MIB);
      memory.stop();
      await eventually(() => server.info().connectionsActive === 0, 'the end of the connection');
    });
  });

  describe('time limits', () => {
    const times = { headersTimeout: 60, requestTimeout: 120, keepAliveTimeout: 60 };

    it('a silent connection, a slow head and a slow body get 408', async () => {
      const server = await world.start(times, answer);
      for (const text of [GET, requestText('POST /', { 'Content-Length': 10 }, 'half'), CHUNKED]) {
        const [{ status }] = await world.provoke(server, text);
        assert.equal(status, 408);
      }
      assert.equal(server.info().httpTimeouts, 3);
      assert.equal(server.seen.length, 0);
    });

    it('a head that comes byte by byte is too slow all the same', async () => {
      const server = await world.start(times, answer);
      const client = await world.connect(server);
      const text = `${GET}X: ${'x'.repeat(10000)}`;
      let at = 0;
      const drip = setInterval(() => client.write(text[at++]), 2);
      const [{ status }] = parseAnswers(await readAll(client));
      clearInterval(drip);
      assert.equal(status, 408);
      assert.ok(at < text.length);
    });

    it('an idle connection is closed without a word, a busy one is not', async () => {
      const waiting = [];
      const server = await world.start(times, (request) => waiting.push(request));
      const client = await world.connect(server);
      client.write(requestText('GET /late'));
      await eventually(() => waiting.length === 1, 'a request');
      await new Promise((resolve) => setTimeout(resolve, 250)); // longer than any of the limits
      answer(waiting[0], server);
      const answers = parseAnswers(await readAll(client));
      assert.deepEqual(
        answers.map(({ status, body }) => [status, body]),
        [[200, '/late']],
      );
    });

    it('0 is no limit', async () => {
      const server = await world.start(
        { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 0 },
        answer,
      );
      const client = await world.connect(server);
      client.write(GET);
      await new Promise((resolve) => setTimeout(resolve, 50));
      client.write('\r\n');
      const [head] = await once(client, 'data');
      assert.match(String(head), /^HTTP\/1\.1 200 /);
    });
  });

  it('whatever comes, others are served and nothing is left', async () => {
    const server = await world.start({}, answer);
    const texts = Object.values(VECTORS);
    await Promise.all(
      Array.from({ length: 100 }, async (_none, i) => {
        const client = await world.connect(server);
        const ended = closed(client.resume());
        client.write(texts[i % texts.length].slice(0, 5 + ((i * 13) % 60)), 'latin1');
        if (i % 3 === 0) client.resetAndDestroy();
        else client.end();
        await ended;
      }),
    );
    const [{ body }] = await world.ask(server, requestText('GET /still'));
    assert.equal(body, '/still');
  });
});
