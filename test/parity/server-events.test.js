'use strict';

const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const events = require('node:events');
const net = require('node:net');
const { Duplex } = require('node:stream');
const { LOOPBACK, closed, readAll } = require('../helpers/clients');
const { isReference, since, useWorld } = require('../helpers/parity');

const { once } = events;

describe("'connection'", () => {
  const world = useWorld();

  it('has the connection, a Duplex, and the server as this', async () => {
    const server = await world.listen();
    const seen = new Promise((resolve) => {
      server.once('connection', function (...args) {
        resolve([this, ...args]);
      });
    });
    await world.connect(server);
    const [context, connection, ...rest] = await seen;
    assert.equal(context, server);
    assert.ok(connection instanceof Duplex);
    assert.equal(connection.server, server);
    assert.deepEqual(rest, []);
  });

  it('comes once for each client, also when they come together', async () => {
    const server = await world.listen({}, (connection) => connection.end('hello'));
    const texts = await Promise.all(
      Array.from({ length: 20 }, async () => String(await readAll(await world.connect(server)))),
    );
    assert.deepEqual(texts, Array(20).fill('hello'));
  });

  it('comes for a client that has already sent everything and gone', async () => {
    const server = world.server();
    await once(server.listen(0, LOOPBACK), 'listening');
    const accepted = once(server, 'connection');
    net
      .connect(server.address().port, LOOPBACK)
      .on('error', () => {})
      .end('all of it');
    const [connection] = await accepted;
    assert.equal(String(await readAll(connection)), 'all of it');
  });

  it("is on the diagnostics channel 'net.server.socket' too", async () => {
    const ports = [];
    const listen = ({ socket }) => ports.push(socket.remotePort);
    subscribe('net.server.socket', listen);
    const { client } = await world.pair();
    unsubscribe('net.server.socket', listen);
    assert.deepEqual(ports, [client.localPort]);
  });

  it('may be emitted by the user', () => {
    const server = world.server();
    server.removeAllListeners('connection');
    const seen = [];
    server.on('connection', (socket) => seen.push(socket));
    const duplex = new Duplex();
    server.emit('connection', duplex);
    assert.deepEqual(seen, [duplex]);
  });
});

describe('captureRejections', () => {
  const world = useWorld();

  before(() => {
    events.captureRejections = true;
  });
  after(() => {
    events.captureRejections = false;
  });

  it('destroys the connection whose listener rejects', async () => {
    const server = await world.listen();
    const failed = new Promise((resolve) => {
      server.on('connection', async (connection) => {
        connection.on('error', (err) => resolve([connection, err]));
        throw new Error('from the listener');
      });
    });
    const client = await world.connect(server);
    const gone = closed(client.resume());
    const [connection, err] = await failed;
    assert.equal(err.message, 'from the listener');
    assert.equal(connection.destroyed, true);
    await gone;
  });

  it("makes any other rejection an 'error' of the server", async () => {
    const server = world.server();
    server.on('listening', async () => {
      throw new Error('from the listener');
    });
    const failed = new Promise((resolve) => server.once('error', resolve));
    server.listen(0, LOOPBACK);
    assert.equal((await failed).message, 'from the listener');
  });

  it("makes a rejection of a connection's listener its 'error'", async () => {
    const { client, connection } = await world.pair();
    connection.on('data', async () => {
      throw new Error('from the data listener');
    });
    const failed = new Promise((resolve) => connection.once('error', resolve));
    client.write('x');
    assert.equal((await failed).message, 'from the data listener');
  });
});

describe('server.maxConnections', () => {
  const world = useWorld();

  const dropOf = (server) => new Promise((resolve) => server.once('drop', resolve));

  it("closes those beyond it and tells of them in 'drop'", async () => {
    const { server, connection } = await world.pair();
    server.maxConnections = 1;
    const dropped = dropOf(server);
    const second = await world.connect(server);
    assert.equal(String(await readAll(second)), '');
    assert.deepEqual(
      { ...(await dropped) },
      {
        localAddress: LOOPBACK,
        localPort: server.address().port,
        localFamily: 'IPv4',
        remoteAddress: LOOPBACK,
        remotePort: second.localPort,
        remoteFamily: 'IPv4',
      },
    );
    assert.equal(connection.destroyed, false);
  });

  it("gives no 'connection' for those it drops", async () => {
    let count = 0;
    const server = await world.listen(() => count++);
    server.maxConnections = 2;
    await world.connect(server);
    await world.connect(server);
    const dropped = dropOf(server);
    await world.connect(server);
    await dropped;
    assert.equal(count, 2);
  });

  it('lets others in when one has gone', async () => {
    const { server, connection } = await world.pair();
    server.maxConnections = 1;
    const gone = closed(connection);
    connection.destroy();
    await gone;
    const accepted = once(server, 'connection');
    await world.connect(server);
    await accepted;
  });

  it('may be raised and taken away while the server runs', async () => {
    const { server } = await world.pair();
    server.maxConnections = 1;
    const dropped = dropOf(server);
    await world.connect(server);
    await dropped;
    for (const limit of [2, undefined]) {
      server.maxConnections = limit;
      const accepted = once(server, 'connection');
      await world.connect(server);
      await accepted;
    }
  });

  it('dropMaxConnection does not matter outside of cluster', async () => {
    for (const value of [true, false]) {
      const { server } = await world.pair();
      server.dropMaxConnection = value;
      server.maxConnections = 1;
      const dropped = dropOf(server);
      await world.connect(server);
      await dropped;
    }
  });

  if (since(21)) {
    it('0 drops all', async () => {
      const server = await world.listen(() => assert.fail('connection'));
      server.maxConnections = 0;
      const dropped = dropOf(server);
      const client = await world.connect(server);
      assert.equal(String(await readAll(client)), '');
      await dropped;
    });
  }
});

if (!isReference || net.BlockList.isBlockList) {
  describe('blockList', () => {
    const world = useWorld();

    const blocking = (...args) => {
      const blockList = new net.BlockList();
      blockList.addAddress(...args);
      return blockList;
    };

    it("closes a connection from an address in it, without 'connection' or 'drop'", async () => {
      const server = await world.listen({ blockList: blocking(LOOPBACK) });
      server.on('connection', () => assert.fail('connection'));
      server.on('drop', () => assert.fail('drop'));
      const client = await world.connect(server);
      assert.equal(String(await readAll(client)), '');
    });

    it('does not touch others', async () => {
      const server = await world.listen({ blockList: blocking('127.0.0.2') });
      const accepted = once(server, 'connection');
      await world.connect(server);
      await accepted;
    });

    it('may be added to while the server runs', async () => {
      const blockList = new net.BlockList();
      const { server, connection } = await world.pair({ blockList });
      blockList.addSubnet('127.0.0.0', 8);
      server.on('connection', () => assert.fail('connection'));
      const client = await world.connect(server);
      assert.equal(String(await readAll(client)), '');
      assert.equal(connection.destroyed, false);
    });

    it('knows IPv4 addresses that come over IPv6, and IPv6 addresses', async () => {
      const server = world.server({ blockList: blocking('::1', 'ipv6') });
      await once(server.listen(0), 'listening');
      const refused = await world.connect(server, { host: '::1' });
      assert.equal(String(await readAll(refused)), '');
      const accepted = once(server, 'connection');
      await world.connect(server);
      await accepted;

      const other = world.server({ blockList: blocking(LOOPBACK) });
      await once(other.listen(0), 'listening');
      assert.equal(String(await readAll(await world.connect(other))), '');
    });

    it('has to be one', () => {
      const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
      assert.throws(() => world.server({ blockList: [LOOPBACK] }), error);
      assert.throws(() => world.server({ blockList: {} }), error);
    });
  });
}
