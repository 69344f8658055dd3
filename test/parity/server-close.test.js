'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { LOOPBACK, closed, connect, readAll } = require('../helpers/clients');
const { eventually } = require('../helpers/eventually');
const { useWorld } = require('../helpers/parity');

const connections = (server) =>
  new Promise((resolve, reject) => {
    server.getConnections((err, count) => (err ? reject(err) : resolve(count)));
  });

describe('server.close()', () => {
  const world = useWorld();

  it('returns the server, which no longer listens', async () => {
    const server = await world.listen();
    assert.equal(server.close(), server);
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
    await once(server, 'close');
  });

  it('refuses new clients', async () => {
    const server = await world.listen();
    const { port } = server.address();
    server.close();
    await once(server, 'close');
    await assert.rejects(connect(port), { code: 'ECONNREFUSED' });
  });

  it("leaves connections alone; 'close' waits for the last of them", async () => {
    const { server, client, connection } = await world.pair();
    connection.pipe(connection);
    let isClosed = false;
    server.close(() => {
      isClosed = true;
    });
    client.write('still here');
    assert.equal(String((await once(client, 'data'))[0]), 'still here');
    assert.equal(isClosed, false);
    const gone = once(server, 'close');
    client.end();
    await gone;
    assert.equal(isClosed, true);
  });

  it('calls back without an error, once', async () => {
    const server = await world.listen();
    let calls = 0;
    const err = await new Promise((resolve) => {
      server.close((error) => {
        calls++;
        resolve(error);
      });
    });
    assert.equal(err, undefined);
    await new Promise(setImmediate);
    assert.equal(calls, 1);
  });

  it('of a server that does not listen calls back with ERR_SERVER_NOT_RUNNING', async () => {
    const server = world.server();
    const err = await new Promise((resolve) => server.close(resolve));
    assert.ok(err instanceof Error);
    assert.equal(err.code, 'ERR_SERVER_NOT_RUNNING');
    assert.equal(err.message, 'Server is not running.');
  });

  it("of a server that does not listen emits 'close' without an error", async () => {
    const server = world.server();
    const gone = new Promise((resolve) => server.once('close', (...args) => resolve(args)));
    server.close();
    assert.deepEqual(await gone, []);
  });

  it("is asynchronous: 'close' comes after it has returned", async () => {
    const server = await world.listen();
    let returned = false;
    server.on('close', () => assert.equal(returned, true));
    server.close();
    returned = true;
    await once(server, 'close');
  });

  it('from the connection listener serves that connection to its end', async () => {
    const server = await world.listen((connection) => {
      server.close();
      connection.end('the last one');
    });
    const gone = once(server, 'close');
    const client = await world.connect(server);
    assert.equal(String(await readAll(client)), 'the last one');
    client.destroy();
    await gone;
  });
});

describe('server[Symbol.asyncDispose]()', () => {
  const world = useWorld();

  it('closes, and fulfils when closed', async () => {
    const { server, connection } = await world.pair();
    let isClosed = false;
    server.on('close', () => {
      isClosed = true;
    });
    const disposed = server[Symbol.asyncDispose]();
    assert.equal(server.listening, false);
    connection.destroy();
    assert.equal(await disposed, undefined);
    assert.equal(isClosed, true);
  });

  it('of a server that does not listen does nothing', async () => {
    assert.equal(await world.server()[Symbol.asyncDispose](), undefined);
  });
});

describe('server.getConnections()', () => {
  const world = useWorld();

  it('calls back later with the number of connections, and returns the server', async () => {
    const { server } = await world.pair();
    let returned = false;
    const count = new Promise((resolve, reject) => {
      const result = server.getConnections((err, n) => {
        assert.equal(returned, true);
        return err ? reject(err) : resolve(n);
      });
      assert.equal(result, server);
    });
    returned = true;
    assert.equal(await count, 1);
  });

  it('follows those that come and go', async () => {
    const { server, client, connection } = await world.pair();
    const second = await world.connect(server);
    await eventually(async () => (await connections(server)) === 2, 'two connections');
    connection.destroy();
    assert.equal(await connections(server), 1);
    client.destroy();
    second.destroy();
    await eventually(async () => (await connections(server)) === 0, 'no connections');
  });

  it('is 0 before listen() and after close()', async () => {
    const server = world.server();
    assert.equal(await connections(server), 0);
    server.listen(0, LOOPBACK);
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    assert.equal(await connections(server), 0);
  });

  it("no longer counts a connection in its 'close'", async () => {
    const { server, connection } = await world.pair();
    const gone = closed(connection).then(() => connections(server));
    connection.destroy();
    assert.equal(await gone, 0);
  });
});

describe('server.ref() and server.unref()', () => {
  const world = useWorld();

  it('return the server, in every state and as often as wanted', async () => {
    const server = world.server();
    for (const state of ['new', 'listening', 'closed']) {
      assert.equal(server.unref(), server, state);
      assert.equal(server.unref(), server, state);
      assert.equal(server.ref(), server, state);
      assert.equal(server.ref(), server, state);
      if (state === 'new') await once(server.listen(0, LOOPBACK), 'listening');
      else server.close();
    }
  });

  it('do not keep a server from serving', async () => {
    const server = world.server((connection) => connection.end('served'));
    server.unref();
    await once(server.listen(0, LOOPBACK), 'listening');
    const client = await world.connect(server);
    assert.equal(String(await readAll(client)), 'served');
  });
});
