'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { LOOPBACK, closed, connect, readAll } = require('./helpers/clients');
const { useNetwork } = require('./helpers/network');
const { runProgram } = require('./helpers/programs');
const { MIB, limit } = require('./helpers/scale');
const { createTcpServer } = require('..');

describe("a connection's addresses", function () {
  limit(this, 20);
  const network = useNetwork();

  it('are those of the client and of the server', async () => {
    const { server, client, connection } = await network.pair();
    assert.equal(connection.remoteAddress, LOOPBACK);
    assert.equal(connection.remotePort, client.localPort);
    assert.equal(connection.remoteFamily, 'IPv4');
    assert.equal(connection.localAddress, LOOPBACK);
    assert.equal(connection.localPort, server.address().port);
    assert.equal(connection.localFamily, 'IPv4');
    assert.deepEqual(connection.address(), {
      address: LOOPBACK,
      family: 'IPv4',
      port: server.address().port,
    });
  });

  it('are known in the connection listener', async () => {
    let seen;
    const server = await network.listen({}, (connection) => {
      seen = [connection.remoteAddress, connection.remotePort];
      connection.end();
    });
    const client = await network.connect(server);
    const port = client.localPort;
    await readAll(client);
    assert.deepEqual(seen, [LOOPBACK, port]);
  });

  it('stay known after the close when they have been asked for', async () => {
    const { client, connection } = await network.pair();
    const port = connection.remotePort;
    assert.equal(connection.localPort, client.remotePort);
    const gone = closed(connection);
    connection.destroy();
    await gone;
    assert.equal(connection.remoteAddress, LOOPBACK);
    assert.equal(connection.remotePort, port);
  });

  it('are IPv6 addresses over IPv6', async () => {
    const server = createTcpServer();
    try {
      server.listen(0, '::1');
      await once(server, 'listening');
      const accepted = once(server, 'connection');
      const client = await connect(server.address().port, { host: '::1' });
      const [connection] = await accepted;
      assert.equal(connection.remoteAddress, '::1');
      assert.equal(connection.remoteFamily, 'IPv6');
      assert.equal(connection.remotePort, client.localPort);
      assert.equal(connection.localAddress, '::1');
      assert.equal(connection.localFamily, 'IPv6');
      const gone = closed(client);
      client.destroy();
      await gone;
    } finally {
      const gone = once(server, 'close');
      server.stop();
      await gone;
    }
  });
});

describe("a connection's state", function () {
  limit(this, 20);
  const network = useNetwork();

  it('is open, and neither pending nor connecting, from the start', async () => {
    const { connection } = await network.pair();
    assert.equal(connection.readyState, 'open');
    assert.equal(connection.pending, false);
    assert.equal(connection.connecting, false);
  });

  it('is readOnly after end(), and closed at the end', async () => {
    const { client, connection } = await network.pair({}, { allowHalfOpen: true });
    const gone = closed(connection);
    connection.resume();
    connection.end();
    assert.equal(connection.readyState, 'readOnly');
    client.end();
    await gone;
    assert.equal(connection.readyState, 'closed');
    assert.equal(connection.destroyed, true);
    assert.equal(connection.pending, true);
  });

  it('has its server', async () => {
    const { server, connection } = await network.pair();
    assert.equal(connection.server, server);
  });

  it('counts bytes read', async () => {
    const { client, connection } = await network.pair();
    assert.equal(connection.bytesRead, 0);
    const received = readAll(connection);
    client.end(Buffer.alloc(3 * MIB + 1));
    await received;
    assert.equal(connection.bytesRead, 3 * MIB + 1);
  });

  it('counts bytes written, those that wait included', async () => {
    const { client, connection } = await network.pair();
    assert.equal(connection.bytesWritten, 0);
    connection.write('grüße');
    assert.equal(connection.bytesWritten, 7);
    connection.write(Buffer.alloc(16 * MIB));
    connection.write(Buffer.alloc(100));
    connection.write('abcd', 'hex');
    assert.equal(connection.bytesWritten, 16 * MIB + 109);
    connection.end();
    const gone = closed(connection);
    connection.resume();
    assert.equal((await readAll(client)).length, 16 * MIB + 109);
    await gone;
    assert.equal(connection.bytesWritten, 16 * MIB + 109);
  });
});

describe("a connection's settings", function () {
  limit(this, 20);
  const network = useNetwork();

  it('setNoDelay(), setKeepAlive(), ref() and unref() return the connection', async () => {
    const { client, connection } = await network.pair();
    assert.equal(connection.setNoDelay(), connection);
    assert.equal(connection.setNoDelay(false), connection);
    assert.equal(connection.setNoDelay(true), connection);
    assert.equal(connection.setKeepAlive(true, 10000), connection);
    assert.equal(connection.setKeepAlive(false), connection);
    assert.equal(connection.setKeepAlive(), connection);
    assert.equal(connection.unref(), connection);
    assert.equal(connection.unref(), connection);
    assert.equal(connection.ref(), connection);
    assert.equal(connection.setTimeout(0), connection);
    connection.end('still works');
    assert.equal(String(await readAll(client)), 'still works');
  });

  it("setTimeout() brings 'timeout' to a silent connection, and does not close it", async () => {
    const { client, connection } = await network.pair();
    connection.setTimeout(20);
    assert.equal(connection.timeout, 20);
    await once(connection, 'timeout');
    assert.equal(connection.destroyed, false);
    connection.end('still here');
    assert.equal(String(await readAll(client)), 'still here');
  });

  it("setTimeout(ms, listener) is a listener for the next 'timeout'", async () => {
    const { connection } = await network.pair();
    const context = await new Promise((resolve) => {
      connection.setTimeout(20, function () {
        resolve(this);
      });
    });
    assert.equal(context, connection);
    assert.equal(connection.listenerCount('timeout'), 0);
  });

  it('setTimeout(0, listener) takes both away', async () => {
    const { client, connection } = await network.pair();
    const listener = () => assert.fail('timed out');
    connection.setTimeout(20, listener);
    connection.setTimeout(0, listener);
    assert.equal(connection.timeout, 0);
    assert.equal(connection.listenerCount('timeout'), 0);
    // Another connection's timer, set later and as long, has run down by the time this one answers.
    const other = await network.pair();
    other.connection.setTimeout(20);
    await once(other.connection, 'timeout');
    connection.end('no timeout');
    assert.equal(String(await readAll(client)), 'no timeout');
  });

  it('a timeout can come while data wait to be read by the client', async () => {
    const { client, connection } = await network.pair();
    connection.write(Buffer.alloc(32 * MIB));
    connection.setTimeout(50);
    await once(connection, 'timeout');
    assert.ok(connection.writableLength > 0);
    const gone = closed(connection);
    connection.destroy();
    await gone;
    client.destroy();
  });

  for (const [what, ms, code] of [
    ['a string', '10', 'ERR_INVALID_ARG_TYPE'],
    ['a negative number', -1, 'ERR_OUT_OF_RANGE'],
    ['infinity', Number.POSITIVE_INFINITY, 'ERR_OUT_OF_RANGE'],
  ]) {
    it(`setTimeout() refuses ${what}`, async () => {
      const { connection } = await network.pair();
      assert.throws(() => connection.setTimeout(ms), { code });
    });
  }
});

describe('the life of the process', function () {
  limit(this, 60);

  it('is over when the server has been stopped', async () => {
    const { code, signal, lines, stderr } = await runProgram('liveness', { how: 'stop' });
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    assert.deepEqual(lines.slice(1), ['closed']);
  });
});
