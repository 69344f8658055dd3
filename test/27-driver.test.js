'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { createTcpServer, UringTcpEchoServer, UringTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { closed, connect, readAll, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { nothingLeft, threads } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { MIB } = require('./helpers/scale');

const ECHO_SERVER = require.resolve('./helpers/programs/echo-server');
const onRing = expectedBackend === 'io_uring';

describe("the option 'driver'", () => {
  let before;

  beforeEach(() => {
    before = process.env.SEARINGS_DRIVER;
    delete process.env.SEARINGS_DRIVER;
  });

  afterEach(() => {
    if (before === undefined) delete process.env.SEARINGS_DRIVER;
    else process.env.SEARINGS_DRIVER = before;
  });

  const driverOf = (server) => server.info().driver;
  const shown = (driver) => (onRing ? driver : null);

  it("is 'worker' unless it is given", () => {
    assert.equal(driverOf(createTcpServer()), shown('worker'));
    assert.equal(driverOf(createTcpServer({ driver: 'inline' })), shown('inline'));
    assert.equal(driverOf(new UringTcpServer({ driver: 'inline' })), shown('inline'));
    assert.equal(driverOf(new UringTcpEchoServer({ driver: 'inline' })), shown('inline'));
  });

  it('is what SEARINGS_DRIVER says where it is not given', () => {
    process.env.SEARINGS_DRIVER = 'inline';
    assert.equal(driverOf(createTcpServer()), shown('inline'));
    assert.equal(driverOf(createTcpServer({ driver: 'worker' })), shown('worker'));
  });

  it('refuses what it does not know, by name', () => {
    const message = /options\.driver.*'worker', 'inline'.*Received 'thread'/;
    assert.throws(() => createTcpServer({ driver: 'thread' }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message,
    });
    assert.throws(() => createTcpServer({ driver: 1 }), { code: 'ERR_INVALID_ARG_TYPE' });
    process.env.SEARINGS_DRIVER = 'fibre';
    assert.throws(() => createTcpServer(), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /SEARINGS_DRIVER.*worker or inline.*'fibre'/,
    });
  });
});

describe('a server that is alone in its process', () => {
  for (const driver of ['worker', 'inline']) {
    it(`wakes up for each message (${driver})`, async () => {
      const stdio = ['pipe', 'pipe', 'inherit'];
      const program = spawn(process.execPath, [ECHO_SERVER, driver], { stdio });
      const ended = once(program, 'close');
      try {
        const [port] = await once(program.stdout, 'data');
        const client = await connect(Number(port));
        for (let i = 0; i < 50; i++) {
          client.write('ping');
          assert.equal(String(await readBytes(client, 4)), 'ping');
        }
        client.destroy();
        program.stdin.end();
        assert.deepEqual(await ended, [0, null]);
      } finally {
        program.kill();
      }
    });
  }
});

if (onRing) {
  describe('busyPollMicros', () => {
    const network = useNetwork();

    it('saves the worker some of its wake-ups', async () => {
      const options = { driver: 'worker', busyPollMicros: 1000 };
      const { server, client, connection } = await network.pair(options);
      const length = 20 * 1024; // too long for a direct send
      const rounds = 200;
      connection.resume();
      for (let round = 0; round < rounds; round++) {
        connection.write(Buffer.alloc(length));
        assert.equal((await readBytes(client, length)).length, length);
      }
      const { wakeups, directSends } = server.info();
      assert.equal(directSends, 0);
      assert.ok(wakeups < rounds, `${wakeups} wake-ups`);
    });
  });

  describe('a server on the inline driver', () => {
    const network = useNetwork();
    const driver = 'inline';

    it('has no thread', async () => {
      const before = threads();
      const server = await network.listen({ driver }, (connection) => connection.pipe(connection));
      const client = await network.connect(server);
      client.end('hello');
      assert.equal(String(await readAll(client)), 'hello');
      assert.equal(threads(), before);
      assert.equal(server.info().driver, 'inline');
    });

    it('serves while setImmediate() keeps the event loop from sleeping', async () => {
      let running = true;
      (function again() {
        if (running) setImmediate(again);
      })();
      const { client, connection } = await network.pair({ driver });
      connection.pipe(connection);
      client.end('hello');
      assert.equal(String(await readAll(client)), 'hello');
      running = false;
    });

    it('lets timers and other sockets have their turn under load', async () => {
      const server = await network.listen({ driver }, (connection) => connection.pipe(connection));
      const plain = await network.listen({ driver: 'worker' }, (connection) =>
        connection.pipe(connection),
      );
      const busy = await Promise.all(Array.from({ length: 4 }, () => network.connect(server)));
      for (const client of busy) client.on('data', (chunk) => client.write(chunk)).write('ball');
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      const other = await network.connect(plain);
      other.end('hello');
      assert.equal(String(await readAll(other)), 'hello');
      await eventually(() => ticks >= 5, 'timers');
      clearInterval(timer);
    });

    it('sleeps when there is nothing to do', async () => {
      const { server } = await network.pair({ driver });
      let last = -1;
      await eventually(() => {
        const { passes } = server.info();
        const rests = passes === last;
        last = passes;
        return rests;
      }, 'a server at rest');
      await new Promise((resolve) => setTimeout(resolve, 100));
      assert.ok(server.info().passes - last <= 2, `${server.info().passes - last} passes`);
    });

    it('closes an idle connection in time, with nothing else to wake it', async () => {
      const server = await network.listen({ driver, idleTimeoutMs: 50 }, (connection) =>
        connection.resume(),
      );
      const client = await network.connect(server);
      await closed(client.resume());
      assert.equal(server.info().idleTimeouts, 1);
    });

    it('loses nothing while the JavaScript thread stands still', async () => {
      const { server, client, connection } = await network.pair({ driver, bufferCount: 4 });
      const sent = Buffer.alloc(MIB, 'searings');
      client.end(sent);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      assert.deepEqual(await readBytes(connection, sent.length), sent);
      connection.end();
      await closed(client.resume());
      await nothingLeft(server);
    });

    it('can be stopped, and another one started, from a handler', async () => {
      const server = await network.listen({ driver }, (connection) => {
        connection.on('error', () => {});
        connection.on('data', () => server.stop());
      });
      const client = await network.connect(server);
      client.on('error', () => {});
      client.write('stop');
      await Promise.all([once(server, 'close'), closed(client.resume())]);
      const second = await network.listen({ driver }, (connection) => connection.end('hello'));
      const late = await network.connect(second);
      assert.equal(String(await readAll(late)), 'hello');
    });

    describe('beside another one', () => {
      /** What is sent from a timer is there when the event loop is about to sleep: handlers run then. */
      function soon(client) {
        setTimeout(() => client.write('go'), 1);
      }

      it('obeys what a handler of the other does with its connections', async () => {
        const first = await network.pair({ driver });
        const second = await network.pair({ driver });
        for (const [from, to] of [
          [first, second],
          [second, first],
        ]) {
          const length = 100 * 1024; // too long for a direct send
          from.connection.once('data', () => to.connection.write(Buffer.alloc(length)));
          soon(from.client);
          assert.equal((await readBytes(to.client, length)).length, length);
        }
        first.connection.once('data', () => second.connection.destroy());
        soon(first.client);
        await closed(second.client.resume());
      });

      it('starts in a handler of the other', async () => {
        const { client, connection } = await network.pair({ driver });
        const started = new Promise((resolve) => {
          connection.once('data', () => {
            resolve(network.listen({ driver }, (one) => one.end('hello')));
          });
        });
        soon(client);
        const late = await network.connect(await started);
        assert.equal(String(await readAll(late)), 'hello');
      });
    });

    it('goes on after a handler threw', async () => {
      const { server, client, connection } = await network.pair({ driver });
      const thrown = new Error('thrown in a handler');
      const listeners = process.listeners('uncaughtException');
      process.removeAllListeners('uncaughtException');
      const caught = once(process, 'uncaughtException');
      connection.once('data', () => {
        throw thrown;
      });
      client.write('first');
      assert.equal((await caught)[0], thrown);
      for (const listener of listeners) process.on('uncaughtException', listener);
      client.write('second');
      assert.equal(String(await readBytes(connection, 6)), 'second');
      assert.equal(server.info().connectionsActive, 1);
    });
  });
}
