'use strict';

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { once } = require('node:events');
const { LOOPBACK, closed, readAll } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

describe('between two events of a connection', () => {
  const world = useWorld();

  it("'data' awaited one after the other misses nothing", async () => {
    const { client, connection } = await world.pair();
    client.write('first');
    let text = String((await once(connection, 'data'))[0]);
    client.write('second');
    text += String((await once(connection, 'data'))[0]);
    assert.equal(text, 'firstsecond');
  });

  it('what is awaited in turn arrives in turn: data, end, close', async () => {
    const { client, connection } = await world.pair();
    client.end('x');
    await once(connection, 'data');
    await once(connection, 'end');
    await once(connection, 'close');
  });

  it('process.nextTick and promises have run', async () => {
    const { client, connection } = await world.pair();
    const log = [];
    for (const event of ['data', 'end', 'finish', 'close']) {
      connection.on(event, () => {
        log.push(event);
        process.nextTick(() => log.push(`${event} tick`));
        Promise.resolve().then(() => log.push(`${event} promise`));
      });
    }
    client.end('x');
    await closed(connection);
    await new Promise(setImmediate);
    assert.deepEqual(log.slice(0, 3), ['data', 'data tick', 'data promise']);
    assert.deepEqual(log.slice(-3), ['close', 'close tick', 'close promise']);
    assert.ok(log.indexOf('end tick') > log.indexOf('end'));
  });

  it("'connection' is over, with its ticks, before 'data'", async () => {
    const log = [];
    const server = await world.listen((connection) => {
      process.nextTick(() => log.push('tick'));
      Promise.resolve().then(() => log.push('promise'));
      connection.on('data', () => log.push('data'));
      connection.on('end', () => log.push('end'));
      log.push('connection');
    });
    const client = await world.connect(server);
    const received = readAll(client);
    client.end('x');
    await received;
    assert.deepEqual(log, ['connection', 'tick', 'promise', 'data', 'end']);
  });

  it('a connection that is awaited gets its listeners in time', async () => {
    const server = await world.listen();
    const accepted = once(server, 'connection');
    const client = await world.connect(server);
    client.end('early');
    const [connection] = await accepted;
    const [data] = await once(connection, 'data');
    assert.equal(String(data), 'early');
    await once(connection, 'end');
  });
});

describe('AsyncLocalStorage', () => {
  const world = useWorld();
  const storage = new AsyncLocalStorage();

  it("'connection' has the store of listen()", async () => {
    const server = world.server();
    const seen = new Promise((resolve) => {
      server.on('connection', () => resolve(storage.getStore()));
    });
    storage.run('listen', () => server.listen(0, LOOPBACK));
    await once(server, 'listening');
    await world.connect(server);
    assert.equal(await seen, 'listen');
  });

  it('the callback of write() has the store of write()', async () => {
    const { client, connection } = await world.pair();
    client.resume();
    const stores = await Promise.all(
      ['one', 'two'].map(async (store) => {
        await new Promise(setImmediate);
        return storage.run(store, () => {
          return new Promise((resolve) => {
            connection.write(store, () => resolve(storage.getStore()));
          });
        });
      }),
    );
    assert.deepEqual(stores, ['one', 'two']);
  });
});
