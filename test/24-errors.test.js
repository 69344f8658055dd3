'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { closed, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { MIB, limit } = require('./helpers/scale');

const BROKEN = ['ECONNRESET', 'EPIPE'];

/** Records the order of a connection's last events. */
function record(connection) {
  const order = [];
  connection.on('end', () => order.push('end'));
  connection.on('finish', () => order.push('finish'));
  connection.on('error', (error) => order.push(`error ${error.code ?? error.message}`));
  const gone = closed(connection).then((hadError) => order.push(`close ${hadError}`));
  return { order, gone };
}

describe('destroy()', function () {
  limit(this, 20);
  const network = useNetwork();

  it("brings 'close' alone, once, and not before it has returned", async () => {
    const { client, connection } = await network.pair();
    const { order, gone } = record(connection);
    const left = closed(client); // it may be gone first
    client.resume();
    assert.equal(connection.destroy(), connection);
    assert.equal(connection.destroyed, true);
    assert.deepEqual(order, []);
    connection.destroy();
    await gone;
    await left;
    assert.deepEqual(order, ['close false']);
  });

  it("with an error brings 'error', then 'close' with hadError", async () => {
    const { connection } = await network.pair();
    const { order, gone } = record(connection);
    connection.destroy(new Error('mine'));
    connection.destroy(new Error('not mine'));
    await gone;
    assert.deepEqual(order, ['error mine', 'close true']);
    assert.equal(connection.errored.message, 'mine');
  });

  it('in the data handler ends the data', async () => {
    const { client, connection } = await network.pair();
    let chunks = 0;
    connection.on('data', () => {
      chunks++;
      connection.destroy();
    });
    const { order, gone } = record(connection);
    client.write(Buffer.alloc(4 * MIB));
    await gone;
    assert.equal(chunks, 1);
    assert.deepEqual(order, ['close false']);
  });

  it('calls back writes that are still pending, each once', async () => {
    const { connection } = await network.pair();
    const called = [];
    connection.write(Buffer.alloc(32 * MIB), () => called.push('first'));
    connection.write(Buffer.alloc(1000), (error) => called.push(error.code));
    connection.write(Buffer.alloc(1000), (error) => called.push(error.code));
    // The writes of one turn may be one send; let it be under way.
    await new Promise(setImmediate);
    const { gone } = record(connection);
    connection.destroy();
    await gone;
    await new Promise(setImmediate);
    assert.equal(called.length, 3);
    assert.deepEqual(called.filter((what) => what !== 'first').length, 2);
  });
});

describe('writing to what is closed', function () {
  limit(this, 20);
  const network = useNetwork();

  it('after end(): ERR_STREAM_WRITE_AFTER_END', async () => {
    const { connection } = await network.pair();
    const { order, gone } = record(connection);
    connection.end();
    const error = await new Promise((resolve) => connection.write('x', resolve));
    assert.equal(error.code, 'ERR_STREAM_WRITE_AFTER_END');
    await gone;
    assert.deepEqual(
      order.filter((what) => what !== 'finish'),
      ['error ERR_STREAM_WRITE_AFTER_END', 'close true'],
    );
  });

  it("after destroy(): the callback has ERR_STREAM_DESTROYED, and no 'error' comes", async () => {
    const { connection } = await network.pair();
    const { order, gone } = record(connection);
    connection.destroy();
    const error = await new Promise((resolve) => {
      assert.equal(connection.write('x', resolve), false);
    });
    assert.equal(error.code, 'ERR_STREAM_DESTROYED');
    await gone;
    assert.deepEqual(order, ['close false']);
  });

  it("after 'close': the same", async () => {
    const { client, connection } = await network.pair();
    const { order, gone } = record(connection);
    connection.resume();
    client.end();
    await gone;
    const error = await new Promise((resolve) => connection.write('x', resolve));
    assert.ok(['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(error.code));
    assert.equal(order.filter((what) => what.startsWith('close')).length, 1);
  });

  it('methods of a closed connection do not throw', async () => {
    const { connection } = await network.pair();
    const gone = closed(connection);
    connection.destroy();
    await gone;
    connection.setNoDelay().setKeepAlive(true, 1000).setTimeout(10).ref().unref();
    connection.pause().resume();
    connection.end();
    connection.destroy();
    assert.equal(connection.readyState, 'closed');
  });
});

describe('a reset by the client', function () {
  limit(this, 20);
  const network = useNetwork();

  it("is 'error' ECONNRESET as Node describes it, then 'close' with hadError", async () => {
    const { client, connection } = await network.pair();
    const { order, gone } = record(connection);
    connection.resume();
    const failed = once(connection, 'error');
    client.resetAndDestroy();
    const [reason] = await failed;
    await gone;
    assert.deepEqual(order, ['error ECONNRESET', 'close true']);
    assert.equal(reason.syscall, 'read');
    assert.equal(reason.errno, -104);
    assert.equal(reason.message, 'read ECONNRESET');
  });

  it('ends the connection also right behind the last bytes', async () => {
    const server = await network.listen({}, (connection) => {
      const { order, gone } = record(connection);
      connection.on('data', (chunk) => order.push(`data ${chunk}`));
      seen.push(gone.then(() => order));
    });
    const seen = [];
    const clients = await Promise.all(Array.from({ length: 20 }, () => network.connect(server)));
    await eventually(() => seen.length === clients.length, 'all connections');
    for (const client of clients) {
      client.write('last');
      client.resetAndDestroy();
    }
    for (const order of await Promise.all(seen)) {
      assert.equal(order[0], 'data last');
      assert.match(order.at(-1), /^close/); // libuv may take the reset for an end
    }
    await nothingLeft(server);
  });

  it('calls back a write that is waiting, once', async () => {
    const { client, connection } = await network.pair();
    const { order, gone } = record(connection);
    let calls = 0;
    connection.write(Buffer.alloc(32 * MIB), () => calls++);
    await readBytes(client, 100);
    client.resetAndDestroy();
    await gone;
    assert.equal(calls, 1);
    assert.ok(BROKEN.includes(connection.errored.code), connection.errored.code);
    assert.deepEqual(order, [`error ${connection.errored.code}`, 'close true']);
  });

  it('fails later writes with ECONNRESET or EPIPE, also those of a paused connection', async () => {
    const { client, connection } = await network.pair();
    const { order, gone } = record(connection);
    connection.pause();
    const reset = closed(client);
    client.resetAndDestroy();
    await reset;
    while (!connection.destroyed) {
      await new Promise((resolve) => connection.write(Buffer.alloc(1000), resolve));
    }
    await gone;
    assert.ok(BROKEN.includes(connection.errored.code), connection.errored.code);
    assert.deepEqual(order, [`error ${connection.errored.code}`, 'close true']);
  });

  it('without an error listener is an uncaught exception of that server only', async () => {
    const { client, connection } = await network.pair();
    const listeners = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    try {
      const thrown = once(process, 'uncaughtException');
      connection.resume();
      client.resetAndDestroy();
      const [error] = await thrown;
      assert.equal(error.code, 'ECONNRESET');
    } finally {
      for (const listener of listeners) {
        process.on('uncaughtException', listener);
      }
    }
  });
});

describe('resetAndDestroy()', function () {
  limit(this, 20);
  const network = useNetwork();

  it('resets the client', async () => {
    const { client, connection } = await network.pair();
    const { order, gone } = record(connection);
    const failed = new Promise((resolve) => client.once('error', resolve));
    assert.equal(connection.resetAndDestroy(), connection);
    assert.equal((await failed).code, 'ECONNRESET');
    await gone;
    assert.deepEqual(order, ['close false']);
  });

  it('throws away what is unsent', async () => {
    const { client, connection } = await network.pair();
    connection.write(Buffer.alloc(32 * MIB));
    client.write(Buffer.alloc(1000));
    const gone = Promise.all([closed(client), closed(connection)]);
    await once(connection, 'readable');
    connection.resetAndDestroy();
    client.resume();
    await gone;
    assert.ok(client.bytesRead < 32 * MIB);
  });
});
