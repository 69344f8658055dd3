'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, connect, readAll } = require('./helpers/clients');
const { stop, useNetwork } = require('./helpers/network');

// node:net has reusePort from Node 22.12 on.
const [major, minor] = process.versions.node.split('.').map(Number);
const sharesPorts = expectedBackend === 'io_uring' || major > 22 || (major === 22 && minor >= 12);

describe('listen', () => {
  const network = useNetwork();
  let servers;

  beforeEach(() => {
    servers = [];
  });
  afterEach(() => Promise.all(servers.map(stop)));

  function create(...args) {
    const server = createTcpServer(...args);
    servers.push(server);
    return server;
  }

  async function listening(server) {
    if (!server.listening || server.address() === null) await once(server, 'listening');
    else await new Promise((resolve) => server.once('listening', resolve));
    return server.address();
  }

  const forms = {
    'listen()': [],
    'listen(callback)': [() => {}],
    'listen(0)': [0],
    'listen(null)': [null],
    'listen(undefined)': [undefined],
    'listen(null, callback)': [null, () => {}],
    "listen('0')": ['0'],
    'listen(0, callback)': [0, () => {}],
    'listen(0, backlog)': [0, 16],
    'listen(0, undefined, backlog)': [0, undefined, 16],
    'listen({port})': [{ port: 0 }],
    "listen({port: '0'}, callback)": [{ port: '0' }, () => {}],
    'listen({port: null})': [{ port: null }],
    'listen({port: undefined})': [{ port: undefined }],
  };
  for (const [form, args] of Object.entries(forms)) {
    it(`${form} takes any free port of every address`, async () => {
      const server = create();
      const called = [];
      const counted = args.map((arg) =>
        typeof arg === 'function' ? (info) => called.push(info) : arg,
      );
      assert.equal(server.listen(...counted), server);
      const { address, port, family } = await listening(server);
      assert.ok(port > 0);
      assert.ok(['::', '0.0.0.0'].includes(address));
      assert.equal(family, address === '::' ? 'IPv6' : 'IPv4');
      if (counted.some((arg) => typeof arg === 'function')) {
        assert.equal(called.length, 1);
        assert.equal(called[0].backend, expectedBackend);
        assert.equal(called[0].listening, true);
      }
    });
  }

  const hosted = {
    'listen(0, host)': [0, LOOPBACK],
    'listen(0, host, backlog)': [0, LOOPBACK, 16],
    'listen(0, host, backlog, callback)': [0, LOOPBACK, 16, () => {}],
    'listen({port, host, backlog, exclusive})': [
      { port: 0, host: LOOPBACK, backlog: 16, exclusive: true },
    ],
  };
  for (const [form, args] of Object.entries(hosted)) {
    it(`${form} takes the address given`, async () => {
      const server = create();
      server.listen(...args);
      const { address, family } = await listening(server);
      assert.equal(address, LOOPBACK);
      assert.equal(family, 'IPv4');
    });
  }

  it('looks up a host name first', async () => {
    const server = create((connection) => connection.end('here'));
    server.listen(0, 'localhost');
    const { port, address } = await listening(server);
    assert.ok([LOOPBACK, '::1'].includes(address));
    const client = await connect(port, { host: address });
    assert.equal(String(await readAll(client)), 'here');
  });

  it('takes IPv4 and IPv6 connections without a host', async () => {
    const server = create((connection) => connection.end(connection.remoteAddress));
    server.listen(0);
    const { address, port } = await listening(server);
    const overIPv4 = await connect(port);
    assert.match(String(await readAll(overIPv4)), /127\.0\.0\.1$/);
    if (address === '::') {
      const overIPv6 = await connect(port, { host: '::1' });
      assert.equal(String(await readAll(overIPv6)), '::1');
    }
  });

  it('ipv6Only leaves the IPv4 port to others', async () => {
    const first = create();
    first.listen({ port: 0, host: '::', ipv6Only: true });
    const { port } = await listening(first);
    const second = create();
    second.listen(port, '0.0.0.0');
    assert.equal((await listening(second)).port, port);
  });

  it('reusePort lets two servers share a port', async () => {
    const first = create({ reusePort: true });
    first.listen(0, LOOPBACK);
    const { port } = await listening(first);
    const second = create();
    second.listen({ port, host: LOOPBACK, reusePort: true });
    if (sharesPorts) assert.equal((await listening(second)).port, port);
    else await once(second, 'error').catch((err) => assert.equal(err.code, 'EADDRINUSE'));
  });

  it('takes what is not given from the options of the server', async () => {
    const first = create({ host: LOOPBACK, port: 0, backlog: 8 });
    first.listen();
    const { address, port } = await listening(first);
    assert.equal(address, LOOPBACK);
    await stop(first);
    const second = create({ host: LOOPBACK, port });
    second.listen(() => {});
    assert.equal((await listening(second)).port, port);
  });

  it('has its address at once without a host', () => {
    const server = create();
    server.listen(0);
    assert.equal(server.listening, true);
    assert.ok(server.address().port > 0);
  });

  it("emits 'listening' and calls back later, with the server as this", async () => {
    const server = create();
    let later = false;
    const called = new Promise((resolve) => {
      server.listen(0, function onListening(info) {
        resolve([this, later, info]);
      });
    });
    later = true;
    const [self, wasLater, info] = await called;
    assert.equal(self, server);
    assert.equal(wasLater, true);
    assert.equal(info.backend, server.info().backend);
  });

  it('throws when it listens already', async () => {
    const server = create();
    server.listen(0);
    const expected = { name: 'Error', code: 'ERR_SERVER_ALREADY_LISTEN' };
    assert.throws(() => server.listen(0), expected);
    await listening(server);
    assert.throws(() => server.listen(0), expected);
  });

  it('listens again after close(), also with connections left, also on the same port', async () => {
    const { server, client, connection } = await network.pair();
    const { port } = server.address();
    server.close();
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
    server.listen(port, LOOPBACK);
    await once(server, 'listening');
    const second = once(server, 'connection');
    await network.connect(server);
    await second;
    client.write('still');
    const [chunk] = await once(connection, 'data');
    assert.equal(String(chunk), 'still');
  });

  it('listens after an error, from within its listener', async () => {
    const taken = create();
    taken.listen(0, LOOPBACK);
    const { port } = await listening(taken);
    const server = create();
    server.listen(port, LOOPBACK);
    await new Promise((resolve) => {
      server.once('error', () => server.listen(0, LOOPBACK, resolve));
    });
    assert.notEqual(server.address().port, port);
  });

  it('does not listen when closed before it could', async () => {
    const server = create();
    server.on('listening', () => assert.fail('listening'));
    server.listen(0, 'localhost');
    server.close();
    await once(server, 'close');
    assert.equal(server.listening, false);
  });

  it('closes on abort of its signal', async () => {
    const controller = new AbortController();
    const server = create();
    server.listen({ port: 0, signal: controller.signal });
    await listening(server);
    controller.abort();
    await once(server, 'close');
    assert.equal(server.listening, false);
    const aborted = create();
    aborted.listen({ port: 0, signal: AbortSignal.abort() });
    await once(aborted, 'close');
  });

  it('tells the number of connections', async () => {
    const { server, connection } = await network.pair();
    const count = () => new Promise((resolve) => server.getConnections((_, n) => resolve(n)));
    assert.equal(await count(), 1);
    connection.destroy();
    assert.equal(await count(), 0);
  });

  it("refuses more than maxConnections, with 'drop', and takes others when there is room", async () => {
    const server = await network.listen({ maxConnections: 1 });
    const accepted = once(server, 'connection');
    await network.connect(server);
    const [first] = await accepted;
    const dropped = once(server, 'drop');
    const refused = await network.connect(server);
    const { localPort } = refused;
    const [data] = await dropped;
    await once(refused.resume(), 'close');
    assert.equal(data.remotePort, localPort);
    assert.equal(data.remoteAddress, LOOPBACK);
    assert.equal(data.remoteFamily, 'IPv4');
    assert.equal(data.localAddress, LOOPBACK);
    assert.equal(data.localPort, server.address().port);
    assert.equal(data.localFamily, 'IPv4');
    server.maxConnections = 2;
    const second = once(server, 'connection');
    await network.connect(server);
    await second;
    first.destroy();
  });

  it("close() calls back once the last connection has ended; 'close' too", async () => {
    const { server, client, connection } = await network.pair();
    const events = [];
    connection.on('close', () => events.push('connection'));
    server.on('close', () => events.push('server'));
    const closed = new Promise((resolve) => {
      server.close((err) => resolve(err));
    });
    client.write('go on');
    await once(connection, 'data');
    assert.deepEqual(events, []);
    client.end();
    assert.equal(await closed, undefined);
    assert.deepEqual(events, ['connection', 'server']);
    assert.equal(server.info().connectionsActive, 0);
  });

  it('close() of a server that does not listen calls back with an error', async () => {
    const err = await new Promise((resolve) => create().close(resolve));
    assert.equal(err.code, 'ERR_SERVER_NOT_RUNNING');
  });

  it('stop() cuts the connections and resolves', async () => {
    const { server, client, connection } = await network.pair();
    const hadError = once(connection, 'close');
    const gone = once(client, 'close');
    let closed = false;
    server.on('close', () => {
      closed = true;
    });
    await server.stop();
    assert.equal(closed, true);
    assert.deepEqual(await hadError, [false]);
    await gone;
    await server.stop();
  });

  it('can be disposed of', async () => {
    const server = create();
    if (Symbol.asyncDispose === undefined) return;
    server.listen(0);
    await listening(server);
    await server[Symbol.asyncDispose]();
    assert.equal(server.listening, false);
    await server[Symbol.asyncDispose]();
  });

  it('returns itself from ref(), unref(), close() and getConnections()', () => {
    const server = create();
    assert.equal(server.ref(), server);
    assert.equal(server.unref(), server);
    assert.equal(
      server.getConnections(() => {}),
      server,
    );
    assert.equal(server.listen(0), server);
    assert.equal(server.close(), server);
  });

  it('knows its backend before it listens', () => {
    assert.equal(create().info().backend, expectedBackend);
    assert.equal(create().info().listening, false);
  });

  it('pauseOnConnect keeps connections paused until resume()', async () => {
    const { client, connection } = await network.pair({ pauseOnConnect: true });
    assert.equal(connection.isPaused(), true);
    client.end('waits');
    assert.equal(String(await readAll(connection)), 'waits');
  });
});
