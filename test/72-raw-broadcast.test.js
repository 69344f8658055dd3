'use strict';

const assert = require('node:assert/strict');
const { expectedBackend } = require('./helpers/backend');
const { readAll, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { runProgram } = require('./helpers/programs');
const { useRaw } = require('./helpers/raw');
const { RandomCheck, RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe('UringTcpServer: broadcast', function () {
  limit(this, 30);
  const raw = useRaw();

  async function pairs(server, count) {
    const made = [];
    for (let i = 0; i < count; i++) made.push(await raw.pair(server));
    return made;
  }

  it('reaches everybody, or those named', async () => {
    const server = await raw.start();
    const made = await pairs(server, 40);
    assert.equal(server.broadcast('all', 'everybody '), 40);
    const even = made.filter((_one, i) => i % 2 === 0).map(({ id }) => id);
    assert.equal(server.broadcast(even, Buffer.from('even ')), 20);
    assert.equal(server.broadcast([], 'nobody '), 0);
    assert.equal(server.broadcast('all', 'end'), 40);
    for (const [i, { client }] of made.entries()) {
      const expected = i % 2 === 0 ? 'everybody even end' : 'everybody end';
      assert.equal(String(await readBytes(client, expected.length)), expected);
    }
  });

  it('keeps its place among the sends of a connection', async () => {
    const server = await raw.start();
    const made = await pairs(server, 5);
    const bytes = new RandomStream(8).bytes(MIB);
    const all = made.map(({ client }) => readAll(client));
    for (const { id } of made) server.send(id, 'before ');
    assert.equal(server.broadcast('all', bytes), 5);
    for (const { id } of made) server.sendAndClose(id, ' after');
    const expected = Buffer.concat([Buffer.from('before '), bytes, Buffer.from(' after')]);
    for (const received of await Promise.all(all)) assert.ok(expected.equals(received));
  });

  it('a small Buffer may be changed at once', async () => {
    const server = await raw.start();
    const made = await pairs(server, 3);
    const bytes = Buffer.alloc(65536, 'a');
    assert.equal(server.broadcast('all', bytes), 3);
    bytes.fill('b');
    for (const { client } of made) {
      assert.ok((await readBytes(client, 65536)).equals(Buffer.alloc(65536, 'a')));
    }
  });

  it('passes over who is gone or is being closed', async () => {
    const server = await raw.start();
    const [gone, closing, there] = await pairs(server, 3);
    gone.client.destroy();
    await raw.event(server, 'end');
    server.closeConnection(gone.id);
    await raw.event(server, 'close');
    server.sendAndClose(closing.id, 'bye');
    assert.equal(server.broadcast('all', 'x'), 1);
    assert.equal(server.broadcast([gone.id, closing.id, there.id, 0, -7, 1e15], 'y'), 1);
    assert.equal(String(await readBytes(there.client, 2)), 'xy');
    assert.equal(String(await readAll(closing.client)), 'bye');
  });

  it('who does not read misses later ones, is told when there is room, and delays nobody', async () => {
    const server = await raw.start({ sendQueueCapacity: 4 });
    const [slow, fast] = await pairs(server, 2);
    const stream = new RandomStream(11);
    const received = new RandomCheck(11);
    const caughtUp = new RandomCheck(11);
    slow.client.pause();
    fast.client.on('data', (chunk) => received.push(chunk));
    let sent = 0;
    let taken = 2;
    while (taken === 2) {
      taken = server.broadcast('all', stream.slice(sent, MIB));
      sent += MIB;
      await eventually(() => received.position === sent, 'the fast one to have it');
    }
    assert.equal(taken, 1);
    slow.client.on('data', (chunk) => caughtUp.push(chunk));
    slow.client.resume();
    await raw.event(server, 'drain', ({ connectionId }) => connectionId === slow.id);
    assert.equal(server.send(slow.id, stream.slice(sent - MIB, MIB)), true);
    await eventually(() => caughtUp.position === sent, 'the slow one to have caught up');
    assert.ok(server.events.every((event) => event.eventType !== 'drain' || event.id !== fast.id));
  });

  it('goes as far as a tiny command queue allows, and tells the others', async () => {
    const server = await raw.start({ commandQueueCapacity: 16 });
    const made = await pairs(server, 100);
    const missing = new Set(made.map(({ id }) => id));
    const refused = new Set();
    const taken = server.broadcast([...missing], 'x');
    assert.ok(taken === 100 || server.info().sendRefusals === 100 - taken);
    for (const { id } of made.slice(taken)) refused.add(id);
    for (const { id } of made.slice(0, taken)) missing.delete(id);
    await eventually(() => {
      for (const { eventType, connectionId } of server.events.splice(0)) {
        if (eventType === 'drain') {
          assert.ok(refused.has(connectionId));
          if (missing.has(connectionId) && server.send(connectionId, 'x')) {
            missing.delete(connectionId);
          }
        }
      }
      return missing.size === 0;
    }, 'everybody to have it');
    for (const { client } of made) assert.equal(String(await readBytes(client, 1)), 'x');
  });

  it('holds the memory until the last has it, and no longer', async () => {
    const { code, stderr, lines } = await runProgram('raw-memory', { clients: 4 });
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    assert.deepEqual(lines, [
      { taken: 4, heldWhileSlow: expectedBackend === 'io_uring', collected: true },
    ]);
  });
});
