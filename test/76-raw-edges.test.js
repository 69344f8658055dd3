'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { UringTcpServer } = require('..');
const { LOOPBACK, readAll } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { runProgram } = require('./helpers/programs');
const { useNetwork } = require('./helpers/network');
const { memorySlack } = require('./helpers/scale');

describe('writes of no bytes', () => {
  const network = useNetwork();
  let raw;

  afterEach(() => raw?.stop());

  /** A raw server with one silent client: its events and the id of the connection. */
  async function pair(options) {
    const events = [];
    raw = new UringTcpServer(options);
    const { port } = await raw.start((event) => events.push(event));
    const client = net.connect(port, LOOPBACK);
    await eventually(() => events.length > 0, 'a connection');
    return { events, client, id: events[0].connectionId };
  }

  it('do not keep what follows them from leaving at destroy()', async () => {
    const server = await network.listen({});
    server.on('connection', (connection) => {
      connection.write('');
      process.nextTick(() => {
        connection.write('bye');
        connection.destroy();
      });
    });
    for (let i = 0; i < 50; i++) {
      const client = net.connect(server.address().port, LOOPBACK);
      assert.equal((await readAll(client)).toString(), 'bye');
    }
  });

  it('do not keep what follows them from leaving at closeConnection()', async () => {
    const { client, id } = await pair({});
    for (let i = 0; i < 100; i++) assert.equal(raw.send(id, ''), true);
    assert.equal(raw.send(id, 'bye'), true);
    raw.closeConnection(id);
    assert.equal((await readAll(client)).toString(), 'bye');
  });

  it("are drained, and 'drain' follows", async () => {
    const { events, client, id } = await pair({ sendQueueCapacity: 2 });
    const taken = [raw.send(id, ''), raw.send(id, ''), raw.send(id, '')];
    if (taken.includes(false)) {
      await eventually(() => events.some(({ eventType }) => eventType === 'drain'), 'a drain');
    }
    assert.equal(raw.send(id, 'on'), true);
    client.end();
  });
});

describe('a batch that needs more than half of the queue', () => {
  it('is told of room when there is enough for it', async () => {
    const server = new UringTcpServer({ sendQueueCapacity: 8 });
    let id = 0;
    let drains = 0;
    const { port } = await server.start(({ eventType, connectionId }) => {
      if (eventType === 'connect') id = connectionId;
      if (eventType === 'drain') drains++;
    });
    const client = net.connect(port, LOOPBACK);
    client.pause();
    await eventually(() => id !== 0, 'a connection');
    const piece = Buffer.alloc(256 * 1024);
    while (server.send(id, piece)) {}
    const batch = Array.from({ length: 7 }, () => ({ connectionId: id, data: 'x' }));
    assert.equal(server.sendBatch(batch), false);
    client.resume();
    let refused = 0;
    await eventually(() => {
      if (drains === 0) return false;
      if (server.sendBatch(batch)) return true;
      refused++;
      drains = 0;
      return false;
    }, 'the batch taken');
    assert.ok(refused <= 1, `refused ${refused} times after a drain`);
    client.destroy();
    await server.stop();
  });
});

describe('a refused batch', () => {
  it('gives up what it had for a connection that the worker is closing', async () => {
    const { code, signal, stderr } = await runProgram('raw-refused-batch');
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  });
});

describe('broadcasts of long messages alone', () => {
  it('do not grow the process', async () => {
    const { code, lines } = await runProgram('raw-broadcast-memory');
    assert.equal(code, 0);
    const [{ delivered, sent, grown }] = lines;
    assert.equal(delivered, sent);
    assert.ok(grown < sent / 3 + memorySlack, `${grown} bytes more after ${sent} bytes`);
  });
});
