'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Duplex } = require('node:stream');
const { LOOPBACK, closed, readAll } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

describe('the addresses of a connection', () => {
  const world = useWorld();

  it('are those of both ends', async () => {
    const { server, client, connection } = await world.pair();
    const { port } = server.address();
    const { remoteAddress, remotePort, remoteFamily } = connection;
    const { localAddress, localPort, localFamily } = connection;
    assert.deepEqual(
      [remoteAddress, remotePort, remoteFamily],
      [LOOPBACK, client.localPort, 'IPv4'],
    );
    assert.deepEqual([localAddress, localPort, localFamily], [LOOPBACK, port, 'IPv4']);
    assert.deepEqual({ ...connection.address() }, { address: LOOPBACK, family: 'IPv4', port });
  });

  it('are IPv6 over IPv6', async () => {
    const server = world.server();
    await once(server.listen(0, '::1'), 'listening');
    const accepted = once(server, 'connection');
    await world.connect(server, { host: '::1' });
    const [{ remoteAddress, remoteFamily, localAddress, localFamily }] = await accepted;
    assert.deepEqual([remoteAddress, remoteFamily], ['::1', 'IPv6']);
    assert.deepEqual([localAddress, localFamily], ['::1', 'IPv6']);
  });

  it('are mapped when IPv4 comes to an IPv6 server', async () => {
    const server = world.server();
    await once(server.listen(0), 'listening');
    const accepted = once(server, 'connection');
    await world.connect(server);
    const [{ remoteAddress, remoteFamily, localAddress }] = await accepted;
    assert.deepEqual([remoteAddress, remoteFamily], ['::ffff:127.0.0.1', 'IPv6']);
    assert.equal(localAddress, '::ffff:127.0.0.1');
  });

  it('are gone after destroy(), but for those of the peer that had been asked for', async () => {
    const { client, connection } = await world.pair();
    const { localPort } = client; // it may be closed, too, before we look
    assert.equal(connection.remoteAddress, LOOPBACK);
    assert.equal(connection.localAddress, LOOPBACK);
    connection.destroy();
    for (const state of ['destroyed', 'closed']) {
      assert.equal(connection.remotePort, localPort, state);
      assert.equal(connection.localAddress, undefined, state);
      assert.equal(connection.localPort, undefined, state);
      assert.equal(connection.localFamily, undefined, state);
      assert.deepEqual({ ...connection.address() }, {}, state);
      if (state === 'destroyed') await closed(connection);
    }
  });

  it('are undefined after destroy() when nobody had asked', async () => {
    const { connection } = await world.pair();
    connection.destroy();
    assert.equal(connection.remoteAddress, undefined);
    assert.equal(connection.remotePort, undefined);
    assert.equal(connection.remoteFamily, undefined);
  });
});

describe('the state of a connection', () => {
  const world = useWorld();

  it('is open from the start', async () => {
    const { server, connection } = await world.pair();
    assert.ok(connection instanceof Duplex);
    assert.equal(connection.server, server);
    assert.equal(connection.connecting, false);
    assert.equal(connection.pending, false);
    assert.equal(connection.destroyed, false);
    assert.equal(connection.closed, false);
    assert.equal(connection.readyState, 'open');
    assert.equal(connection.timeout, undefined);
    assert.equal(connection.bufferSize, 0);
    assert.equal(connection.readable, true);
    assert.equal(connection.writable, true);
    assert.equal(connection.allowHalfOpen, false);
  });

  it('is readOnly after end()', async () => {
    const { connection } = await world.pair({}, { allowHalfOpen: true });
    connection.end();
    assert.equal(connection.readyState, 'readOnly');
    assert.equal(connection.writable, false);
    assert.equal(connection.readable, true);
  });

  it('is writeOnly after the end of the peer', async () => {
    const { client, connection } = await world.pair({ allowHalfOpen: true });
    client.end();
    await once(connection.resume(), 'end');
    assert.equal(connection.readyState, 'writeOnly');
    assert.equal(connection.writable, true);
    assert.equal(connection.readable, false);
  });

  it('is closed after destroy(), at once', async () => {
    const { server, connection } = await world.pair();
    assert.equal(connection.destroy(), connection);
    assert.equal(connection.readyState, 'closed');
    assert.equal(connection.destroyed, true);
    assert.equal(connection.pending, true);
    assert.equal(connection.bufferSize, undefined);
    await closed(connection);
    assert.equal(connection.closed, true);
    assert.equal(connection.server, server);
  });

  it('has nothing to do with connecting', async () => {
    const { client, connection } = await world.pair();
    for (const event of ['connect', 'ready', 'lookup', 'connectionAttempt']) {
      connection.on(event, () => assert.fail(event));
    }
    assert.equal(connection.autoSelectFamilyAttemptedAddresses, undefined);
    connection.end();
    await readAll(client);
  });
});

describe('the settings of a connection', () => {
  const world = useWorld();

  it('return the connection, also after the close', async () => {
    const { client, connection } = await world.pair();
    for (const state of ['open', 'destroyed', 'closed']) {
      assert.equal(connection.setNoDelay(), connection, state);
      assert.equal(connection.setNoDelay(false), connection, state);
      assert.equal(connection.setKeepAlive(true, 60000), connection, state);
      assert.equal(connection.setKeepAlive(true), connection, state);
      assert.equal(connection.setKeepAlive(), connection, state);
      assert.equal(
        connection.setKeepAlive({ enable: true, initialDelay: 60000 }),
        connection,
        state,
      );
      assert.equal(connection.unref(), connection, state);
      assert.equal(connection.ref(), connection, state);
      if (state === 'open') {
        connection.write('works');
        assert.equal(String((await once(client, 'data'))[0]), 'works');
        connection.destroy();
      } else if (state === 'destroyed') {
        await closed(connection);
      }
    }
  });
});
