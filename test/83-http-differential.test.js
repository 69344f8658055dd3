'use strict';

/* createHttpServer() sees the requests that Node's own server sees, of whatever comes, and answers alike. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { createHttpServer } = require('..');
const { LOOPBACK, closed, connect } = require('./helpers/clients');
const { CHUNKED, GET, POST, SMUGGLED, VECTORS } = require('./helpers/http-vectors');
const { requestText } = require('./helpers/raw-http');
const { limit } = require('./helpers/scale');

const TIMES = { headersTimeout: 5000, requestTimeout: 5000, keepAliveTimeout: 5000 };

/** What else is worth a comparison. */
const MORE = {
  'a request': requestText('GET /a?b=c', { 'X-A': 'b' }),
  'several requests': requestText('GET /a').repeat(5),
  'a body': requestText('POST /', { 'Content-Length': 5 }, 'hello'),
  'chunks and trailers': `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n`,
  'chunk extensions': `${CHUNKED}5;a=b\r\nhello\r\n0;c\r\n\r\n`,
  'two Hosts': `${GET}Host: b\r\n\r\n`,
  'repeated headers': `${GET}X: 1\r\nx: 2\r\nCookie: a=1\r\nCookie: b=2\r\nSet-Cookie: c\r\n\r\n`,
  'bytes above ASCII in a value': `${GET}X: \xe9\xff\r\n\r\n`,
  'bytes above ASCII in a URL': 'GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n',
  'an empty value': `${GET}X:\r\nY:   \r\n\r\n`,
  'empty lines before': `\r\n\r\n${GET}\r\n`,
  'HTTP/1.0': 'GET / HTTP/1.0\r\n\r\n',
  'HTTP/1.0 with keep-alive': `GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${GET}\r\n`,
  'something behind Connection: close': `${GET}Connection: close\r\n\r\n`,
  'an upgrade nobody wants': `${GET}Connection: upgrade\r\nUpgrade: x\r\n\r\n`,
  'another coding': `${POST}Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n`,
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'half a head': 'GET / HT',
  'half a body': requestText('POST /', { 'Content-Length': 10 }, 'half'),
  'half a chunk': `${CHUNKED}a\r\nhalf`,
  'a control character': `${GET}X: \x01\r\n\r\n`,
  'bare LF behind the last chunk': `${CHUNKED}0\r\n\n`,
  'an expectation': requestText('POST /', { Expect: 'more', 'Content-Length': 1 }, '1'),
  '100-continue': requestText('POST /', { Expect: '100-continue', 'Content-Length': 1 }, '1'),
  'a method of its own': 'QUERY / HTTP/1.1\r\nHost: a\r\n\r\n',
};

describe('HTTP as Node reads it', function () {
  limit(this, 60);
  const servers = {};

  before(async () => {
    for (const [name, create] of [
      ['node', http.createServer],
      ['ours', createHttpServer],
    ]) {
      const server = create(TIMES);
      server.seen = [];
      server.on('request', (request, response) => {
        const chunks = [];
        const entry = { method: request.method, url: request.url, raw: request.rawHeaders };
        entry.version = request.httpVersion;
        entry.headers = request.headers;
        server.seen.push(entry);
        request.on('error', () => {});
        request.on('data', (chunk) => chunks.push(chunk));
        request.on('end', () => {
          entry.body = String(Buffer.concat(chunks));
          entry.trailers = request.rawTrailers;
          response.end(`[${request.url}]`);
        });
      });
      server.listen(0, LOOPBACK);
      await once(server, 'listening');
      servers[name] = server;
    }
  });

  after(async () => {
    for (const server of Object.values(servers)) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  /** The requests that a server has seen of these bytes, and the statuses of its answers. */
  async function outcome(server, pieces) {
    server.seen = [];
    const client = await connect(server.address().port, { allowHalfOpen: true });
    const chunks = [];
    client.on('data', (chunk) => chunks.push(chunk));
    const gone = closed(client);
    for (const piece of pieces) {
      client.write(piece, 'latin1');
      await new Promise(setImmediate);
    }
    client.end();
    await gone;
    const statuses = String(Buffer.concat(chunks)).match(/^HTTP\/1\.1 \d+/gm);
    return { seen: server.seen, statuses: statuses?.map((line) => line.slice(9)) ?? [] };
  }

  async function compare(pieces) {
    const [node, ours] = await Promise.all([
      outcome(servers.node, pieces),
      outcome(servers.ours, pieces),
    ]);
    assert.deepEqual(ours.seen, node.seen, JSON.stringify(pieces));
    // Behind a request, what is said of an error depends on whether its answer had left.
    if (node.seen.length > 0) return;
    assert.equal(ours.statuses[0], node.statuses[0], JSON.stringify(pieces));
  }

  for (const [what, text] of Object.entries({ ...VECTORS, ...MORE })) {
    it(what, async () => {
      const whole = text + (text.includes('\r\n\r\n') ? SMUGGLED : '');
      await compare([whole]);
      await compare([text.slice(0, 20), whole.slice(20)]);
      await compare([requestText('GET /before'), whole]);
    });
  }

  it('requests with a byte changed, left out or added', async () => {
    let state = 12345;
    const random = (n) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % n;
    };
    const seeds = [...Object.values(MORE), `${CHUNKED}5\r\nhello\r\n0\r\n\r\n${GET}\r\n`];
    const bytes = '\r\n\t :;,0aAzF/?#\0\x7f\x80\xff"()';
    for (let i = 0; i < 300; i++) {
      const text = seeds[random(seeds.length)];
      const at = random(text.length);
      const byte = bytes[random(bytes.length)];
      const kept = text.slice(at + (random(3) === 0 ? 0 : 1)); // added or put in its place
      const changed = text.slice(0, at) + (random(4) === 0 ? '' : byte) + kept;
      const cut = random(changed.length);
      await compare(random(2) === 0 ? [changed] : [changed.slice(0, cut), changed.slice(cut)]);
    }
  });
});
