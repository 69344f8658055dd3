'use strict';

/* Node's own HTTP server on connections of ours: it does not listen, it is handed them. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { text } = require('node:stream/consumers');
const { LOOPBACK, readAll } = require('./helpers/clients');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe("Node's HTTP server", function () {
  limit(this, 20);
  const network = useNetwork();
  let agent;

  beforeEach(() => {
    agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  });
  afterEach(() => agent.destroy());

  async function serve(listener) {
    const web = http.createServer(listener);
    const server = await network.listen({ allowHalfOpen: true }, (connection) => {
      web.emit('connection', connection);
    });
    return { web, server };
  }

  async function request(server, options = {}, body = undefined) {
    const { port } = server.address();
    const message = http.request({ host: LOOPBACK, port, agent, ...options });
    message.end(body);
    const [response] = await once(message, 'response');
    return { response, body: await text(response) };
  }

  it('answers with the connection as request.socket', async () => {
    const { web, server } = await serve(({ socket }, response) => {
      const own = socket.server === web;
      response.end(JSON.stringify([socket.remoteAddress, socket.localPort, own]));
    });
    const { response, body } = await request(server);
    assert.equal(response.statusCode, 200);
    assert.deepEqual(JSON.parse(body), [LOOPBACK, server.address().port, true]);
  });

  it('keeps a connection alive for many requests', async () => {
    const { server } = await serve((incoming, response) => incoming.pipe(response));
    for (let i = 0; i < 50; i++) {
      const { body } = await request(server, { method: 'POST' }, `request ${i}`);
      assert.equal(body, `request ${i}`);
    }
    assert.equal(server.info().connectionsAccepted, 1);
    agent.destroy();
    await nothingLeft(server);
  });

  it('closes a kept connection after keepAliveTimeout', async () => {
    const { web, server } = await serve((_request, response) => response.end('short'));
    web.keepAliveTimeout = 20;
    const client = await network.connect(server);
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 200 OK\r\n.*short$/s);
    await nothingLeft(server);
  });

  it('carries large bodies both ways', async () => {
    const { server } = await serve((incoming, response) => incoming.pipe(response));
    const bytes = new RandomStream(25).bytes(8 * MIB);
    const { body } = await request(server, { method: 'POST' }, bytes.toString('latin1'));
    assert.equal(body, bytes.toString('latin1'));
  });

  it('answers pipelined requests in order', async () => {
    const { server } = await serve(({ url }, response) => response.end(`[${url}]`));
    const client = await network.connect(server);
    const urls = Array.from({ length: 20 }, (_none, i) => `/${i}`);
    const last = 'GET /last HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
    client.write(urls.map((url) => `GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`).join('') + last);
    const answers = String(await readAll(client)).match(/\[.*?\]/g);
    assert.equal(answers.join(''), [...urls, '/last'].map((url) => `[${url}]`).join(''));
  });

  it('answers a client that has ended already', async () => {
    const { server } = await serve((_request, response) => response.end('answered'));
    const client = await network.connect(server, { allowHalfOpen: true });
    client.end('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 200 OK\r\n.*answered$/s);
  });

  it('refuses what is not HTTP, and closes', async () => {
    const { server } = await serve(() => assert.fail('no request has been made'));
    const client = await network.connect(server);
    client.write('this is not HTTP\r\n\r\n');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 400 Bad Request\r\n/);
    await nothingLeft(server);
  });

  it('times a silent client out', async () => {
    const { web, server } = await serve(() => assert.fail('no request has been made'));
    web.timeout = 20;
    const client = await network.connect(server);
    assert.equal(String(await readAll(client)), '');
  });

  it("hands the connection over with 'upgrade'", async () => {
    const { web, server } = await serve(() => assert.fail('an upgrade is no request'));
    web.on('upgrade', (_request, connection, head) => {
      connection.write(
        'HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n',
      );
      connection.write(head);
      connection.pipe(connection);
    });
    const client = await network.connect(server);
    client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nfirst ');
    client.end('second');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 101 .*\r\n\r\nfirst second$/s);
  });
});
