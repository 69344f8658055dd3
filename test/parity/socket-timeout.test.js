'use strict';

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const { closed, readAll } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

/** Long enough for every timer of this file to have run down: other timers, started later, have. */
async function untilTimersRanDown(world) {
  const { connection } = await world.pair();
  connection.setTimeout(40);
  await once(connection, 'timeout');
}

describe('socket.setTimeout()', () => {
  const world = useWorld();

  it("brings 'timeout' to an idle connection, and does not close it", async () => {
    const { client, connection } = await world.pair();
    assert.equal(connection.setTimeout(20), connection);
    assert.equal(connection.timeout, 20);
    const args = await once(connection, 'timeout');
    assert.deepEqual(args, []);
    assert.equal(connection.destroyed, false);
    assert.equal(connection.readyState, 'open');
    connection.end('still here');
    assert.equal(String(await readAll(client)), 'still here');
  });

  it('comes once for one idleness', async () => {
    const { connection } = await world.pair();
    let count = 0;
    connection.on('timeout', () => count++);
    connection.setTimeout(10);
    await once(connection, 'timeout');
    await untilTimersRanDown(world);
    assert.equal(count, 1);
  });

  it('comes again after something was received', async () => {
    const { client, connection } = await world.pair();
    connection.resume();
    connection.setTimeout(10);
    for (let i = 0; i < 3; i++) {
      await once(connection, 'timeout');
      client.write('x');
    }
    await once(connection, 'timeout');
  });

  it('comes again after something was written', async () => {
    const { client, connection } = await world.pair();
    client.resume();
    connection.setTimeout(10);
    for (let i = 0; i < 3; i++) {
      await once(connection, 'timeout');
      connection.write('x');
    }
    await once(connection, 'timeout');
  });

  it("takes a listener for the next 'timeout' only", async () => {
    const { connection } = await world.pair();
    const context = await new Promise((resolve) => {
      connection.setTimeout(10, function () {
        resolve(this);
      });
      assert.equal(connection.listenerCount('timeout'), 1);
    });
    assert.equal(context, connection);
    assert.equal(connection.listenerCount('timeout'), 0);
  });

  it('0 turns it off and takes the listener away', async () => {
    const { connection } = await world.pair();
    const listener = () => assert.fail('timeout');
    connection.setTimeout(10, listener);
    assert.equal(connection.setTimeout(0, listener), connection);
    assert.equal(connection.timeout, 0);
    assert.equal(connection.listenerCount('timeout'), 0);
    connection.on('timeout', listener);
    await untilTimersRanDown(world);
  });

  it('again replaces the time', async () => {
    const { connection } = await world.pair();
    const listener = () => assert.fail('timeout');
    connection.once('timeout', listener);
    connection.setTimeout(10);
    connection.setTimeout(60000);
    assert.equal(connection.timeout, 60000);
    await untilTimersRanDown(world);
    connection.off('timeout', listener);
  });

  it('does not come after destroy()', async () => {
    const { connection } = await world.pair();
    connection.on('timeout', () => assert.fail('timeout'));
    connection.setTimeout(10);
    connection.destroy();
    assert.equal(connection.setTimeout(10), connection);
    await closed(connection);
    await untilTimersRanDown(world);
  });

  it("brings 'timeout' in the asynchronous context of the last call, to later times and to earlier ones", async () => {
    const storage = new AsyncLocalStorage();
    for (const times of [
      [20, 40],
      [60000, 10],
    ]) {
      const { connection } = await world.pair();
      storage.run('first', () => connection.setTimeout(times[0]));
      storage.run('second', () => connection.setTimeout(times[1]));
      const seen = await new Promise((resolve) => {
        connection.once('timeout', () => resolve(storage.getStore()));
      });
      assert.equal(seen, 'second');
    }
  });

  it('may be where the connection is ended or destroyed', async () => {
    const server = await world.listen();
    server.on('connection', (connection) =>
      connection.setTimeout(10, () => connection.end('idle')),
    );
    assert.equal(String(await readAll(await world.connect(server))), 'idle');
    server.removeAllListeners('connection');
    server.on('connection', (connection) => connection.setTimeout(10, () => connection.destroy()));
    assert.equal(String(await readAll(await world.connect(server))), '');
  });

  for (const [args, name, code] of [
    [['10'], 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    [[undefined], 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    [[-1], 'RangeError', 'ERR_OUT_OF_RANGE'],
    [[Number.NaN], 'RangeError', 'ERR_OUT_OF_RANGE'],
    [[Number.POSITIVE_INFINITY], 'RangeError', 'ERR_OUT_OF_RANGE'],
    [[10, 'callback'], 'TypeError', 'ERR_INVALID_ARG_TYPE'],
    [[0, {}], 'TypeError', 'ERR_INVALID_ARG_TYPE'],
  ]) {
    it(`throws ${code} for ${args.map(String).join(', ')}`, async () => {
      const { connection } = await world.pair();
      assert.throws(() => connection.setTimeout(...args), { name, code });
    });
  }
});
