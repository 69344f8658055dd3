'use strict';

const assert = require('node:assert/strict');
const { UringTcpServer } = require('..');
const { connect } = require('./helpers/clients');
const { runLoad } = require('./helpers/load');
const { EventOrder, nothingHeld, rawEcho } = require('./helpers/raw');
const { MIB, full, limit } = require('./helpers/scale');

const CONNECTIONS = full ? 200 : 40;
const BYTES = full ? 4 * MIB : MIB / 4;

const TINY = {
  bufferCount: 4,
  bufferSize: 512,
  eventQueueCapacity: 64,
  commandQueueCapacity: 64,
  sendQueueCapacity: 4,
  eventBatchSize: 8,
};

const CASES = [
  { what: 'the defaults' },
  { what: '4 buffers of 512 bytes', options: { bufferCount: 4, bufferSize: 512 } },
  { what: 'an event queue of 16', options: { eventQueueCapacity: 16 } },
  { what: 'a command queue of 16', options: { commandQueueCapacity: 16 } },
  { what: 'a send queue of 1', options: { sendQueueCapacity: 1 } },
  { what: 'bundles', options: { ...TINY, useRecvBundle: true } },
  { what: 'incremental buffers', options: { ...TINY, useIncrementalBuffers: true } },
  { what: 'zero-copy sends', options: { ...TINY, useZeroCopySend: true, zeroCopySendMin: 1 } },
  { what: 'registered buffers', options: { useRegisteredSendBuffer: true, zeroCopySendMin: 1 } },
  { what: 'everything tiny', options: TINY },
  { what: 'everything tiny, and clients that read now and then', options: TINY, clientNaps: true },
];

async function runCase({ options, clientNaps }, batched) {
  const server = new UringTcpServer(options);
  const echo = rawEcho(server);
  const order = new EventOrder();
  const handle = (event) => {
    order.check(event);
    echo(event);
  };
  const handleAll = (events) => {
    for (const event of events) handle(event);
  };
  const { port } = await (batched ? server.startBatch(handleAll) : server.start(handle));
  try {
    const load = { port, connections: CONNECTIONS, bytes: BYTES, clientNaps };
    assert.deepEqual(await runLoad(load), []);
    await nothingHeld(server);
    const { connectionsAccepted, bytesReceived, bytesSent } = server.info();
    assert.equal(connectionsAccepted, CONNECTIONS);
    assert.equal(bytesReceived, CONNECTIONS * (BYTES + 1));
    assert.equal(bytesSent, bytesReceived);
    assert.equal(order.connections.size, 0);
  } finally {
    await server.stop();
  }
}

describe(`raw integrity: ${CONNECTIONS} connections, ${BYTES / MIB} MiB each`, function () {
  limit(this, full ? 300 : 60);

  for (const one of CASES) {
    it(`event by event: ${one.what}`, () => runCase(one, false));
    it(`in batches: ${one.what}`, () => runCase(one, true));
  }
});

describe('raw lifetimes', function () {
  limit(this, 60);

  /** What clients do, once connected. */
  const WAYS = [
    (client) => client.end('bye'),
    (client) => client.resetAndDestroy(),
    (client) => client.destroy(),
    (client) => client.write('finish'),
    (client) => client.write('close'),
    (client) => {
      client.write(Buffer.alloc(MIB));
      setImmediate(() => client.resetAndDestroy());
    },
  ];

  it('of every kind leave no slot, no buffer, and one close each', async () => {
    const server = new UringTcpServer({ ...TINY, eventQueueCapacity: 16 });
    const order = new EventOrder();
    const finish = (id) => {
      // Others' broadcasts may have filled its queue.
      if (!server.sendAndClose(id, Buffer.alloc(100000))) server.closeConnection(id);
    };
    const { port } = await server.startBatch((events) => {
      for (const event of events) {
        order.check(event);
        const { eventType, connectionId: id, data } = event;
        if (eventType === 'connect') server.send(id, Buffer.alloc(1000));
        else if (eventType === 'end') server.closeConnection(id);
        else if (String(data) === 'finish') finish(id);
        else if (String(data) === 'close') server.closeConnection(id);
        else if (eventType === 'data') server.broadcast('all', data.subarray(0, 100));
      }
    });
    const live = async (i) => {
      const client = await connect(port).catch(() => null);
      if (client === null) return;
      await new Promise((resolve) => {
        client.on('close', resolve).resume();
        WAYS[i % WAYS.length](client);
      });
    };
    const worker = async (first) => {
      for (let i = first; i < 600; i += 20) await live(i);
    };
    await Promise.all(Array.from({ length: 20 }, (_none, i) => worker(i)));
    await nothingHeld(server);
    assert.equal(order.connections.size, 0);
    await server.stop();
  });
});
