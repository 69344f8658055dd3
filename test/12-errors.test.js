'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { createTcpServer } = require('..');
const { LOOPBACK } = require('./helpers/clients');
const { useNetwork } = require('./helpers/network');

/** What a listen() of this kind fails with. */
async function listenError(server, ...args) {
  server.listen(...args);
  const [err] = await once(server, 'error').catch((caught) => [caught]);
  return err;
}

function shape({ name, message, code, errno, syscall, address, port }) {
  return { name, message, code, errno, syscall, address, port };
}

describe('errors', () => {
  const network = useNetwork();

  async function sameAsNode(...args) {
    const ours = createTcpServer();
    const expected = new Promise((resolve) => {
      net
        .createServer()
        .once('error', resolve)
        .listen(...args);
    });
    const err = await new Promise((resolve) => {
      ours.once('error', resolve).listen(...args);
    });
    assert.ok(err instanceof Error);
    assert.deepEqual(shape(err), shape(await expected));
    assert.equal(ours.listening, false);
    assert.equal(ours.address(), null);
    return err;
  }

  it('EADDRINUSE, as Node', async () => {
    const server = await network.listen({});
    const err = await sameAsNode(server.address().port, LOOPBACK);
    assert.equal(err.code, 'EADDRINUSE');
  });

  it('EADDRINUSE without a host, as Node', async () => {
    const server = createTcpServer();
    server.listen(0);
    await once(server, 'listening');
    const err = await sameAsNode(server.address().port);
    assert.equal(err.code, 'EADDRINUSE');
    await server.stop();
  });

  it('EADDRNOTAVAIL, as Node', async () => {
    const err = await sameAsNode(0, '192.0.2.1');
    assert.equal(err.code, 'EADDRNOTAVAIL');
  });

  it('a name that does not exist, as Node', async () => {
    const err = await listenError(createTcpServer(), 0, 'no-such-host.invalid');
    assert.equal(err.syscall, 'getaddrinfo');
    assert.equal(err.hostname, 'no-such-host.invalid');
  });

  it('an error without a listener is thrown', async () => {
    const server = await network.listen({});
    const other = createTcpServer();
    const { promise, restore } = catchUncaught();
    other.listen(server.address().port, LOOPBACK);
    const err = await promise;
    restore();
    assert.equal(err.code, 'EADDRINUSE');
  });

  const badPorts = [-1, 65536, 1.5, '-1', '65536', ' ', Number.NaN, Number.POSITIVE_INFINITY];
  for (const port of badPorts) {
    it(`the port ${JSON.stringify(port)} (${typeof port}), as Node`, () => {
      const args = [{ port }];
      const expected = thrownBy(() => net.createServer().listen(...args));
      const err = thrownBy(() => createTcpServer().listen(...args));
      assert.equal(err.code, 'ERR_SOCKET_BAD_PORT');
      assert.deepEqual(shape(err), shape(expected));
      assert.ok(err instanceof RangeError);
    });
  }

  for (const args of [[{}], [{ host: LOOPBACK }], [{ port: true }], [false], [{ path: 1 }]]) {
    it(`listen(${JSON.stringify(args[0])}), as Node`, () => {
      const expected = thrownBy(() => net.createServer().listen(...args));
      const err = thrownBy(() => createTcpServer().listen(...args));
      assert.equal(err.code, expected.code);
      assert.equal(err.name, expected.name);
    });
  }

  it('refuses a signal that is none', () => {
    assert.throws(() => createTcpServer().listen({ port: 0, signal: 'INT' }), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });

  it('write() after end(), as Node', async () => {
    const { connection } = await network.pair();
    const failed = once(connection, 'error').catch((err) => [err]);
    connection.on('error', () => {});
    connection.end();
    const inCallback = new Promise((resolve) => {
      connection.write('late', resolve);
    });
    assert.equal((await inCallback).code, 'ERR_STREAM_WRITE_AFTER_END');
    assert.equal((await failed)[0].code, 'ERR_STREAM_WRITE_AFTER_END');
  });

  it("write() after the peer has ended and so have we is 'EPIPE', as Node", async () => {
    const { client, connection } = await network.pair();
    const finished = once(connection, 'finish');
    connection.resume();
    connection.on('error', (err) => assert.equal(err.code, 'EPIPE'));
    client.end();
    await finished;
    const err = await new Promise((resolve) => {
      assert.equal(connection.write('late', resolve), false);
    });
    assert.equal(err.code, 'EPIPE');
    assert.equal(err.message, 'This socket has been ended by the other party');
  });

  it('a reset by the peer is ECONNRESET, then close with hadError', async () => {
    const { client, connection } = await network.pair();
    const events = [];
    connection.on('error', (err) => events.push(['error', err.code, err.syscall, err.message]));
    const closed = new Promise((resolve) => {
      connection.on('close', (hadError) => {
        events.push(['close', hadError]);
        resolve();
      });
    });
    client.resetAndDestroy();
    await closed;
    assert.deepEqual(events, [
      ['error', 'ECONNRESET', 'read', 'read ECONNRESET'],
      ['close', true],
    ]);
  });

  it('destroy(err) emits that error, then close with hadError', async () => {
    const { connection } = await network.pair();
    const events = [];
    connection.on('error', (err) => events.push(err.message));
    const closed = new Promise((resolve) => {
      connection.on('close', (hadError) => resolve(hadError));
    });
    connection.destroy(new Error('enough'));
    assert.equal(await closed, true);
    assert.deepEqual(events, ['enough']);
  });

  it('resetAndDestroy() resets; on a closed connection it does nothing', async () => {
    const { client, connection } = await network.pair();
    const failed = new Promise((resolve) => {
      client.once('error', resolve);
    });
    assert.equal(connection.resetAndDestroy(), connection);
    assert.equal((await failed).code, 'ECONNRESET');
    assert.equal(connection.resetAndDestroy(), connection);
  });

  it('setTimeout() refuses what is no duration, as Node', async () => {
    const { connection } = await network.pair();
    const other = new net.Socket();
    for (const value of ['100', null, undefined, {}, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      const expected = thrownBy(() => other.setTimeout(value));
      const err = thrownBy(() => connection.setTimeout(value));
      assert.equal(err.code, expected.code);
      assert.equal(err.name, expected.name);
      assert.equal(err.message, expected.message);
    }
    assert.throws(() => connection.setTimeout(1, 'callback'), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('the listener of a connection may throw, and the connection lives on', async () => {
    const server = await network.listen({});
    server.on('connection', (connection) => {
      connection.pipe(connection);
      throw new Error('from the listener');
    });
    const { promise, restore } = catchUncaught();
    const client = await network.connect(server);
    assert.equal((await promise).message, 'from the listener');
    restore();
    client.write('hello');
    const [echoed] = await once(client, 'data');
    assert.equal(String(echoed), 'hello');
  });
});

function thrownBy(action) {
  try {
    action();
  } catch (err) {
    return err;
  }
  return assert.fail('did not throw');
}

/** The next uncaught exception, kept from mocha. */
function catchUncaught() {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const promise = new Promise((resolve) => {
    process.once('uncaughtException', resolve);
  });
  const restore = () => {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  };
  return { promise, restore };
}
