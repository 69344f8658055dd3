'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { closed, readAll } = require('../helpers/clients');
const { record, useWorld } = require('../helpers/parity');
const { MIB } = require('../helpers/scale');

const EVENTS = ['data', 'end', 'finish', 'error', 'close'];

describe("'end'", () => {
  const world = useWorld();

  it('comes after all data; then our side ends and the connection closes', async () => {
    const { client, connection } = await world.pair();
    const seen = record(connection, EVENTS);
    const received = readAll(client);
    client.end('all');
    assert.equal(await closed(connection), false);
    assert.deepEqual(seen, ['data', 'end', 'finish', 'close']);
    assert.equal(String(await received), '');
  });

  it('does not come before the data has been read', async () => {
    const { client, connection } = await world.pair();
    connection.on('end', () => assert.equal(read, true));
    let read = false;
    client.end('unread');
    await once(connection, 'readable');
    await new Promise(setImmediate);
    read = true;
    connection.resume();
    await once(connection, 'end');
  });

  it('leaves time for an answer in its own listener', async () => {
    const { client, connection } = await world.pair();
    connection.resume().on('end', () => connection.write('the answer'));
    client.end('question');
    assert.equal(String(await readAll(client)), 'the answer');
  });

  it('sends what waits before it ends our side', async () => {
    const { client, connection } = await world.pair();
    connection.write(Buffer.alloc(16 * MIB));
    connection.resume();
    client.end();
    assert.equal((await readAll(client)).length, 16 * MIB);
  });

  it('afterwards write() fails with EPIPE, calls back and closes', async () => {
    const { client, connection } = await world.pair();
    connection.resume();
    client.end();
    await once(connection, 'end');
    connection.end();
    const failed = once(connection, 'error');
    const called = new Promise((resolve) => {
      assert.equal(connection.write('late', resolve), false);
    });
    const [err] = await Promise.race([failed, called.then((error) => [error])]);
    assert.equal(err.code, 'EPIPE');
    assert.equal(err.message, 'This socket has been ended by the other party');
    assert.equal(await called, err);
  });

  it('with allowHalfOpen leaves our side open until end()', async () => {
    const { client, connection } = await world.pair({ allowHalfOpen: true });
    const received = readAll(client);
    const gone = closed(connection);
    client.end('question');
    await once(connection.resume(), 'end');
    assert.equal(connection.writable, true);
    for (const text of ['a ', 'late ', 'answer']) {
      await new Promise((resolve) => connection.write(text, resolve));
    }
    connection.end();
    assert.equal(String(await received), 'a late answer');
    assert.equal(await gone, false);
  });
});

describe('socket.end()', () => {
  const world = useWorld();

  it('returns the connection, and ends the stream of the peer', async () => {
    const { client, connection } = await world.pair();
    assert.equal(connection.end(), connection);
    assert.equal(String(await readAll(client)), '');
  });

  it('writes its data first, in its encoding', async () => {
    const { client, connection } = await world.pair();
    connection.write('a');
    connection.end('6263', 'hex');
    assert.equal(String(await readAll(client)), 'abc');
  });

  for (const [form, args] of [
    ['end(callback)', []],
    ['end(data, callback)', ['x']],
    ['end(data, encoding, callback)', ['x', 'latin1']],
  ]) {
    it(`${form} calls back at 'finish', before 'close'`, async () => {
      const { client, connection } = await world.pair();
      const seen = record(connection, ['finish', 'close']);
      client.resume();
      connection.resume();
      const gone = closed(connection);
      await new Promise((resolve) => connection.end(...args, resolve));
      assert.deepEqual(seen, ['finish']);
      await gone;
    });
  }

  it('leaves the other direction open', async () => {
    const { client, connection } = await world.pair({}, { allowHalfOpen: true });
    const gone = closed(connection);
    connection.end();
    await once(client.resume(), 'end');
    client.write('still ');
    client.end('readable');
    assert.equal(String(await readAll(connection)), 'still readable');
    assert.equal(await gone, false);
  });

  it("afterwards write() is an 'error' ERR_STREAM_WRITE_AFTER_END, also for its callback", async () => {
    const { connection } = await world.pair();
    const gone = closed(connection);
    connection.end();
    const called = new Promise((resolve) => {
      assert.equal(connection.write('late', resolve), false);
    });
    const [err] = await once(connection, 'error');
    assert.equal(err.code, 'ERR_STREAM_WRITE_AFTER_END');
    assert.equal(await called, err);
    assert.equal(await gone, true);
  });

  it('twice is fine, and calls back twice', async () => {
    const { client, connection } = await world.pair();
    client.resume();
    const first = new Promise((resolve) => connection.end('x', resolve));
    const second = new Promise((resolve) => connection.end(resolve));
    assert.ok((await first) == null);
    assert.ok((await second) == null);
  });

  it('after it is over calls back with ERR_STREAM_ALREADY_FINISHED', async () => {
    const { client, connection } = await world.pair({}, { allowHalfOpen: true });
    client.resume();
    await new Promise((resolve) => connection.end(resolve));
    const err = await new Promise((resolve) => connection.end(resolve));
    assert.equal(err.code, 'ERR_STREAM_ALREADY_FINISHED');
  });

  it('with a chunk that cannot be written throws, and nothing has ended or is lost', async () => {
    const { client, connection } = await world.pair();
    const received = readAll(client);
    connection.write('before');
    assert.throws(() => connection.end(42), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => connection.end('x', 'no encoding'), { code: 'ERR_UNKNOWN_ENCODING' });
    await new Promise(setImmediate);
    connection.write(', after');
    await new Promise(setImmediate);
    connection.end();
    assert.equal(String(await received), 'before, after');
  });
});

describe('socket.destroySoon()', () => {
  const world = useWorld();

  it('sends what waits, then destroys', async () => {
    const { client, connection } = await world.pair();
    connection.write(Buffer.alloc(16 * MIB));
    connection.destroySoon();
    assert.equal(connection.writable, false);
    assert.equal(connection.destroyed, false);
    const gone = closed(connection);
    assert.equal((await readAll(client)).length, 16 * MIB);
    assert.equal(await gone, false);
  });

  it("after 'finish' destroys at once", async () => {
    const { client, connection } = await world.pair({}, { allowHalfOpen: true });
    client.resume();
    await new Promise((resolve) => connection.end(resolve));
    assert.equal(connection.destroyed, false);
    connection.destroySoon();
    assert.equal(connection.destroyed, true);
    await closed(connection);
  });
});
