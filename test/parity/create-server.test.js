'use strict';

const assert = require('node:assert/strict');
const { EventEmitter, once } = require('node:events');
const { Duplex } = require('node:stream');
const { create, useWorld } = require('../helpers/parity');

describe('createServer()', () => {
  const world = useWorld();

  it('makes an EventEmitter that does not listen', () => {
    const server = world.server();
    assert.ok(server instanceof EventEmitter);
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
    assert.equal(server.maxConnections, undefined);
  });

  it('takes nothing, null, options, a listener, or both', () => {
    const listener = () => {};
    for (const args of [[], [null], [{}], [undefined, undefined]]) {
      assert.equal(create(...args).listenerCount('connection'), 0);
    }
    for (const args of [[listener], [{}, listener], [null, listener], [undefined, listener]]) {
      assert.deepEqual(create(...args).listeners('connection'), [listener]);
    }
  });

  for (const wrong of ['path', 1, true]) {
    it(`refuses ${JSON.stringify(wrong)} as options`, () => {
      assert.throws(() => create(wrong), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' });
    });
  }

  it('keepAliveInitialDelay and highWaterMark have to be numbers', () => {
    const error = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    assert.throws(() => create({ keepAliveInitialDelay: '1' }), error);
    assert.throws(() => create({ highWaterMark: '1' }), error);
  });

  it('does not change its options', () => {
    const options = Object.freeze({ allowHalfOpen: true, keepAlive: true, noDelay: true });
    create(options);
    assert.deepEqual(options, { allowHalfOpen: true, keepAlive: true, noDelay: true });
  });

  it('noDelay, keepAlive and keepAliveInitialDelay give connections that work', async () => {
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 60000 };
    const { client, connection } = await world.pair(options);
    connection.write('hello');
    assert.equal(String((await once(client, 'data'))[0]), 'hello');
  });

  it('highWaterMark is that of both directions', async () => {
    const { connection } = await world.pair({ highWaterMark: 1234 });
    assert.equal(connection.readableHighWaterMark, 1234);
    assert.equal(connection.writableHighWaterMark, 1234);
  });

  it('without highWaterMark, connections have that of every stream', async () => {
    const { connection } = await world.pair();
    const plain = new Duplex();
    assert.equal(connection.readableHighWaterMark, plain.readableHighWaterMark);
    assert.equal(connection.writableHighWaterMark, plain.writableHighWaterMark);
  });

  it('allowHalfOpen is that of the connections', async () => {
    assert.equal((await world.pair()).connection.allowHalfOpen, false);
    assert.equal((await world.pair({ allowHalfOpen: true })).connection.allowHalfOpen, true);
  });
});

describe('pauseOnConnect', () => {
  const world = useWorld();

  it('gives paused connections, which read after resume()', async () => {
    const { client, connection } = await world.pair({ pauseOnConnect: true });
    assert.equal(connection.isPaused(), true);
    client.end('hello');
    let paused = true;
    connection.on('data', () => assert.equal(paused, false));
    await new Promise(setImmediate);
    assert.equal(connection.bytesRead, 0);
    paused = false;
    connection.resume();
    const [data] = await once(connection, 'data');
    assert.equal(String(data), 'hello');
    await once(connection, 'end');
  });

  it('lets a paused connection write', async () => {
    const { client, connection } = await world.pair({ pauseOnConnect: true });
    connection.write('first');
    assert.equal(String((await once(client, 'data'))[0]), 'first');
  });

  it('off, connections are not paused', async () => {
    const { connection } = await world.pair();
    assert.equal(connection.isPaused(), false);
  });
});
