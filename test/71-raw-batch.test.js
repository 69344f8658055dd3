'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { connect, readAll, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { useRaw } = require('./helpers/raw');
const { RandomCheck, RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe('UringTcpServer: batches', function () {
  limit(this, 20);
  const raw = useRaw();

  async function pairs(server, count, options) {
    const made = [];
    for (let i = 0; i < count; i++) made.push(await raw.pair(server, options));
    return made;
  }

  it('startBatch() gives arrays of at most eventBatchSize events', async () => {
    const sizes = [];
    const server = await raw.startBatch({ eventBatchSize: 4 }, (events, self) => {
      assert.ok(Array.isArray(events));
      sizes.push(events.length);
      for (const { eventType, connectionId, data } of events) {
        if (eventType === 'data') self.send(connectionId, data);
        if (eventType === 'end') self.closeConnection(connectionId);
      }
    });
    const clients = await Promise.all(Array.from({ length: 30 }, () => raw.connect(server)));
    const echoed = clients.map(readAll);
    for (const [i, client] of clients.entries()) client.end(`client ${i}`);
    const texts = (await Promise.all(echoed)).map(String);
    assert.deepEqual(
      texts,
      clients.map((_client, i) => `client ${i}`),
    );
    assert.ok(sizes.every((size) => size >= 1 && size <= 4));
    await server.stop();
    assert.equal(server.events.filter(({ eventType }) => eventType === 'close').length, 30);
  });

  it('sendBatch() sends to many at once, in order', async () => {
    const server = await raw.start();
    const made = await pairs(server, 10);
    const entries = [];
    for (let n = 0; n < 20; n++) {
      for (const { id } of made) entries.push({ connectionId: id, data: `${n},` });
    }
    entries.push({ connectionId: made[0].id, data: Buffer.alloc(MIB, 'x') });
    assert.equal(server.sendBatch(entries), true);
    assert.equal(server.sendBatch([]), true);
    const expected = Array.from({ length: 20 }, (_none, n) => `${n},`).join('');
    for (const { client } of made) {
      assert.equal(
        String(await readBytes(client, expected.length)).slice(0, expected.length),
        expected,
      );
    }
  });

  it('sendBatchAndClose() closes each when it has everything', async () => {
    const server = await raw.start();
    const made = await pairs(server, 5);
    const bytes = new RandomStream(2).bytes(MIB);
    const all = made.map(({ client }) => readAll(client));
    const entries = made.flatMap(({ id }) => [
      { connectionId: id, data: 'first ' },
      { connectionId: id, data: bytes },
    ]);
    assert.equal(server.sendBatchAndClose(entries), true);
    const expected = Buffer.concat([Buffer.from('first '), bytes]);
    for (const received of await Promise.all(all)) assert.ok(expected.equals(received));
    await eventually(() => server.info().connectionsActive === 0, 'closed connections');
    assert.equal(server.sendBatchAndClose(entries), false);
  });

  it('passes over connections that are gone', async () => {
    const server = await raw.start();
    const [gone, there] = await pairs(server, 2);
    gone.client.destroy();
    await raw.event(server, 'end', ({ connectionId }) => connectionId === gone.id);
    server.closeConnection(gone.id);
    const entries = [gone, there].map(({ id }) => ({ connectionId: id, data: 'x' }));
    assert.equal(server.sendBatch(entries), true);
    await readBytes(there.client, 1);
    assert.equal(server.sendBatch(entries.slice(0, 1)), false);
  });

  it('takes all or nothing', async () => {
    const server = await raw.start({ sendQueueCapacity: 4 });
    const [full, other] = await pairs(server, 2);
    const stream = new RandomStream(6);
    const check = new RandomCheck(6);
    full.client.pause();
    let sent = 0;
    await eventually(() => {
      while (server.send(full.id, stream.slice(sent, MIB))) sent += MIB;
      return sent >= 12 * MIB || server.events.every(({ eventType }) => eventType !== 'drain');
    }, 'a refusal');
    const entries = [other, full].map(({ id }) => ({ connectionId: id, data: 'lost' }));
    while (server.sendBatch(entries)) assert.fail('it had room');
    assert.equal(server.send(other.id, 'first'), true);
    assert.equal(String(await readBytes(other.client, 5)), 'first');
    full.client.on('data', (chunk) => check.push(chunk));
    full.client.resume();
    await raw.event(server, 'drain', ({ connectionId }) => connectionId === full.id);
    await eventually(() => check.position === sent, 'what was taken');
    const drained = server.events.filter(({ eventType }) => eventType === 'drain');
    assert.ok(drained.every(({ connectionId }) => connectionId === full.id));
  });

  it('throws for more entries than the command queue can ever take', async () => {
    const server = await raw.start({ commandQueueCapacity: 20 });
    const { client, id } = await raw.pair(server);
    const entries = (n) => Array.from({ length: n }, () => ({ connectionId: id, data: 'x' }));
    assert.throws(() => server.sendBatch(entries(33)), { code: 'ERR_OUT_OF_RANGE' });
    assert.throws(() => server.sendBatchAndClose(entries(17)), { code: 'ERR_OUT_OF_RANGE' });
    assert.equal(server.sendBatch(entries(32)), true);
    await readBytes(client, 32);
  });

  it('throws for more entries of one connection than its queue can ever take', async () => {
    const server = await raw.start({ sendQueueCapacity: 4 });
    const [a, b] = await pairs(server, 2);
    const entries = (...ids) => ids.map((connectionId) => ({ connectionId, data: 'x' }));
    const five = entries(a.id, b.id, a.id, a.id, b.id, a.id, a.id);
    const error = { name: 'RangeError', code: 'ERR_OUT_OF_RANGE', message: /sendQueueCapacity/ };
    assert.throws(() => server.sendBatch(five), error);
    assert.throws(() => server.sendBatchAndClose(five), error);
    assert.equal(server.sendBatch(entries(a.id, b.id, a.id, b.id, a.id, b.id, a.id, b.id)), true);
    await readBytes(a.client, 4);
    await readBytes(b.client, 4);
    assert.deepEqual(
      server.events.map(({ eventType }) => eventType),
      ['connect', 'connect'],
    );
  });

  it('tells every close before stop() resolves, whatever the batch size', async () => {
    for (const eventBatchSize of [1, 7, 64]) {
      const server = await raw.startBatch({ eventBatchSize });
      const clients = await Promise.all(
        Array.from({ length: 20 }, () => connect(server.info().port)),
      );
      await eventually(() => server.info().connectionsActive === 20, 'twenty connections');
      const cut = clients.map((client) => once(client.resume(), 'close'));
      await server.stop();
      assert.equal(server.events.filter(({ eventType }) => eventType === 'close').length, 20);
      await Promise.all(cut);
    }
  });
});
