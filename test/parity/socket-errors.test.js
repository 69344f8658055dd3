'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { closed, readAll } = require('../helpers/clients');
const { record, useWorld } = require('../helpers/parity');
const { MIB } = require('../helpers/scale');

const EVENTS = ['data', 'end', 'finish', 'error', 'close'];

/** What becomes of a write: the error of its callback, or null. */
function outcome(connection, chunk) {
  return new Promise((resolve) => connection.write(chunk, (err) => resolve(err ?? null)));
}

describe('socket.destroy()', () => {
  const world = useWorld();

  it("closes both directions, with 'close' as the only event", async () => {
    const { client, connection } = await world.pair();
    const seen = record(connection, EVENTS);
    const gone = closed(client.resume());
    assert.equal(connection.destroy(), connection);
    assert.deepEqual(seen, []);
    assert.equal(await closed(connection), false);
    assert.deepEqual(seen, ['close']);
    await gone;
  });

  it("with an error emits it, then 'close' with true", async () => {
    const { connection } = await world.pair();
    const seen = record(connection, EVENTS);
    const mine = new Error('mine');
    const failed = new Promise((resolve) => connection.once('error', resolve));
    connection.destroy(mine);
    assert.equal(connection.errored, mine);
    assert.deepEqual(seen, []);
    assert.equal(await closed(connection), true);
    assert.equal(await failed, mine);
    assert.deepEqual(seen, ['error', 'close']);
  });

  it('twice closes once, with the first error', async () => {
    const { connection } = await world.pair();
    const seen = record(connection, EVENTS);
    const failed = once(connection, 'error');
    connection.destroy(new Error('first'));
    connection.destroy(new Error('second'));
    assert.equal((await failed)[0].message, 'first');
    await closed(connection);
    await new Promise(setImmediate);
    assert.deepEqual(seen, ['error', 'close']);
  });

  it('sends what was written before it', async () => {
    const { client, connection } = await world.pair();
    connection.write('last ');
    connection.write('words');
    connection.destroy();
    assert.equal(String(await readAll(client)), 'last words');
  });

  it('calls back a write that it has sent without an error', async () => {
    const { client, connection } = await world.pair();
    client.resume();
    const done = outcome(connection, 'last words');
    connection.destroy();
    assert.equal(await done, null);
  });

  it('lets no data through any more', async () => {
    const { client, connection } = await world.pair();
    let destroyed = false;
    connection.on('data', () => {
      assert.equal(destroyed, false);
      destroyed = true;
      connection.destroy();
    });
    client.write(Buffer.alloc(4 * MIB));
    assert.equal(await closed(connection), false);
  });

  it('calls back every write that waits, once, those in the queue with an error', async () => {
    const { connection } = await world.pair();
    const calls = [0, 0, 0];
    const errors = [];
    for (let i = 0; i < 3; i++) {
      connection.write(Buffer.alloc(16 * MIB), (err) => {
        calls[i]++;
        errors[i] = err;
      });
    }
    await new Promise(setImmediate);
    assert.deepEqual(calls, [0, 0, 0]);
    connection.destroy();
    await closed(connection);
    await new Promise(setImmediate);
    assert.deepEqual(calls, [1, 1, 1]);
    assert.ok(errors[1] instanceof Error);
    assert.ok(errors[2] instanceof Error);
  });

  it('afterwards a write calls back with ERR_STREAM_DESTROYED, without an event', async () => {
    const { connection } = await world.pair();
    const seen = record(connection, EVENTS);
    const gone = closed(connection);
    connection.destroy();
    assert.equal((await outcome(connection, 'late')).code, 'ERR_STREAM_DESTROYED');
    await gone;
    assert.equal((await outcome(connection, 'later')).code, 'ERR_STREAM_DESTROYED');
    assert.deepEqual(seen, ['close']);
  });

  it("may come in any listener, also that of 'error', 'end' and 'close'", async () => {
    for (const event of ['data', 'end', 'finish', 'close']) {
      const { client, connection } = await world.pair();
      const gone = closed(connection);
      connection.resume().on(event, () => connection.destroy());
      client.end('x');
      await gone;
      assert.equal(connection.destroyed, true, event);
    }
    const { connection } = await world.pair();
    connection.on('error', () => connection.destroy(new Error('another')));
    connection.destroy(new Error('one'));
    assert.equal(await closed(connection), true);
  });
});

describe('a reset by the peer', () => {
  const world = useWorld();

  it("is 'error' ECONNRESET, then 'close' with true", async () => {
    const { client, connection } = await world.pair();
    const seen = record(connection, EVENTS);
    const failed = new Promise((resolve) => connection.once('error', resolve));
    connection.resume();
    client.resetAndDestroy();
    assert.equal(await closed(connection), true);
    const { code, syscall, errno, message } = await failed;
    assert.deepEqual([code, syscall, message], ['ECONNRESET', 'read', 'read ECONNRESET']);
    assert.ok(errno < 0);
    assert.deepEqual(seen, ['error', 'close']);
    assert.equal(connection.destroyed, true);
  });

  it('is not seen by a connection that does not read, until it does', async () => {
    const { client, connection } = await world.pair({ pauseOnConnect: true });
    const gone = closed(client);
    client.resetAndDestroy();
    await gone;
    const seen = record(connection, EVENTS);
    await new Promise(setImmediate);
    assert.deepEqual(seen, []);
    connection.resume();
    assert.equal((await once(connection, 'error'))[0].code, 'ECONNRESET');
  });

  it('gives its error to a write that waits', async () => {
    const { client, connection } = await world.pair();
    const gone = closed(connection);
    const failed = new Promise((resolve) => connection.once('error', resolve));
    const written = outcome(connection, Buffer.alloc(64 * MIB));
    await once(client, 'readable');
    client.resetAndDestroy();
    const { code } = await failed;
    assert.ok(['ECONNRESET', 'EPIPE'].includes(code), code);
    await written;
    assert.equal(await gone, true);
  });
});

describe('socket.resetAndDestroy()', () => {
  const world = useWorld();

  it('resets the peer', async () => {
    const { client, connection } = await world.pair();
    const failed = new Promise((resolve) => client.once('error', resolve));
    const gone = closed(connection);
    assert.equal(connection.resetAndDestroy(), connection);
    assert.equal(connection.destroyed, true);
    assert.equal((await failed).code, 'ECONNRESET');
    await gone;
  });

  it("emits nothing here but 'close', without an error", async () => {
    const { connection } = await world.pair();
    const seen = record(connection, EVENTS);
    connection.resetAndDestroy();
    assert.equal(await closed(connection), false);
    assert.deepEqual(seen, ['close']);
  });

  it('of a destroyed connection does nothing', async () => {
    const { connection } = await world.pair();
    const seen = record(connection, EVENTS);
    connection.destroy();
    await closed(connection);
    assert.equal(connection.resetAndDestroy(), connection);
    await new Promise(setImmediate);
    assert.deepEqual(seen, ['close']);
  });
});

describe('an exception in a listener', () => {
  const world = useWorld();

  for (const event of ['data', 'end']) {
    it(`for '${event}' is uncaught, and harms nobody else`, async () => {
      const { server, client, connection } = await world.pair();
      server.on('connection', (other) => other.pipe(other));
      connection.resume().once(event, () => {
        throw new Error(`from ${event}`);
      });
      const uncaught = nextUncaught();
      client.end('x');
      assert.equal((await uncaught).message, `from ${event}`);
      const other = await world.connect(server);
      other.write('alive');
      assert.equal(String((await once(other, 'data'))[0]), 'alive');
    });
  }
});

/** The next uncaught exception, kept from mocha. */
async function nextUncaught() {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  const err = await new Promise((resolve) => process.once('uncaughtException', resolve));
  for (const listener of listeners) process.on('uncaughtException', listener);
  return err;
}
