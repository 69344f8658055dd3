'use strict';

const assert = require('node:assert/strict');
const { expectedBackend } = require('./helpers/backend');
const { closed, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { seconds } = require('./helpers/scale');

/** Waits without letting this thread do anything else: the worker goes on by itself. */
function blockUntil(condition, what) {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const deadline = Date.now() + seconds(10);
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never came true: ${what}`);
    Atomics.wait(pause, 0, 0, 1);
  }
}

describe('counters', () => {
  const network = useNetwork();

  /** So many clients of a server, all of them accepted. */
  async function connected(server, count) {
    const clients = await Promise.all(Array.from({ length: count }, () => network.connect(server)));
    await eventually(() => server.info().connectionsActive === count, `${count} connections`);
    return clients;
  }

  /** Some counters by name. */
  function read(server, ...names) {
    const info = server.info();
    return names.map((name) => info[name]);
  }

  it('connectionsAccepted, connectionsActive and connectionsClosed', async () => {
    const names = ['connectionsAccepted', 'connectionsActive', 'connectionsClosed'];
    const server = await network.listen({}, (connection) => connection.resume());
    assert.deepEqual(read(server, ...names), [0, 0, 0]);
    const clients = await connected(server, 3);
    assert.deepEqual(read(server, ...names), [3, 3, 0]);
    clients[0].end();
    await eventually(() => server.info().connectionsClosed === 1, 'one closed');
    assert.deepEqual(read(server, ...names), [3, 2, 1]);
  });

  it('connectionsRejected', async () => {
    const server = await network.listen({ maxConnections: 1 });
    await connected(server, 1);
    for (const expected of [1, 2]) {
      const refused = await network.connect(server);
      await closed(refused.resume());
      assert.equal(server.info().connectionsRejected, expected);
    }
  });

  it('bytesReceived and bytesSent', async () => {
    const { server, client, connection } = await network.pair({});
    client.write(Buffer.alloc(1234));
    await readBytes(connection, 1234);
    await new Promise((resolve) => connection.write(Buffer.alloc(567), resolve));
    assert.deepEqual(read(server, 'bytesReceived', 'bytesSent'), [1234, 567]);
  });

  it('idleTimeouts', async () => {
    const server = await network.listen({ idleTimeoutMs: 100 }, (connection) =>
      connection.resume(),
    );
    const clients = [await network.connect(server), await network.connect(server)];
    await Promise.all(clients.map((client) => closed(client.resume())));
    await eventually(() => server.info().connectionsActive === 0, 'no connection');
    assert.equal(server.info().idleTimeouts, 2);
  });

  if (expectedBackend === 'net') return; // the others are of the ring and its queues

  /** Several tests let this thread stand still while the transport goes on. */
  const driver = 'worker';

  it('slotsInUse and buffersInUse', async () => {
    const server = await network.listen({ driver }, (connection) => connection.resume());
    const clients = await connected(server, 5);
    assert.deepEqual(read(server, 'slotsInUse', 'buffersInUse'), [5, 0]);
    for (const client of clients) client.write('data');
    await new Promise(setImmediate); // node:net connects and writes in this thread
    blockUntil(() => server.info().bytesReceived === 20, 'all received');
    for (const client of clients) client.destroy();
    await nothingLeft(server);
  });

  it('buffersInUse: received and not yet taken', async () => {
    const server = await network.listen({ driver }, (connection) => connection.resume());
    const clients = await connected(server, 5);
    for (const client of clients) client.write('data'); // reaches the kernel at once
    blockUntil(() => server.info().bytesReceived === 20, 'all received');
    assert.equal(server.info().buffersInUse, 5);
    await eventually(() => server.info().buffersInUse === 0, 'all given back');
  });

  it('bufferStarvations: one for each connection without a buffer', async () => {
    const server = await network.listen({ driver, bufferCount: 1 }, (connection) =>
      connection.resume(),
    );
    const clients = await connected(server, 3);
    for (const client of clients) client.write('data');
    blockUntil(() => server.info().bufferStarvations >= 2, 'two starved');
    const [starved, bytes] = read(server, 'bufferStarvations', 'bytesReceived');
    // 6.1 asks for another buffer for the connection that has the only one.
    assert.ok(starved === 2 || starved === 3);
    assert.equal(bytes, 4);
    await eventually(() => server.info().bytesReceived === 12, 'the others, later');
  });

  it('eventStalls: once for the time that the event queue is full', async () => {
    const server = await network.listen({ driver, eventQueueCapacity: 16 }, (connection) =>
      connection.resume(),
    );
    const clients = await connected(server, 40);
    const before = server.info().eventStalls;
    for (const client of clients) client.write('data');
    blockUntil(() => server.info().eventStalls > before, 'a stall');
    assert.equal(server.info().eventStalls, before + 1);
    await eventually(() => server.info().bytesReceived === 160, 'everything');
  });

  it('commandRefusals: once for the time that the command queue is full', async () => {
    const connections = [];
    const server = await network.listen({ commandQueueCapacity: 16 }, (connection) =>
      connections.push(connection),
    );
    const clients = await connected(server, 40);
    await eventually(() => connections.length === 40, 'all announced');
    assert.equal(server.info().commandRefusals, 0);
    for (const connection of connections) connection.end('data');
    const received = await Promise.all(clients.map((client) => readBytes(client, 4)));
    assert.equal(Buffer.concat(received).toString(), 'data'.repeat(40));
    assert.ok(server.info().commandRefusals >= 1);
  });

  it('cqOverflows: the kernel had to keep completions', async () => {
    const options = { driver, queueDepth: 8, eventQueueCapacity: 16 };
    const server = await network.listen(options, (connection) => connection.resume());
    assert.deepEqual(read(server, 'sqEntries', 'cqEntries'), [8, 64]);
    const clients = await connected(server, 200);
    const before = server.info().eventStalls;
    for (const client of clients) client.write('first');
    blockUntil(() => server.info().eventStalls > before, 'a stall');
    await eventually(() => server.info().bytesReceived === 1000, 'everything');
    assert.ok(server.info().cqOverflows > 0);
  });

  it('multishotRearms: a receive that the kernel ended was started again', async () => {
    // A multishot that meets a full completion queue ends.
    const server = await network.listen({ queueDepth: 8, eventQueueCapacity: 16 }, (connection) =>
      connection.resume(),
    );
    const clients = await connected(server, 200);
    for (const client of clients) client.write('first');
    await eventually(() => server.info().bytesReceived === 1000, 'everything');
    assert.ok(server.info().multishotRearms > 0);
  });

  it('enters, passes, doorbells, wakeups and batches: few when nothing happens', async () => {
    const names = ['enters', 'passes', 'doorbells', 'wakeups', 'batches'];
    const { server, client, connection } = await network.pair({ driver });
    connection.resume();
    const settledAt = async () => {
      let last = read(server, ...names);
      let same = 0;
      await eventually(() => {
        const now = read(server, ...names);
        same = now.every((value, i) => value === last[i]) ? same + 1 : 0;
        last = now;
        return same > 10; // a busy machine may not have let the worker sleep yet
      }, 'a server at rest');
      return last;
    };
    const since = async (before) => (await settledAt()).map((n, i) => n - before[i]);

    let before = await settledAt();
    const long = 64 * 1024;
    connection.write(Buffer.alloc(long)); // the worker sleeps: it is woken, sends, and says so
    await readBytes(client, long);
    await eventually(() => server.info().batches > before[4], 'the batch that says "sent"');
    const [enters, passes, doorbells, wakeups, batches] = await since(before);
    assert.deepEqual([doorbells, wakeups, batches], [1, 1, 1]);
    assert.ok(enters >= 2 && enters <= 6, `${enters} enters`);
    assert.equal(passes, enters);

    before = await settledAt();
    connection.write('ping'); // short: this thread sends it, and lets the worker sleep
    await readBytes(client, 4);
    assert.deepEqual(await since(before), [0, 0, 0, 0, 0]);
    assert.equal(server.info().directSends, 1);

    before = await settledAt();
    client.write('pong'); // wakes the worker by itself, which rings
    await eventually(() => connection.bytesRead === 4, 'the data');
    const [, , rung, , called] = await since(before);
    assert.deepEqual([rung, called], [1, 1]);
  });

  it('bufferCount, bufferSize and queueDepth are what was asked for, rounded up', async () => {
    const server = await network.listen({ bufferCount: 100, bufferSize: 999, queueDepth: 100 });
    const names = ['bufferCount', 'bufferSize', 'sqEntries'];
    assert.deepEqual(read(server, ...names), [128, 999, 128]);
  });

  it('eventBatchSize bounds the events of a batch', async () => {
    const server = await network.listen({ eventBatchSize: 1 }, (connection) => connection.resume());
    const clients = await connected(server, 10);
    await eventually(() => server.info().batches >= 10, 'a batch for each');
    const before = server.info().batches;
    for (const client of clients) client.write('data');
    await eventually(() => server.info().bytesReceived === 40, 'everything');
    await eventually(() => server.info().buffersInUse === 0, 'all taken');
    assert.equal(server.info().batches - before, 10);
  });
});
