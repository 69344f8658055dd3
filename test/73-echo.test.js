'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { UringTcpEchoServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, closed, flood, readAll, readBytes } = require('./helpers/clients');
const { settled } = require('./helpers/eventually');
const { runLoad } = require('./helpers/load');
const { watchMemory } = require('./helpers/memory');
const { useRaw, nothingHeld } = require('./helpers/raw');
const { RandomCheck, RandomStream } = require('./helpers/random');
const { MIB, limit, seconds } = require('./helpers/scale');

const TINY = { bufferCount: 4, bufferSize: 512 };

describe('UringTcpEchoServer', function () {
  limit(this, 60);
  const raw = useRaw();

  it('echoes, and ends when the peer does', async () => {
    const server = await raw.startEcho();
    assert.equal(server.info().backend, expectedBackend);
    assert.equal(server.info().host, LOOPBACK);
    const client = await raw.connect(server);
    client.end('hello');
    assert.equal(String(await readAll(client)), 'hello');
    const silent = await raw.connect(server);
    silent.end();
    assert.equal((await readAll(silent)).length, 0);
    await nothingHeld(server);
    const { connectionsAccepted, connectionsClosed, bytesReceived, bytesSent } = server.info();
    assert.deepEqual([connectionsAccepted, connectionsClosed], [2, 2]);
    assert.deepEqual([bytesReceived, bytesSent], [5, 5]);
  });

  for (const [what, options] of [
    ['the defaults', {}],
    ['4 buffers of 512 bytes', TINY],
    ['bundles', { ...TINY, useRecvBundle: true }],
    ['incremental buffers', { ...TINY, useIncrementalBuffers: true }],
    ['zero-copy sends', { ...TINY, useZeroCopySend: true, zeroCopySendMin: 1 }],
    ['one buffer', { bufferCount: 1, bufferSize: 64, queueDepth: 8 }],
  ]) {
    it(`returns every byte in order: ${what}`, async () => {
      const server = await raw.startEcho(options);
      const size = { connections: 50, bytes: options.bufferCount === 1 ? MIB / 16 : MIB / 2 };
      assert.deepEqual(await runLoad({ port: server.info().port, ...size }), []);
      await nothingHeld(server);
      assert.equal(server.info().bytesSent, size.connections * (size.bytes + 1));
    });
  }

  it('returns every byte to clients that read now and then', async () => {
    const server = await raw.startEcho(TINY);
    const { port } = server.info();
    assert.deepEqual(await runLoad({ port, connections: 20, bytes: MIB, clientNaps: true }), []);
  });

  it('and so with zero-copy sends out of incremental buffers', async () => {
    const fast = { useIncrementalBuffers: true, useZeroCopySend: true, zeroCopySendMin: 1 };
    const server = await raw.startEcho({ ...TINY, ...fast });
    const { port } = server.info();
    assert.deepEqual(await runLoad({ port, connections: 20, bytes: MIB, clientNaps: true }), []);
    await nothingHeld(server);
  });

  it('slows down who does not read, in bounded memory, and nobody else', async () => {
    const server = await raw.startEcho(TINY);
    const memory = watchMemory();
    const bytes = new RandomStream(1).bytes(16 * MIB);
    const slow = [];
    for (let i = 0; i < 8; i++) {
      const client = await raw.connect(server);
      client.pause();
      client.end(bytes);
      slow.push(client);
    }
    const held = await settled(() => server.info().bytesReceived);
    assert.ok(held < 8 * bytes.length, `${held} bytes were received`);
    memory.within(128 * MIB);
    memory.stop();

    const client = await raw.connect(server);
    client.write('quick');
    assert.equal(String(await readBytes(client, 5)), 'quick');

    for (const one of slow) {
      const check = new RandomCheck(1);
      one.on('data', (chunk) => check.push(chunk));
      await closed(one.resume());
      assert.equal(check.position, bytes.length);
    }
  });

  it('does not need the JavaScript thread', async () => {
    const server = await raw.startEcho({ driver: 'worker' });
    if (server.info().backend === 'io_uring') {
      const { execFileSync } = require('node:child_process');
      const program = `
        const client = require('node:net').connect(${server.info().port}, '${LOOPBACK}');
        client.on('data', (chunk) => process.stdout.write(chunk));
        client.end('while it stands still');`;
      const options = { encoding: 'utf8', timeout: 30000 };
      const text = execFileSync(process.execPath, ['-e', program], options); // blocks this thread
      assert.equal(text, 'while it stands still');
    }
    const { doorbells = 0 } = server.info();
    assert.equal(doorbells, 0);
  });

  it('resets and stop() under load leave nothing', async () => {
    const server = await raw.startEcho(TINY);
    const { clients, gone } = await flood([server.info().port], 20);
    // However few the buffers are, nobody had to wait for long while others were served.
    assert.ok(server.info().bytesReceived < 512 * MIB);
    for (const client of clients.slice(0, 10)) client.resetAndDestroy();
    await server.stop();
    await gone;
    const { connectionsActive, slotsInUse = 0, buffersInUse = 0 } = server.info();
    assert.deepEqual([connectionsActive, slotsInUse, buffersInUse], [0, 0, 0]);
  });

  it('obeys idleTimeoutMs and maxConnections', async () => {
    const server = await raw.startEcho({ idleTimeoutMs: seconds(0.1), maxConnections: 1 });
    const first = await raw.connect(server);
    first.write('x');
    await readBytes(first, 1);
    await closed((await raw.connect(server)).resume());
    await closed(first.resume());
    await nothingHeld(server);
    assert.equal(server.info().idleTimeouts, 1);
    assert.equal(server.info().connectionsRejected, 1);
  });

  it('rejects start() when it cannot listen, and refuses options that do not apply', async () => {
    const other = net.createServer().listen(0, LOOPBACK);
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address();
    await assert.rejects(new UringTcpEchoServer({ port }).start(), { code: 'EADDRINUSE' });
    other.close();
    for (const name of ['sendQueueCapacity', 'eventBatchSize', 'eventQueueCapacity']) {
      assert.throws(() => new UringTcpEchoServer({ [name]: 64 }), {
        code: 'ERR_INVALID_ARG_VALUE',
      });
    }
  });
});
