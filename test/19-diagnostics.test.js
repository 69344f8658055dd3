'use strict';

const assert = require('node:assert/strict');
const { channel, subscribe, unsubscribe } = require('node:diagnostics_channel');
const { once } = require('node:events');
const tls = require('node:tls');
const searings = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, closed, connect, readAll } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { useNetwork } = require('./helpers/network');
const { runProgram } = require('./helpers/programs');
const { connectSecure, identity } = require('./helpers/tls');

const { UringHttpServer, UringTcpEchoServer, UringTcpServer, createTcpServer } = searings;
const NAMES = [
  'connection:open',
  'connection:error',
  'connection:close',
  'server:listening',
].concat('server:fallback', 'server:close');
const onNet = expectedBackend === 'net';
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';

describe('diagnostics channels', () => {
  const network = useNetwork();
  const running = new Set();
  let seen;
  let listeners;

  beforeEach(() => {
    seen = [];
    listeners = NAMES.map((name) => [
      `searings:${name}`,
      (payload, full) => {
        assert.equal(full, `searings:${name}`);
        seen.push({ name, ...payload });
      },
    ]);
    for (const [name, listener] of listeners) subscribe(name, listener);
  });

  afterEach(() => {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
    return Promise.all([...running].map((server) => server.stop())).then(() => running.clear());
  });

  /** A raw server that is stopped after the test. */
  function raw(server) {
    running.add(server);
    return server;
  }

  const names = () => seen.map(({ name }) => name);
  const started = onNet ? ['server:fallback', 'server:listening'] : ['server:listening'];

  function checkStart(server) {
    assert.deepEqual(names(), started);
    const { name, ...listening } = seen.at(-1);
    const { backend, driver, fallbackReason } = server.info();
    assert.deepEqual(listening, { server, address: server.address(), backend, driver });
    if (onNet) assert.deepEqual(seen[0], { name: seen[0].name, server, reason: fallbackReason });
  }

  /** One connection from open to close, between the start and the end of its server. */
  function checkLife(server) {
    const life = ['connection:open', 'connection:close', 'server:close'];
    assert.deepEqual(names(), [...started, ...life]);
    for (const payload of seen) assert.equal(payload.server, server);
  }

  it('of a TcpServer', async () => {
    const server = createTcpServer((connection) => connection.end('bye'));
    server.once('listening', () => checkStart(server));
    server.once('connection', (connection) => {
      const { name, ...payload } = seen.at(-1);
      assert.equal(name, 'connection:open');
      assert.deepEqual(Object.keys(payload), ['server', 'connection']);
      assert.equal(payload.connection, connection);
      connection.on('close', () => assert.equal(seen.at(-1).connection, connection));
    });
    await network.open(server);
    const client = await network.connect(server);
    await readAll(client);
    client.destroy();
    await eventually(() => seen.at(-1).name === 'connection:close', 'the end');
    assert.equal(seen.at(-1).hadError, false);
    server.close();
    await once(server, 'close');
    checkLife(server);
  });

  it('of a connection that fails', async () => {
    const { server, client, connection } = await network.pair();
    const failed = once(connection, 'error');
    client.resetAndDestroy();
    const [error] = await failed;
    await closed(connection);
    const [told, end] = seen.slice(-2);
    assert.deepEqual(told, { name: 'connection:error', server, connection, error });
    assert.deepEqual(end, { name: 'connection:close', server, connection, hadError: true });
  });

  it('of connections above the limit there are none', async () => {
    const server = await network.listen({ maxConnections: 1 });
    await network.connect(server);
    const second = await network.connect(server);
    await closed(second.resume());
    assert.deepEqual(names(), [...started, 'connection:open']);
  });

  for (const [kind, create, send] of [
    ['HttpServer', () => searings.createHttpServer((_, response) => response.end()), connect],
    ['TlsServer', () => searings.createTlsServer(identity('server'), (s) => s.end()), null],
  ]) {
    it(`of an ${kind}: it is the server of all payloads`, async () => {
      const server = await network.open(create());
      checkStart(server);
      const client = send ? await network.connect(server) : await connectSecure(server);
      if (send) client.write(REQUEST);
      client.on('error', () => {});
      await readAll(client);
      client.destroy();
      assert.equal(client instanceof tls.TLSSocket, send === null);
      await eventually(() => seen.at(-1).name === 'connection:close', 'the end');
      server.close();
      await once(server, 'close');
      checkLife(server);
    });
  }

  /** The addresses as a client has them. */
  const ends = ({ localAddress: address, localPort: port }) => ({ address, family: 'IPv4', port });

  const HANDLERS = {
    UringTcpServer: (server) => (event) => {
      if (event.eventType === 'data') server.sendAndClose(event.connectionId, 'bye');
    },
    UringHttpServer: (server) => (request) => server.respond(request.requestId),
  };

  for (const [kind, handlerOf] of Object.entries(HANDLERS)) {
    it(`of a ${kind}: with the id and the peer of a connection`, async () => {
      const server = raw(new searings[kind]());
      await server.start(handlerOf(server));
      checkStart(server);
      const client = await connect(server.info().port);
      const peer = ends(client);
      client.write(REQUEST);
      await readAll(client);
      client.end();
      await closed(client);
      await eventually(() => seen.at(-1).name === 'connection:close', 'the end');
      await server.stop();
      checkLife(server);
      const [open, close] = seen.slice(-3);
      assert.deepEqual(open.peer, peer);
      assert.ok(Number.isSafeInteger(open.connectionId) && open.connectionId > 0);
      assert.equal(close.connectionId, open.connectionId);
    });
  }

  it('of a raw connection that fails', async () => {
    const server = raw(new UringTcpServer());
    const events = [];
    await server.start((event) => events.push(event));
    const client = await connect(server.info().port);
    await eventually(() => events.length === 1, "'connect'");
    client.resetAndDestroy();
    await eventually(() => events.length === 3, "'close'");
    await server.stop();
    const [told, end] = seen.slice(-3);
    const { connectionId } = events[0];
    assert.equal(told.name, 'connection:error');
    assert.deepEqual([told.server, told.connectionId], [server, connectionId]);
    assert.deepEqual([told.error.code, told.error.syscall], ['ECONNRESET', 'read']);
    assert.deepEqual(end, { name: 'connection:close', server, connectionId });
  });

  for (const [kind, create] of [
    ['an echo server', () => new UringTcpEchoServer()],
    ['an HTTP server without a handler', () => new UringHttpServer({ responseBody: 'fixed' })],
  ]) {
    it(`of ${kind}: its own start and end`, async () => {
      const server = raw(create());
      await server.start();
      checkStart(server);
      const client = await connect(server.info().port);
      client.end(REQUEST);
      assert.ok((await readAll(client)).length > 0);
      await server.stop();
      assert.deepEqual(names(), [...started, 'server:close']);
    });
  }

  it('of a server that cannot listen there are none', async () => {
    const taken = await network.listen();
    seen = [];
    const { port } = taken.address();
    await assert.rejects(
      new UringTcpServer({ host: LOOPBACK, port }).start(() => {}),
      {
        code: 'EADDRINUSE',
      },
    );
    const server = createTcpServer().listen(port, LOOPBACK);
    const [{ code }] = await once(server, 'error');
    assert.equal(code, 'EADDRINUSE');
    assert.deepEqual(seen, []);
  });

  it('without subscribers nobody makes payloads', async () => {
    for (const [name, listener] of listeners) unsubscribe(name, listener);
    const channels = NAMES.map((name) => channel(`searings:${name}`));
    const published = [];
    for (const one of channels) one.publish = (payload) => published.push(payload);
    const { server, client, connection } = await network.pair();
    client.resetAndDestroy();
    await closed(connection.on('error', () => {}));
    const stopped = raw(new UringTcpServer());
    await stopped.start(() => {});
    await Promise.all([server.stop(), stopped.stop()]);
    for (const one of channels) delete one.publish;
    assert.deepEqual(published, []);
  });

  it('a subscriber that throws breaks nothing', async () => {
    const { code, signal, lines, stderr } = await runProgram('throwing-subscriber', {
      names: NAMES,
    });
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    const each = ['connection:open', 'connection:close'];
    const whole = [...each, ...each, ...started, ...started, 'server:close', 'server:close'];
    assert.deepEqual(lines, [{ answers: ['tcp', 'raw'], thrown: whole.sort() }]);
  });
});
