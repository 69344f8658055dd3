'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { LOOPBACK, closed, connect, readAll, readBytes } = require('./helpers/clients');
const { echo } = require('./helpers/echo');
const { eventually } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { MIB, limit, seconds } = require('./helpers/scale');
const { createTcpServer } = require('..');

/** @returns {Promise<number>} what getConnections() says */
function connectionsOf(server) {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** @returns {Promise<string>} the code of the error with which connecting to a port fails, or that it does not */
async function refusal(port) {
  const socket = net.connect(port, LOOPBACK);
  return new Promise((resolve) => {
    socket.once('error', ({ code }) => resolve(code));
    // The worker may still be listening; whoever it took must not hold the server.
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
  });
}

describe('close()', function () {
  limit(this, 20);
  const network = useNetwork();

  it("calls back and brings 'close', asynchronously", async () => {
    const server = await network.listen();
    const order = [];
    server.on('close', () => order.push('event'));
    await new Promise((resolve) => {
      assert.equal(
        server.close((error) => {
          order.push(`callback ${error}`);
          resolve();
        }),
        server,
      );
      order.push('returned');
    });
    assert.equal(order[0], 'returned');
    assert.deepEqual(order.slice().sort(), ['callback undefined', 'event', 'returned']);
  });

  it('stops listening at once', async () => {
    const server = await network.listen();
    const { port } = server.address();
    const gone = once(server, 'close');
    server.close();
    assert.equal(server.listening, false);
    await gone;
    assert.equal(server.address(), null);
    assert.equal(await refusal(port), 'ECONNREFUSED');
  });

  it('leaves connections alone, and waits for the last of them', async () => {
    const server = await network.listen({}, (connection) => echo(connection));
    const { port } = server.address();
    const clients = await Promise.all([network.connect(server), network.connect(server)]);
    await eventually(() => server.info().connectionsActive === 2, 'two connections');
    let gone = false;
    const end = once(server, 'close').then(() => {
      gone = true;
    });
    server.close();
    await eventually(async () => (await refusal(port)) === 'ECONNREFUSED', 'a closed port');
    for (const client of clients) {
      assert.equal(gone, false);
      client.write('still served');
      assert.equal(String(await readBytes(client, 12)), 'still served');
      const closing = closed(client);
      client.end();
      await closing;
    }
    await end;
    await nothingLeft(server);
  });

  it("brings the server's 'close' after the last connection's", async () => {
    const order = [];
    const server = await network.listen({}, (connection) => {
      connection.resume().on('close', () => order.push('connection'));
      server.close();
    });
    server.on('close', () => order.push('server'));
    const gone = once(server, 'close');
    const client = await network.connect(server);
    client.end();
    await gone;
    assert.deepEqual(order, ['connection', 'server']);
  });

  it('of a server that does not run calls back with ERR_SERVER_NOT_RUNNING', async () => {
    const server = createTcpServer();
    const error = await new Promise((resolve) => server.close(resolve));
    assert.equal(error.code, 'ERR_SERVER_NOT_RUNNING');
  });

  it('twice: the second callback has ERR_SERVER_NOT_RUNNING', async () => {
    const server = await network.listen();
    const first = new Promise((resolve) => server.close(resolve));
    const second = new Promise((resolve) => server.close(resolve));
    assert.equal(await first, undefined);
    assert.equal((await second).code, 'ERR_SERVER_NOT_RUNNING');
  });

  it('lets the server listen again', async () => {
    const server = await network.listen({}, (connection) => connection.end('again'));
    for (let i = 0; i < 5; i++) {
      const client = await network.connect(server);
      assert.equal(String(await readAll(client)), 'again');
      await new Promise((resolve) => server.close(resolve));
      server.listen(0, LOOPBACK);
      await once(server, 'listening');
    }
  });

  it('frees the port for another server', async () => {
    const server = await network.listen();
    const { port } = server.address();
    await new Promise((resolve) => server.close(resolve));
    const other = createTcpServer();
    other.listen(port, LOOPBACK);
    await once(other, 'listening');
    assert.equal(other.address().port, port);
    await new Promise((resolve) => other.close(resolve));
  });

  it('is what Symbol.asyncDispose does', async () => {
    const server = await network.listen();
    await server[Symbol.asyncDispose]();
    assert.equal(server.listening, false);
    await server[Symbol.asyncDispose]();
  });
});

describe('stop()', function () {
  limit(this, 20);
  const network = useNetwork();

  it("cuts every connection: each one's 'close', then the server's", async () => {
    const order = [];
    let told = 0; // the worker has accepted them some time before
    const server = await network.listen({}, (connection) => {
      told++;
      connection.on('error', () => {});
      connection.on('close', () => order.push('connection'));
    });
    server.on('close', () => order.push('server'));
    const clients = await Promise.all(Array.from({ length: 10 }, () => network.connect(server)));
    await eventually(() => told === 10, 'ten connections');
    const cut = clients.map((client) => closed(client.resume()));
    const gone = once(server, 'close');
    await server.stop();
    await gone;
    await Promise.all(cut);
    assert.deepEqual(order, [...Array(10).fill('connection'), 'server']);
    await nothingLeft(server);
  });

  it('cuts connections with data under way in both directions', async () => {
    const { server, client, connection } = await network.pair();
    connection.on('error', () => {});
    connection.write(Buffer.alloc(32 * MIB));
    client.write(Buffer.alloc(32 * MIB));
    await once(connection, 'readable');
    const cut = Promise.all([closed(connection), closed(client.resume())]);
    await server.stop();
    await cut;
    assert.equal(connection.destroyed, true);
  });

  it('from inside a data handler, and from the connection listener', async () => {
    for (const event of ['data', 'connection']) {
      const server = await network.listen({}, (connection) => {
        connection.on('error', () => {});
        if (event === 'connection') {
          server.stop();
        } else {
          connection.on('data', () => server.stop());
        }
      });
      const gone = once(server, 'close');
      const client = await network.connect(server);
      client.write('x');
      await gone;
    }
  });

  it('after close() cuts what close() waits for', async () => {
    const { server, connection } = await network.pair();
    const gone = Promise.all([once(server, 'close'), closed(connection)]);
    server.close();
    server.stop();
    await gone;
  });

  it('twice, and of a server that never ran, is fine', async () => {
    const server = await network.listen();
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    await createTcpServer().stop();
  });
});

describe('connection counts and limits', function () {
  limit(this, 20);
  const network = useNetwork();

  it('getConnections() tells how many there are', async () => {
    const server = await network.listen({}, (connection) => connection.resume());
    assert.equal(await connectionsOf(server), 0);
    const clients = await Promise.all(Array.from({ length: 5 }, () => network.connect(server)));
    await eventually(async () => (await connectionsOf(server)) === 5, 'five connections');
    const gone = clients.map(closed);
    for (const client of clients) {
      client.end();
    }
    await Promise.all(gone);
    await eventually(async () => (await connectionsOf(server)) === 0, 'no connections');
  });

  for (const how of ['option', 'property']) {
    it(`maxConnections as ${how} drops who comes above it`, async () => {
      const server = await network.listen(how === 'option' ? { maxConnections: 2 } : {}, (one) => {
        accepted++;
        one.on('error', () => {});
        echo(one);
      });
      let accepted = 0;
      if (how === 'property') {
        server.maxConnections = 2;
      }
      const first = await network.connect(server);
      const second = await network.connect(server);
      await eventually(() => accepted === 2, 'two connections');

      const dropped = once(server, 'drop');
      const third = await connect(server.address().port);
      const { localPort } = third;
      await closed(third.resume());
      const [who] = await dropped;
      assert.equal(who.remotePort, localPort);
      assert.equal(who.remoteAddress, LOOPBACK);
      assert.equal(who.localPort, server.address().port);
      assert.equal(accepted, 2);

      // The others go on, and a place that becomes free is given away.
      second.write('x');
      await readBytes(second, 1);
      const gone = closed(first);
      first.end();
      await gone;
      await eventually(async () => (await connectionsOf(server)) === 1, 'a free place');
      const fourth = await network.connect(server);
      fourth.write('y');
      assert.equal(String(await readBytes(fourth, 1)), 'y');
    });
  }
});

describe('idleTimeoutMs', function () {
  limit(this, 20);
  const network = useNetwork();

  it('closes a connection on which nothing happens', async () => {
    const { server, client, connection } = await network.pair({ idleTimeoutMs: seconds(0.1) });
    const gone = Promise.all([closed(connection), closed(client.resume())]);
    await gone;
    assert.equal(connection.destroyed, true);
    await nothingLeft(server);
  });

  it('closes each of many, and the server goes on', async () => {
    const idleTimeoutMs = seconds(0.2); // the client at the end has to be faster
    const server = await network.listen({ idleTimeoutMs }, (connection) => {
      connection.on('error', () => {});
      echo(connection);
    });
    const clients = await Promise.all(Array.from({ length: 50 }, () => network.connect(server)));
    await Promise.all(clients.map((client) => closed(client.resume())));
    await nothingLeft(server);
    const client = await network.connect(server);
    client.end('x');
    assert.equal(String(await readAll(client)), 'x');
  });

  it('0 closes none', async () => {
    const timed = await network.pair({ idleTimeoutMs: seconds(0.1) });
    const gone = closed(timed.connection);
    const { client, connection } = await network.pair({ idleTimeoutMs: 0 });
    await gone;
    assert.equal(connection.destroyed, false);
    connection.end('patient');
    assert.equal(String(await readAll(client)), 'patient');
  });
});
