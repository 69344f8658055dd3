'use strict';

/* `https.Server`, and HTTP/2 beside HTTP/1.1 on one port. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');
const tls = require('node:tls');
const { text } = require('node:stream/consumers');
const createExpress = require('express');
const { WebSocket, WebSocketServer } = require('ws');
const { LOOPBACK, closed, readAll } = require('../helpers/clients');
const { request, requestText, useAgent } = require('../helpers/http');
const { createHttpsServer, createTlsServer, useWorld } = require('../helpers/parity');
const { RandomStream } = require('../helpers/random');
const { MIB } = require('../helpers/scale');
const { authority, connectSecure, identity, peerName } = require('../helpers/tls');

const trusting = { module: https, ca: authority, servername: 'server.test' };

describe('https.Server', () => {
  const world = useWorld();
  const agent = useAgent(https.Agent);

  const serve = (listener, options) =>
    world.open(createHttpsServer({ ...identity('server'), ...options }, listener));

  async function connect(server, options) {
    return world.track(await connectSecure(server, options));
  }

  it('is an https.Server that serves requests', async () => {
    const server = await serve(({ method, url, socket }, response) => {
      response.end(`${method} ${url} ${socket.encrypted} ${socket.authorized}`);
    });
    assert.ok(server instanceof https.Server);
    assert.ok(server instanceof tls.Server);
    const { status, body } = await request(server, { ...trusting, path: '/secure' });
    assert.deepEqual([status, body], [200, 'GET /secure true false']);
  });

  it('tells addresses with request.socket', async () => {
    const server = await serve(({ socket }, response) => {
      const { remoteAddress, remotePort, localPort } = socket;
      response.end(JSON.stringify([remoteAddress, remotePort > 0, localPort]));
    });
    const { body } = await request(server, trusting);
    assert.deepEqual(JSON.parse(body), [LOOPBACK, true, server.address().port]);
  });

  it('keeps connections alive, and closes idle ones when it closes', async () => {
    let connections = 0;
    const server = await serve((incoming, response) => incoming.pipe(response));
    server.on('secureConnection', () => connections++);
    for (let i = 0; i < 10; i++) {
      const options = { ...trusting, agent, method: 'POST' };
      assert.equal((await request(server, options, `request ${i}`)).body, `request ${i}`);
    }
    assert.equal(connections, 1);
    await new Promise((resolve) => server.close(resolve));
  });

  it('answers pipelined requests in order', async () => {
    const server = await serve(({ url }, response) => {
      setImmediate(() => response.end(`[${url}]`));
    });
    const client = await connect(server);
    const urls = Array.from({ length: 20 }, (_none, i) => `/${i}`);
    const last = requestText('GET /last', { connection: 'close' });
    client.write(urls.map((url) => requestText(`GET ${url}`)).join('') + last);
    const answers = String(await readAll(client)).match(/\[.*?\]/g);
    assert.equal(answers.join(''), [...urls, '/last'].map((url) => `[${url}]`).join(''));
  });

  it('carries bodies of many MiB both ways', async () => {
    const server = await serve((incoming, response) => incoming.pipe(response));
    const bytes = new RandomStream(31).bytes(8 * MIB);
    const outgoing = https.request({
      ...trusting,
      host: LOOPBACK,
      port: server.address().port,
      method: 'POST',
      agent: false,
    });
    outgoing.end(bytes);
    const [response] = await once(outgoing, 'response');
    const back = [];
    for await (const chunk of response) back.push(chunk);
    assert.ok(bytes.equals(Buffer.concat(back)));
  });

  it('closes one after keepAliveTimeout', async () => {
    const options = { keepAliveTimeout: 1, keepAliveTimeoutBuffer: 1 };
    const server = await serve((_request, response) => response.end(), options);
    const client = await connect(server);
    client.write(requestText('GET /'));
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 200 OK\r\n/);
  });

  it("makes a failed handshake a 'clientError'", async () => {
    const server = await serve();
    const failed = once(server, 'clientError');
    const client = await world.connect(server);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    const [err, socket] = await failed;
    assert.equal(err.code, 'ERR_SSL_HTTP_REQUEST');
    socket.destroy();
    await closed(client.resume());
  });

  it('refuses what is not HTTP', async () => {
    const server = await serve(() => assert.fail('no request has been made'));
    const client = await connect(server);
    client.write('this is not HTTP\r\n\r\n');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('changes its certificate while a request is under way', async () => {
    let answer;
    const server = await serve((_request, response) => {
      answer = () => response.end('answered');
    });
    const asked = once(server, 'request');
    const old = await connect(server);
    old.write(requestText('GET /', { connection: 'close' }));
    await asked;
    server.setSecureContext(identity('renewed'));
    assert.equal(peerName(await connect(server)), 'renewed');
    answer();
    assert.match(String(await readAll(old)), /answered$/);
  });

  it('serves Express, which knows that it is secure', async () => {
    const app = createExpress();
    app.get('/', ({ secure, protocol, ip }, response) => response.json({ secure, protocol, ip }));
    const server = await serve(app);
    const { body } = await request(server, trusting);
    assert.deepEqual(JSON.parse(body), { secure: true, protocol: 'https', ip: LOOPBACK });
  });

  it('serves ws', async () => {
    const server = await serve();
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
    const client = new WebSocket(`wss://${LOOPBACK}:${server.address().port}/`, {
      ca: authority,
      servername: 'server.test',
    });
    await once(client, 'open');
    const sent = new RandomStream(32).bytes(MIB);
    client.send(sent);
    assert.ok(sent.equals((await once(client, 'message'))[0]));
    client.close();
    await once(client, 'close');
  });

  describe('with HTTP/2 on the same port', () => {
    const listener = (incoming, response) => {
      response.setHeader('x-version', incoming.httpVersion);
      incoming.pipe(response);
    };

    /** HTTP/2 and HTTP/1.1 on one TLS server: each connection goes to the server of what it speaks. */
    async function serveBoth() {
      const two = http2.createServer(listener);
      const one = http.createServer(listener);
      const options = { ...identity('server'), ALPNProtocols: ['h2', 'http/1.1'] };
      const server = await world.open(
        createTlsServer(options, (secure) => {
          (secure.alpnProtocol === 'h2' ? two : one).emit('connection', secure);
        }),
      );
      return { server, two };
    }

    function connect2(server) {
      return http2.connect(`https://server.test:${server.address().port}`, {
        ca: authority,
        servername: 'server.test',
        lookup: (_name, options, callback) =>
          options.all
            ? callback(null, [{ address: LOOPBACK, family: 4 }])
            : callback(null, LOOPBACK, 4),
      });
    }

    async function ask2(session, body) {
      const stream = session.request({ ':method': 'POST', ':path': '/' });
      stream.end(body);
      const [headers] = await once(stream, 'response');
      stream.setEncoding('latin1');
      let answer = '';
      for await (const chunk of stream) answer += chunk;
      return { version: headers['x-version'], answer };
    }

    it('serves each client in what it speaks', async () => {
      const { server } = await serveBoth();
      const session = connect2(server);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_none, i) => ask2(session, `stream ${i}`)),
      );
      for (const [i, { version, answer }] of answers.entries()) {
        assert.deepEqual([version, answer], ['2.0', `stream ${i}`]);
      }
      const { headers, body } = await request(server, { ...trusting, method: 'POST' }, 'plain');
      assert.deepEqual([headers['x-version'], body], ['1.1', 'plain']);
      const gone = once(session, 'close');
      session.close();
      await gone;
    });

    it('carries large bodies, several at a time', async () => {
      const { server } = await serveBoth();
      const session = connect2(server);
      const body = new RandomStream(33).bytes(2 * MIB).toString('latin1');
      const sent = Buffer.from(body, 'latin1');
      const answers = await Promise.all(Array.from({ length: 4 }, () => ask2(session, sent)));
      for (const { answer } of answers) assert.ok(answer === body);
      session.destroy();
    });

    it('hears of a session that is cut', async () => {
      const { server, two } = await serveBoth();
      const opened = once(two, 'session');
      const session = connect2(server);
      const [serverSide] = await opened;
      serverSide.on('error', () => {}); // if it was about to write
      const gone = closed(serverSide);
      session.destroy();
      await gone;
    });
  });

  it('HTTP/2 without TLS: http2.Server takes TCP connections', async () => {
    const both = http2.createServer(async (incoming, response) => {
      response.end(`got ${await text(incoming)}`);
    });
    const server = await world.listen({}, (connection) => both.emit('connection', connection));
    const session = http2.connect(`http://${LOOPBACK}:${server.address().port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end('clear text');
    assert.equal(await text(stream), 'got clear text');
    session.destroy();
  });
});
