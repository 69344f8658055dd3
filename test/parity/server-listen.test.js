'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { expectedBackend } = require('../helpers/backend');
const { LOOPBACK, closed, connect, readAll } = require('../helpers/clients');
const { isAtLeast, since, useWorld } = require('../helpers/parity');

async function listening(server, ...args) {
  assert.equal(server.listen(...args), server);
  await once(server, 'listening');
  return server.address();
}

/** A port that was free a moment ago. */
async function freePort() {
  const server = net.createServer().listen(0, LOOPBACK);
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

describe('server.listen() takes', () => {
  const world = useWorld();

  for (const [form, args] of [
    ['nothing', []],
    ['port 0', [0]],
    ['null', [null]],
    ['undefined', [undefined]],
    ['port and host', [0, LOOPBACK]],
    ['port, host and backlog', [0, LOOPBACK, 16]],
    ['port and backlog', [0, 16]],
    ['a port in a string', ['0']],
    ['options', [{ port: 0, host: LOOPBACK }]],
    ['options with a backlog', [{ port: 0, host: LOOPBACK, backlog: 16 }]],
    ['options with exclusive', [{ port: 0, host: LOOPBACK, exclusive: true }]],
    ['options with a port in a string', [{ port: '0' }]],
    ['options without a known port', [{ port: undefined }]],
  ]) {
    it(form, async () => {
      const server = world.server((connection) => connection.end('hello'));
      const { port } = await listening(server, ...args);
      assert.ok(port > 0);
      const client = await connect(port);
      assert.equal(String(await readAll(client)), 'hello');
      client.destroy();
    });

    it(`${form}, with a callback`, (done) => {
      const server = world.server();
      server.listen(...args, function () {
        assert.equal(this, server);
        assert.equal(server.listening, true);
        done();
      });
    });
  }

  it('the port that it says', async () => {
    const port = await freePort();
    assert.deepEqual(await listening(world.server(), port, LOOPBACK), {
      address: LOOPBACK,
      family: 'IPv4',
      port,
    });
  });

  it('an IPv6 address', async () => {
    const { address, family } = await listening(world.server(), 0, '::1');
    assert.deepEqual([address, family], ['::1', 'IPv6']);
  });

  it('ipv6Only, which leaves the IPv4 port free', async () => {
    const server = world.server();
    const { port } = await listening(server, { port: 0, host: '::', ipv6Only: true });
    assert.equal((await listening(world.server(), port, '0.0.0.0')).port, port);
  });

  it('every address, IPv4 as well as IPv6, without a host', async () => {
    const server = world.server((connection) => connection.end(connection.remoteFamily));
    const { port, address, family } = await listening(server, 0);
    assert.deepEqual([address, family], ['::', 'IPv6']);
    for (const host of ['::1', LOOPBACK]) {
      const client = await connect(port, { host });
      assert.equal(String(await readAll(client)), 'IPv6');
      client.destroy();
    }
  });

  if (since(22, 12) && (expectedBackend === 'io_uring' || isAtLeast(22, 12))) {
    it('reusePort, with which two servers share a port', async () => {
      const { port } = await listening(world.server(), {
        port: 0,
        host: LOOPBACK,
        reusePort: true,
      });
      const other = { port, host: LOOPBACK, reusePort: true };
      assert.equal((await listening(world.server(), other)).port, port);
    });
  }
});

describe("'listening'", () => {
  const world = useWorld();

  it('comes later, once, after listen() has returned', async () => {
    const server = world.server();
    let returned = false;
    let calls = 0;
    server.on('listening', () => {
      assert.equal(returned, true);
      calls++;
    });
    server.listen(0, LOOPBACK);
    returned = true;
    await once(server, 'listening');
    await new Promise(setImmediate);
    assert.equal(calls, 1);
  });

  it('has as many callbacks as listen() was given, each called for its own', async () => {
    const server = world.server();
    const calls = [];
    server.listen(0, LOOPBACK, () => calls.push('first'));
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    server.listen(0, LOOPBACK, () => calls.push('second'));
    await once(server, 'listening');
    assert.deepEqual(calls, ['first', 'second']);
  });

  it('does not come when the server is closed at once', async () => {
    const server = world.server();
    server.on('listening', () => assert.fail('listening'));
    server.listen(0, LOOPBACK);
    server.close();
    await once(server, 'close');
    await new Promise(setImmediate);
    assert.equal(server.listening, false);
  });
});

describe('server.listen() fails', () => {
  const world = useWorld();

  it('with ERR_SERVER_ALREADY_LISTEN while the server listens', async () => {
    const server = await world.listen();
    const error = { name: 'Error', code: 'ERR_SERVER_ALREADY_LISTEN' };
    assert.throws(() => server.listen(0, LOOPBACK), error);
    assert.equal(server.listening, true);
  });

  it("with EADDRINUSE as an 'error' event, without a 'close'", async () => {
    const { port } = (await world.listen()).address();
    const server = world.server();
    server.on('close', () => assert.fail('close'));
    server.listen(port, LOOPBACK);
    const [err] = await once(server, 'error');
    const { code, syscall, address, message } = err;
    assert.deepEqual([code, syscall, address, err.port], ['EADDRINUSE', 'listen', LOOPBACK, port]);
    assert.equal(message, `listen EADDRINUSE: address already in use ${LOOPBACK}:${port}`);
    await new Promise(setImmediate);
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
    server.removeAllListeners('close');
  });

  it('and may be called again, also from within the error listener', async () => {
    const { port } = (await world.listen()).address();
    const server = world.server();
    server.once('error', () => server.listen(0, LOOPBACK));
    server.listen(port, LOOPBACK);
    await new Promise((resolve) => server.once('listening', resolve));
    assert.notEqual(server.address().port, port);
  });

  it('and may be called again after close()', async () => {
    const server = await world.listen();
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    assert.equal((await listening(server, port, LOOPBACK)).port, port);
  });

  for (const port of [-1, 65536, 1.5, Number.NaN, '-1', ' ']) {
    it(`with ERR_SOCKET_BAD_PORT for port '${port}'`, () => {
      const error = { name: 'RangeError', code: 'ERR_SOCKET_BAD_PORT' };
      assert.throws(() => world.server().listen({ port }), error);
    });
  }

  it('with ERR_SOCKET_BAD_PORT for a port that is too large, without options', () => {
    const error = { name: 'RangeError', code: 'ERR_SOCKET_BAD_PORT' };
    assert.throws(() => world.server().listen(65536), error);
  });

  for (const wrong of [{}, { host: LOOPBACK }, { port: false }, { port: {} }, { fd: -1 }]) {
    it(`with ERR_INVALID_ARG_VALUE for ${JSON.stringify(wrong)}`, () => {
      const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
      assert.throws(() => world.server().listen(wrong), error);
    });
  }
});

describe('server.listen() takes over', () => {
  const world = useWorld();

  /** A server of Node's that listens, and whose clients are to be another's. */
  async function owner() {
    const server = net.createServer(() => assert.fail('a client of the one before'));
    await listening(server, 0, LOOPBACK);
    return server;
  }

  for (const [what, give] of [
    ['a server', (server) => server],
    ['the handle of a server', (server) => server._handle],
    ['a handle in options', (server) => ({ handle: server._handle })],
  ]) {
    it(`${what}, with all its clients`, async () => {
      const before = await owner();
      const { port } = before.address();
      const server = world.server((connection) => connection.end('hello'));
      assert.equal((await listening(server, give(before))).port, port);
      const clients = await Promise.all(Array.from({ length: 20 }, () => connect(port)));
      for (const client of clients) assert.equal(String(await readAll(client)), 'hello');
      const gone = closed(server);
      server.close();
      await gone;
      await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
    });
  }
});

describe('the signal of listen()', () => {
  const world = useWorld();

  it('closes the server, and leaves its connections alone', async () => {
    const controller = new AbortController();
    const server = world.server((connection) => connection.pipe(connection));
    await listening(server, { port: 0, host: LOOPBACK, signal: controller.signal });
    const client = await connect(server.address().port);
    client.write('x');
    await once(client, 'data');
    controller.abort();
    assert.equal(server.listening, false);
    client.write('y');
    assert.equal(String((await once(client, 'data'))[0]), 'y');
    const gone = once(server, 'close');
    client.destroy();
    await gone;
  });

  it('may be aborted before', async () => {
    const server = world.server();
    server.listen({ port: 0, host: LOOPBACK, signal: AbortSignal.abort() });
    await once(server, 'close');
    assert.equal(server.listening, false);
  });

  it('has to be one', () => {
    const listen = () => world.server().listen({ port: 0, signal: 'abort' });
    assert.throws(listen, { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('does nothing when the server has been closed already', async () => {
    const controller = new AbortController();
    const server = world.server();
    await listening(server, { port: 0, host: LOOPBACK, signal: controller.signal });
    const gone = closed(server);
    server.close();
    await gone;
    server.on('close', () => assert.fail('closed again'));
    controller.abort();
    await new Promise(setImmediate);
    server.removeAllListeners('close');
  });
});
