'use strict';

/* Requests and responses as they go over one connection. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { text } = require('node:stream/consumers');
const { LOOPBACK, closed, readAll } = require('../helpers/clients');
const { request, requestText, useAgent } = require('../helpers/http');
const { createHttpServer, useWorld } = require('../helpers/parity');
const { RandomStream } = require('../helpers/random');
const { MIB } = require('../helpers/scale');

const CLOSE = { connection: 'close' };

describe('HTTP messages', () => {
  const world = useWorld();
  const agent = useAgent();

  const serve = (...args) => world.open(createHttpServer(...args));

  /** What a server answers to a client that sends some text and then ends its side. */
  async function answersTo(server, sent) {
    const client = await world.connect(server, { allowHalfOpen: true });
    client.end(sent);
    return String(await readAll(client));
  }

  describe('connections', () => {
    it('are kept alive', async () => {
      let connections = 0;
      const server = await serve((incoming, response) => incoming.pipe(response));
      server.on('connection', () => connections++);
      for (let i = 0; i < 20; i++) {
        const { body } = await request(server, { agent, method: 'POST' }, `request ${i}`);
        assert.equal(body, `request ${i}`);
      }
      assert.equal(connections, 1);
    });

    it('are not with HTTP/1.0, unless the client asks for it', async () => {
      const server = await serve(({ httpVersion }, response) => {
        response.setHeader('content-length', 3);
        response.end(httpVersion);
      });
      const plain = 'GET / HTTP/1.0\r\n\r\n';
      const client = await world.connect(server);
      client.write(`GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n`);
      const [first] = await once(client, 'data');
      assert.match(String(first), /Connection: keep-alive/);
      client.write(plain);
      assert.match(String(await readAll(client)), /Connection: close\r\n.*1\.0$/s);
    });

    it('end with a response that says so', async () => {
      const server = await serve((_request, response) => {
        response.setHeader('connection', 'close');
        response.end('last');
      });
      const client = await world.connect(server);
      client.write(requestText('GET /'));
      assert.match(String(await readAll(client)), /last$/);
    });
  });

  describe('pipelining', () => {
    const urls = Array.from({ length: 50 }, (_none, i) => `/${i}`);
    const sent = urls.map((url) => requestText(`GET ${url}`)).join('');
    const heard = urls.map((url) => `[${url}]`).join('');
    const bodies = (answers) => answers.match(/\[.*?\]/g).join('');

    it('answers in order, though the last is answered first', async () => {
      const answers = [];
      const server = await serve(({ url }, response) => {
        answers.push(() => response.end(`[${url}]`));
        if (answers.length === urls.length) for (const answer of answers.reverse()) answer();
      });
      const client = await world.connect(server);
      const last = requestText('GET /49', CLOSE);
      client.write(sent.slice(0, sent.lastIndexOf('GET')) + last);
      assert.equal(bodies(String(await readAll(client))), heard);
    });

    it('answers all of a client that has ended its side', async () => {
      const server = await serve(({ url }, response) => response.end(`[${url}]`));
      assert.equal(bodies(await answersTo(server, sent)), heard);
    });

    it('gives up on a client that has ended its side and does not read', async () => {
      const server = await serve((_request, response) => response.end(Buffer.alloc(32 * MIB)));
      server.timeout = 50;
      const accepted = once(server, 'connection');
      const client = await world.connect(server, { allowHalfOpen: true });
      const [connection] = await accepted;
      const gone = closed(connection);
      client.end(requestText('GET /').repeat(3));
      await gone;
    });

    it('reads bodies between requests', async () => {
      const server = await serve(async (incoming, response) => {
        const body = await text(incoming);
        response.end(`[${body}]`);
      });
      const client = await world.connect(server);
      const post = (body) => requestText('POST /', { 'content-length': body.length }, body);
      client.write(post('one') + post('') + post('three') + requestText('GET /', CLOSE));
      assert.equal(bodies(String(await readAll(client))), '[one][][three][]');
    });

    it('stops reading when the client does not take the answers', async () => {
      let asked = 0;
      const body = Buffer.alloc(MIB, 'b');
      const server = await serve((_request, response) => {
        asked++;
        response.end(body);
      });
      const client = await world.connect(server);
      const all = 200;
      const ask = requestText('GET /', { padding: 'p'.repeat(8000) });
      client.write(ask.repeat(all - 1) + requestText('GET /', CLOSE));
      await once(client, 'readable');
      const early = asked;
      assert.ok(early < all, `${early} requests were taken before any answer`);
      let received = 0;
      client.on('data', (chunk) => {
        received += chunk.length;
      });
      await once(client, 'end');
      assert.equal(asked, all);
      assert.ok(received > all * MIB);
    });
  });

  describe('bodies', () => {
    it('have a length, or chunks where it is not known', async () => {
      const server = await serve(({ url }, response) => {
        if (url === '/chunks') {
          response.write('in ');
          setImmediate(() => response.end('chunks'));
        } else {
          response.end('at once');
        }
      });
      const whole = await request(server, { path: '/' });
      assert.equal(whole.headers['content-length'], '7');
      assert.equal(whole.headers['transfer-encoding'], undefined);
      const chunked = await request(server, { path: '/chunks' });
      assert.equal(chunked.headers['transfer-encoding'], 'chunked');
      assert.equal(chunked.body, 'in chunks');
    });

    it('of requests may be in chunks of any kind', async () => {
      const server = await serve(async (incoming, response) => {
        const body = await text(incoming);
        response.end(`[${body}]`);
      });
      const body = '3\r\nabc\r\n0a;name=value\r\n0123456789\r\n0\r\n\r\n';
      const sent = requestText('POST /', { 'transfer-encoding': 'chunked', ...CLOSE }, body);
      const client = await world.connect(server);
      for (const byte of sent) client.write(byte);
      assert.match(String(await readAll(client)), /\[abc0123456789\]$/);
    });

    it('of many MiB pass both ways', async () => {
      const server = await serve((incoming, response) => incoming.pipe(response));
      const bytes = new RandomStream(7).bytes(16 * MIB);
      const { port } = server.address();
      const outgoing = http.request({ host: LOOPBACK, port, method: 'POST', agent: false });
      outgoing.end(bytes);
      const [response] = await once(outgoing, 'response');
      const back = [];
      for await (const chunk of response) back.push(chunk);
      assert.ok(bytes.equals(Buffer.concat(back)));
    });

    it('of requests wait until somebody reads', async () => {
      let reader;
      const server = await serve((incoming) => {
        reader = incoming;
      });
      const asked = once(server, 'request');
      const { port } = server.address();
      const outgoing = http.request({ host: LOOPBACK, port, method: 'POST', agent: false });
      const bytes = Buffer.alloc(32 * MIB, 'w');
      outgoing.end(bytes);
      const [, response] = await asked;
      assert.ok(reader.readableLength < MIB);
      let received = 0;
      for await (const chunk of reader) received += chunk.length;
      assert.equal(received, bytes.length);
      response.end('read');
      const [answer] = await once(outgoing, 'response');
      assert.equal(await text(answer), 'read');
    });

    it("write() says when to wait, and 'drain' comes", async () => {
      const chunk = Buffer.alloc(256 * 1024, 'd');
      const total = 64;
      let waits = 0;
      const server = await serve(async (_request, response) => {
        for (let i = 0; i < total; i++) {
          if (response.write(chunk)) continue;
          waits++;
          await once(response, 'drain');
        }
        response.end();
      });
      const { body } = await request(server);
      assert.equal(body.length, total * chunk.length);
      assert.ok(waits > 0);
    });

    it('are left out for HEAD, 204 and 304', async () => {
      const server = await serve(({ url }, response) => {
        response.statusCode = Number(url.slice(1));
        response.setHeader('content-length', 4);
        if (response.statusCode !== 200) response.removeHeader('content-length');
        response.end('body');
      });
      const client = await world.connect(server);
      client.end(requestText('HEAD /200') + requestText('GET /204') + requestText('GET /304'));
      const answers = String(await readAll(client));
      assert.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), [
        'HTTP/1.1 200',
        'HTTP/1.1 204',
        'HTTP/1.1 304',
      ]);
      assert.match(answers, /^HTTP\/1\.1 200 OK\r\ncontent-length: 4\r\n/);
      assert.doesNotMatch(answers, /body/);
    });

    it('may have trailers, both ways', async () => {
      const server = await serve(async (incoming, response) => {
        const body = await text(incoming);
        response.setHeader('trailer', 'x-sum');
        response.write(body);
        response.addTrailers({ 'x-sum': `${incoming.trailers['x-sum']} back` });
        response.end();
      });
      const { port } = server.address();
      const outgoing = http.request({
        host: LOOPBACK,
        port,
        method: 'POST',
        agent: false,
        headers: { trailer: 'x-sum', 'transfer-encoding': 'chunked' },
      });
      outgoing.write('body');
      outgoing.addTrailers({ 'x-sum': '42' });
      outgoing.end();
      const [response] = await once(outgoing, 'response');
      assert.equal(await text(response), 'body');
      assert.equal(response.trailers['x-sum'], '42 back');
    });
  });

  describe('Expect', () => {
    const headers = { expect: '100-continue', 'content-length': 4 };

    it('100-continue is answered before the request is shown', async () => {
      const server = await serve((incoming, response) => incoming.pipe(response));
      const { port } = server.address();
      const outgoing = http.request({ host: LOOPBACK, port, method: 'PUT', agent: false, headers });
      outgoing.flushHeaders();
      await once(outgoing, 'continue');
      outgoing.end('body');
      const [response] = await once(outgoing, 'response');
      assert.equal(await text(response), 'body');
    });

    it("100-continue is for a 'checkContinue' listener to answer", async () => {
      const server = await serve(() => assert.fail('not a request'));
      server.on('checkContinue', ({ url }, response) => {
        if (url === '/no') {
          response.writeHead(413, CLOSE).end();
        } else {
          response.writeContinue();
          response.end('go on');
        }
      });
      const refused = await answersTo(server, requestText('PUT /no', headers));
      assert.match(refused, /^HTTP\/1\.1 413 /);
      const agreed = await answersTo(server, requestText('PUT /yes', headers, 'body'));
      assert.match(agreed, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*go on$/s);
    });

    it('anything else is refused with 417, or shown to checkExpectation', async () => {
      const server = await serve(() => assert.fail('not a request'));
      const sent = requestText('GET /', { expect: 'magic', ...CLOSE });
      assert.match(await answersTo(server, sent), /^HTTP\/1\.1 417 Expectation Failed\r\n/);
      server.on('checkExpectation', (_request, response) => response.end('magic'));
      assert.match(await answersTo(server, sent), /^HTTP\/1\.1 200 OK\r\n.*magic$/s);
    });
  });

  describe('responses', () => {
    it('send early hints and processing before the head', async () => {
      const server = await serve((_request, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload' });
        response.writeProcessing();
        response.end('done');
      });
      assert.match(
        await answersTo(server, requestText('GET /', CLOSE)),
        /^HTTP\/1\.1 103 Early Hints\r\nLink: <.*>.*\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200/,
      );
    });

    it('keep several headers of a name, and the case of names', async () => {
      const server = await serve((_request, response) => {
        response.setHeader('Set-Cookie', ['a=1', 'b=2']);
        response.writeHead(202, 'Fine', { 'X-Own': 'yes' });
        response.end();
      });
      const answer = await answersTo(server, requestText('GET /', CLOSE));
      assert.match(answer, /^HTTP\/1\.1 202 Fine\r\n/);
      assert.match(answer, /\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n/);
      assert.match(answer, /\r\nX-Own: yes\r\n/);
    });

    it("emit 'finish' when all is handed over, then 'close'", async () => {
      const seen = [];
      const server = await serve();
      const over = new Promise((resolve) => {
        server.on('request', (_request, response) => {
          for (const name of ['finish', 'close']) response.on(name, () => seen.push(name));
          response.on('close', resolve);
          response.end('x');
        });
      });
      await request(server);
      await over;
      assert.deepEqual(seen, ['finish', 'close']);
    });

    it("emit 'close' without 'finish' when the client goes away", async () => {
      const server = await serve((_request, response) => response.write('never ends'));
      const asked = once(server, 'request');
      const client = await world.connect(server);
      client.write(requestText('GET /'));
      const [incoming, response] = await asked;
      incoming.on('error', () => {});
      response.on('finish', () => assert.fail('it has not finished'));
      const gone = once(response, 'close');
      const aborted = closed(incoming);
      client.destroy();
      await Promise.all([gone, aborted]);
      assert.equal(incoming.destroyed, true);
    });

    it('write after the end is an error, not a crash', async () => {
      const server = await serve();
      const failed = new Promise((resolve) => {
        server.on('request', (_request, response) => {
          response.on('error', resolve);
          response.end('all');
          response.write('more');
        });
      });
      assert.equal((await request(server)).body, 'all');
      assert.equal((await failed).code, 'ERR_STREAM_WRITE_AFTER_END');
    });
  });
});
