'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { readAll, readBytes } = require('../helpers/clients');
const { settled } = require('../helpers/eventually');
const { useWorld } = require('../helpers/parity');
const { MIB } = require('../helpers/scale');

describe('backpressure when writing', () => {
  const world = useWorld();

  it("write() returns false for what the peer does not take; 'drain' comes when it has", async () => {
    const { client, connection } = await world.pair();
    assert.equal(connection.write(Buffer.alloc(16 * MIB)), false);
    assert.equal(connection.writableNeedDrain, true);
    assert.ok(connection.writableLength > 0);
    assert.equal(connection.bufferSize, connection.writableLength);
    const drained = once(connection, 'drain');
    client.resume();
    await drained;
    assert.equal(connection.writableLength, 0);
    assert.equal(connection.bufferSize, 0);
    assert.equal(connection.writableNeedDrain, false);
  });

  it("no 'drain' without a write() that returned false", async () => {
    const { client, connection } = await world.pair();
    connection.on('drain', () => assert.fail('drain'));
    for (let i = 0; i < 10; i++) {
      assert.equal(connection.write('little'), true);
      await readBytes(client, 6);
    }
  });

  it("'drain' comes once for many writes that returned false", async () => {
    const { client, connection } = await world.pair();
    let drains = 0;
    connection.on('drain', () => drains++);
    for (let i = 0; i < 16; i++) connection.write(Buffer.alloc(MIB));
    await readBytes(client, 16 * MIB);
    if (drains === 0) await once(connection, 'drain');
    assert.equal(drains, 1);
  });

  it('a writer that heeds it gets everything across, in order', async () => {
    const { client, connection } = await world.pair();
    const received = readAll(client);
    const sent = [];
    for (let i = 0; i < 200; i++) {
      const chunk = Buffer.alloc(50000, i);
      sent.push(chunk);
      if (!connection.write(chunk)) await once(connection, 'drain');
    }
    connection.end();
    assert.ok(Buffer.concat(sent).equals(await received));
  });

  it('end() delivers what still waits', async () => {
    const { client, connection } = await world.pair();
    connection.write(Buffer.alloc(8 * MIB));
    connection.end(Buffer.alloc(8 * MIB));
    assert.equal(connection.writableFinished, false);
    const finished = once(connection, 'finish');
    assert.equal((await readAll(client)).length, 16 * MIB);
    await finished;
    assert.equal(connection.writableFinished, true);
  });
});

describe('backpressure when reading', () => {
  const world = useWorld();

  for (const [what, options] of [
    ['that nobody reads', {}],
    ['that is paused', { pauseOnConnect: true }],
  ]) {
    it(`stops the peer of a connection ${what}, and loses nothing`, async () => {
      const { client, connection } = await world.pair(options);
      const bytes = 32 * MIB;
      client.end(Buffer.alloc(bytes));
      await settled(() => connection.bytesRead, 20);
      assert.ok(connection.bytesRead < bytes / 2);
      assert.ok(client.writableLength > 0);
      connection.resume();
      let received = 0;
      connection.on('data', (chunk) => {
        received += chunk.length;
      });
      await once(connection, 'end');
      assert.equal(received, bytes);
    });
  }
});
