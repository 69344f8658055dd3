'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { UringTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, closed, connect, readAll, readBytes } = require('./helpers/clients');
const { eventually, settled } = require('./helpers/eventually');
const { useRaw } = require('./helpers/raw');
const { RandomCheck, RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const types = (server) => server.events.map(({ eventType }) => eventType);

describe('UringTcpServer: life', function () {
  limit(this, 20);
  const raw = useRaw();

  it('start() tells where it listens and how', async () => {
    const server = new UringTcpServer();
    assert.equal(server.info().listening, false);
    assert.equal(server.address(), null);
    const info = await server.start(() => {});
    assert.equal(info.host, LOOPBACK);
    assert.equal(info.address, LOOPBACK);
    assert.equal(info.family, 'IPv4');
    assert.ok(info.port > 0);
    assert.equal(info.backend, expectedBackend);
    assert.equal(info.listening, true);
    assert.equal(info.connectionsActive, 0);
    assert.deepEqual(server.address(), { address: LOOPBACK, family: 'IPv4', port: info.port });
    await server.stop();
    assert.equal(server.address(), null);
    assert.equal(server.info().listening, false);
    assert.equal(server.info().port, info.port);
  });

  it('looks up a host by name, and listens on IPv6', async () => {
    assert.ok((await raw.start({ host: 'localhost' })).info().port > 0);
    const server = await raw.start({ host: '::1' });
    assert.equal(server.info().family, 'IPv6');
    const client = net.connect(server.info().port, '::1');
    const { remoteFamily, remoteAddress } = await raw.event(server, 'connect');
    assert.deepEqual([remoteFamily, remoteAddress], ['IPv6', '::1']);
    client.destroy();
  });

  it('start() rejects with the code of the system', async () => {
    const first = await raw.start();
    const { port } = first.info();
    const second = new UringTcpServer({ port });
    await assert.rejects(
      second.start(() => {}),
      { code: 'EADDRINUSE', syscall: 'listen', port },
    );
    await assert.rejects(
      new UringTcpServer({ host: '192.0.2.1' }).start(() => {}),
      { code: 'EADDRNOTAVAIL' },
    );
    // It can be tried again.
    await first.stop();
    assert.equal((await second.start(() => {})).port, port);
    await second.stop();
  });

  it('start() rejects when it has been started', async () => {
    const server = await raw.start();
    await assert.rejects(
      server.start(() => {}),
      { code: 'ERR_SERVER_ALREADY_LISTEN' },
    );
    await assert.rejects(
      server.startBatch(() => {}),
      { code: 'ERR_SERVER_ALREADY_LISTEN' },
    );
    const { client, id } = await raw.pair(server);
    assert.equal(server.send(id, 'still there'), true);
    await readBytes(client, 11);
  });

  it('a start() that is rejected leaves the one under way its listener', async () => {
    const server = new UringTcpServer({ host: 'localhost' });
    const told = [];
    const started = server.start((event) => told.push(event.eventType));
    await assert.rejects(
      server.startBatch(() => assert.fail('it was rejected')),
      { code: 'ERR_SERVER_ALREADY_LISTEN' },
    );
    const { address, port } = await started;
    const client = net.connect(port, address);
    await eventually(() => told.includes('connect'), 'connect');
    client.destroy();
    await server.stop();
  });

  it('stop() while it starts rejects the start', async () => {
    for (const host of [LOOPBACK, 'localhost']) {
      const server = new UringTcpServer({ host });
      const started = server.start(() => {});
      const refused = assert.rejects(started, { code: 'ERR_SERVER_NOT_RUNNING' });
      await server.stop();
      await refused;
      await server.start(() => {});
      await server.stop();
    }
  });

  it('stop() cuts every connection, and resolves after the last close', async () => {
    const server = await raw.start({}, ({ eventType, connectionId }, self) => {
      if (eventType === 'connect') self.send(connectionId, Buffer.alloc(4 * MIB));
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => raw.connect(server)));
    await eventually(() => server.info().connectionsActive === 20, 'twenty connections');
    const cut = clients.map((client) => closed(client.resume()));
    await server.stop();
    assert.equal(types(server).filter((type) => type === 'close').length, 20);
    await Promise.all(cut);
    await server.stop();
  });

  it('stop() from inside the handler', async () => {
    for (const when of ['connect', 'data']) {
      let stopped;
      const server = await raw.start({}, ({ eventType }, self) => {
        if (eventType === when) stopped = self.stop();
      });
      const client = await raw.connect(server);
      client.write('x');
      await closed(client.resume());
      await stopped;
      assert.equal(types(server).at(-1), 'close');
    }
  });

  it('can be started again, with ids that are not those of before', async () => {
    const server = new UringTcpServer();
    let connected;
    for (let i = 0; i < 3; i++) {
      const id = new Promise((resolve) => {
        connected = resolve;
      });
      const { port } = await server.start((event) => {
        if (event.eventType === 'connect') connected(event.connectionId);
      });
      const client = await connect(port);
      assert.equal(server.send(await id, 'hello'), true);
      await readBytes(client, 5);
      await server.stop();
      assert.equal(server.send(await id, 'hello'), false);
    }
  });

  it('Symbol.asyncDispose stops it', async () => {
    const server = await raw.start();
    await server[Symbol.asyncDispose]();
    assert.equal(server.address(), null);
  });

  it('refuses options that are about streams, or out of range', () => {
    for (const name of ['allowHalfOpen', 'pauseOnConnect', 'highWaterMark', 'nonsense']) {
      assert.throws(() => new UringTcpServer({ [name]: 1 }), { code: 'ERR_INVALID_ARG_VALUE' });
    }
    assert.throws(() => new UringTcpServer({ sendQueueCapacity: 0 }), { code: 'ERR_OUT_OF_RANGE' });
    assert.throws(() => new UringTcpServer({ port: '1' }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => new UringTcpServer(1), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('throws for arguments of a wrong type', async () => {
    const server = await raw.start();
    const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    assert.throws(() => new UringTcpServer().start(), wrong);
    assert.throws(() => new UringTcpServer().startBatch({}), wrong);
    for (const call of [
      () => server.send('1', 'x'),
      () => server.send(1),
      () => server.send(1, 7),
      () => server.sendAndClose(null, 'x'),
      () => server.sendBatch(),
      () => server.sendBatch([1]),
      () => server.sendBatch([{ connectionId: 1 }]),
      () => server.sendBatch([{ connectionId: '1', data: 'x' }]),
      () => server.sendBatchAndClose([{ connectionId: 1, data: {} }]),
      () => server.broadcast(1, 'x'),
      () => server.broadcast([undefined], 'x'),
      () => server.broadcast('all', null),
      () => server.closeConnection(),
      () => server.pause({}),
      () => server.resume(undefined),
    ]) {
      assert.throws(call, wrong);
    }
  });
});

describe('UringTcpServer: events and sends', function () {
  limit(this, 20);
  const raw = useRaw();

  it('tells of a connection from connect to close', async () => {
    const server = await raw.start({}, ({ eventType, connectionId, data }, self) => {
      if (eventType === 'data') assert.equal(self.send(connectionId, data), true);
      if (eventType === 'end') assert.equal(self.closeConnection(connectionId), true);
    });
    const client = await raw.connect(server);
    const { localPort } = client;
    client.end('hello');
    assert.equal(String(await readAll(client)), 'hello');
    await raw.event(server, 'close');
    assert.deepEqual(types(server), ['connect', 'data', 'end', 'close']);
    const [first, second] = server.events;
    assert.deepEqual(
      [first.remoteAddress, first.remotePort, first.remoteFamily],
      [LOOPBACK, localPort, 'IPv4'],
    );
    assert.equal(String(second.data), 'hello');
  });

  it('events have one shape', async () => {
    const server = await raw.start();
    const { client } = await raw.pair(server);
    client.end('x');
    await raw.event(server, 'end');
    const keys = new Set(server.events.map((event) => Object.keys(event).join()));
    assert.equal(keys.size, 1);
    assert.equal(new Set(server.events.map(Object.getPrototypeOf)).size, 1);
  });

  it('sends strings as UTF-8, Buffers and Uint8Arrays, in order', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    assert.equal(server.send(id, 'grün '), true);
    assert.equal(server.send(id, Buffer.from('Buffer ')), true);
    assert.equal(server.send(id, new Uint8Array([65, 66, 67])), true);
    assert.equal(server.send(id, ''), true);
    assert.equal(server.sendAndClose(id, Buffer.from(' end')), true);
    assert.equal(String(await readAll(client)), 'grün Buffer ABC end');
  });

  it('a small Buffer may be changed as soon as it was given', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    const bytes = Buffer.alloc(16384, 'a');
    server.send(id, bytes);
    bytes.fill('b');
    server.sendAndClose(id, bytes);
    bytes.fill('c');
    const expected = Buffer.concat([Buffer.alloc(16384, 'a'), Buffer.alloc(16384, 'b')]);
    assert.ok(expected.equals(await readAll(client)));
  });

  it('sends any size whole', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    const stream = new RandomStream(7);
    const check = new RandomCheck(7);
    let position = 0;
    client.on('data', (chunk) => check.push(chunk));
    for (const size of [1, 191, 192, 193, 2047, 2049, 16384, 16385, 100000, 1, MIB]) {
      assert.equal(server.send(id, stream.slice(position, size)), true);
      position += size;
    }
    assert.equal(server.sendAndClose(id, ''), true);
    await once(client, 'end');
    assert.equal(check.position, position);
  });

  it('microtasks run between two events of one connection', async () => {
    const order = [];
    const server = await raw.start({}, ({ eventType }) => {
      order.push(eventType);
      Promise.resolve().then(() => order.push(`after ${eventType}`));
    });
    for (let i = 0; i < 20; i++) {
      const client = await raw.connect(server);
      client.end('x');
      await eventually(
        () => types(server).filter((type) => type === 'end').length === i + 1,
        'end',
      );
    }
    const ofOne = ['connect', 'data', 'end'].flatMap((type) => [type, `after ${type}`]);
    assert.deepEqual(order, Array(20).fill(ofOne).flat());
  });

  it('end leaves the connection open for sending', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    client.end();
    await raw.event(server, 'end');
    assert.equal(server.send(id, 'late'), true);
    assert.equal(String(await readBytes(client, 4)), 'late');
    assert.equal(types(server).includes('close'), false);
    assert.equal(server.sendAndClose(id, ', bye'), true);
    assert.equal(String(await readAll(client)), ', bye');
    await raw.event(server, 'close');
  });

  it('sendAndClose() loses nothing although the peer still sends', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    const bytes = new RandomStream(3).bytes(8 * MIB);
    client.write(Buffer.alloc(MIB));
    await raw.event(server, 'data');
    assert.equal(server.sendAndClose(id, bytes), true);
    assert.equal(server.send(id, 'more'), false);
    assert.equal(server.sendAndClose(id, 'more'), false);
    assert.equal(server.pause(id), false);
    const told = server.events.length;
    client.write(Buffer.alloc(MIB));
    assert.ok(bytes.equals(await readAll(client)));
    client.end();
    await raw.event(server, 'close');
    assert.equal(server.events.length, told + 1);
  });

  it('closeConnection() after sendAndClose() does not wait for the peer', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server, { allowHalfOpen: true });
    server.sendAndClose(id, 'bye');
    assert.equal(String(await readAll(client)), 'bye');
    assert.equal(types(server).includes('close'), false);
    assert.equal(server.closeConnection(id), true);
    assert.equal(server.closeConnection(id), false);
    await raw.event(server, 'close');
  });

  it('what was sent in the turn of closeConnection() or stop() leaves', async () => {
    for (const how of ['closeConnection', 'stop']) {
      const server = await raw.start({}, ({ eventType, connectionId }, self) => {
        if (eventType !== 'data') return;
        self.send(connectionId, 'good');
        self.send(connectionId, 'bye');
        self[how](connectionId);
      });
      const client = await raw.connect(server);
      client.write('x');
      assert.equal(String(await readAll(client)), 'goodbye', how);
      await raw.event(server, 'close');
    }
  });

  it('a reset is an error with its code, then close', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    client.resetAndDestroy();
    await raw.event(server, 'close');
    assert.deepEqual(types(server), ['connect', 'error', 'close']);
    assert.equal(server.events[1].code, 'ECONNRESET');
    assert.equal(server.send(id, 'x'), false);
  });

  it('a reset with much to send is one error, then close', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    server.pause(id);
    for (let i = 0; i < 64; i++) server.send(id, Buffer.alloc(MIB / 4));
    await once(client, 'readable');
    client.resetAndDestroy();
    await raw.event(server, 'close');
    assert.deepEqual(types(server), ['connect', 'error', 'close']);
    assert.match(server.events[1].code, /^(ECONNRESET|EPIPE)$/);
  });

  it('refuses what is for a connection that is not there', async () => {
    const server = await raw.start();
    const { client, id } = await raw.pair(server);
    for (const other of [0, -1, 1.5, NaN, Infinity, id + 1, id + 2 ** 24, 2 ** 53]) {
      assert.equal(server.send(other, 'x'), false);
      assert.equal(server.sendAndClose(other, 'x'), false);
      assert.equal(server.closeConnection(other), false);
      assert.equal(server.pause(other), false);
      assert.equal(server.resume(other), false);
    }
    assert.equal(server.closeConnection(id), true);
    assert.equal(server.send(id, 'x'), false);
    assert.equal(server.pause(id), false);
    assert.equal((await readAll(client)).length, 0);
    await raw.event(server, 'close');
    assert.equal(server.send(id, 'x'), false);
    assert.equal(new UringTcpServer().send(id, 'x'), false);
  });

  it('pause() stops receiving and resume() loses nothing', async () => {
    const server = await raw.start({ bufferSize: 4096, bufferCount: 16 });
    const { client, id } = await raw.pair(server);
    assert.equal(server.pause(id), true);
    const received = () => {
      return server.events.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
    };
    const bytes = new RandomStream(5).bytes(24 * MIB);
    client.end(bytes);
    const held = await settled(received);
    assert.ok(held < bytes.length, `${held} bytes came although paused`);
    assert.equal(server.resume(id), true);
    await raw.event(server, 'end');
    const chunks = server.events.filter(({ eventType }) => eventType === 'data');
    assert.ok(bytes.equals(Buffer.concat(chunks.map(({ data }) => data))));
    server.closeConnection(id);
  });

  it('closes who is idle, and refuses who is too many', async () => {
    const idle = await raw.start({ idleTimeoutMs: 50 });
    await closed((await raw.connect(idle)).resume());
    await raw.event(idle, 'close');
    assert.deepEqual(types(idle), ['connect', 'close']);
    assert.equal(idle.info().idleTimeouts, 1);

    const server = await raw.start({ maxConnections: 2 });
    const { client, id } = await raw.pair(server);
    await raw.pair(server);
    await closed((await raw.connect(server)).resume());
    assert.equal(types(server).filter((type) => type === 'connect').length, 2);
    assert.equal(server.send(id, 'x'), true);
    await readBytes(client, 1);
  });
});

describe('UringTcpServer: refused sends', function () {
  limit(this, 30);
  const raw = useRaw();

  /** Sends numbered pieces until one is refused: @returns {number} how many were taken */
  function sendUntilRefused(server, id, seed, from) {
    const stream = new RandomStream(seed);
    let position = from;
    while (server.send(id, stream.slice(position, 65536))) position += 65536;
    return position;
  }

  it('take nothing, and are followed by one drain each time', async () => {
    const server = await raw.start({ sendQueueCapacity: 8 });
    const { client, id } = await raw.pair(server);
    const check = new RandomCheck(9);
    const drains = () => types(server).filter((type) => type === 'drain').length;
    client.pause();
    client.on('data', (chunk) => check.push(chunk));
    client.pause();
    let sent = 0;
    for (let round = 1; round <= 3; round++) {
      await eventually(() => {
        // What the kernel takes makes room again, until nothing is left to take it.
        sent = sendUntilRefused(server, id, 9, sent);
        return sent > round * 8 * 65536;
      }, 'a refusal');
      client.resume();
      await eventually(() => check.position === sent, 'everything that was taken');
      await eventually(() => drains() >= 1, 'drain');
      client.pause();
    }
    const told = await settled(drains);
    assert.equal(server.send(id, new RandomStream(9).slice(sent, 10)), true);
    client.resume();
    await eventually(() => check.position === sent + 10, 'what was sent after it');
    assert.equal(drains(), told);
    assert.ok(server.info().sendRefusals >= 3);
  });

  it('by a full command queue are followed by drain too', async () => {
    const total = 2 * MIB;
    const stream = new RandomStream(4);
    const check = new RandomCheck(4);
    let sent = 0;
    const more = (server, id) => {
      while (sent < total && server.send(id, stream.slice(sent, 512))) sent += 512;
    };
    const options = { commandQueueCapacity: 16, sendQueueCapacity: 100000 };
    const server = await raw.start(options, ({ eventType, connectionId }, self) => {
      if (eventType === 'drain') more(self, connectionId);
    });
    const { client, id } = await raw.pair(server);
    client.on('data', (chunk) => check.push(chunk));
    more(server, id);
    await eventually(() => check.position === total, 'everything');
    assert.equal(sent, total);
  });

  it('are not followed by drain when a handler of another drain has closed the connection', async () => {
    const closing = new Set();
    const ids = [];
    // One queue for all on io_uring, one for each connection on node:net: both refuse.
    const options = { commandQueueCapacity: 16, sendQueueCapacity: 16 };
    const ends = [
      (server, id) => server.closeConnection(id),
      (server, id) => server.sendAndClose(id, 'bye'),
    ];
    const server = await raw.start(options, ({ eventType, connectionId }, self) => {
      if (eventType !== 'drain') return;
      assert.ok(!closing.has(connectionId), 'drain of a connection that is closing');
      ids.forEach((id, i) => {
        if (id !== connectionId && ends[i % 2](self, id)) closing.add(id);
      });
    });
    for (let i = 0; i < 6; i++) ids.push((await raw.pair(server)).id);
    for (const id of ids) while (server.send(id, 'x'));
    await eventually(() => closing.size >= 5, 'connections that are being closed');
    await settled(() => server.events.length);
  });
});
