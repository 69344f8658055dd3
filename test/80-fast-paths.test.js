'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { capabilities, createTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { closed, readAll, readBytes } = require('./helpers/clients');
const { eventually, settled } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { stop, useNetwork } = require('./helpers/network');
const { limit } = require('./helpers/scale');

const KIB = 1024;
const MIB = 1024 * KIB;

/** Bytes that differ wherever two pieces could have been mixed up. */
function pattern(length, seed = 1) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE((i * 2654435761 + seed) >>> 0, i);
  return bytes;
}

function written(stream, bytes) {
  return new Promise((resolve) => stream.write(bytes, resolve));
}

describe('fast paths', function () {
  limit(this, 20);
  const network = useNetwork();

  it('are off unless they are asked for', async () => {
    const server = await network.listen({});
    const { fastPaths } = server.info();
    const off = 'not asked for';
    const expected = {
      recvBundle: off,
      incrementalBuffers: off,
      zeroCopySend: off,
      registeredSendBuffer: off,
      zeroCopyReceive: off,
    };
    assert.deepEqual(fastPaths, expectedBackend === 'net' ? undefined : expected);
  });

  it('can be asked for on any transport, and the data are the same', async () => {
    const all = {
      useRecvBundle: true,
      useIncrementalBuffers: true,
      useZeroCopySend: true,
      useRegisteredSendBuffer: true,
      zeroCopySendMin: 1,
    };
    const server = await network.listen(all, (connection) => connection.pipe(connection));
    const client = await network.connect(server);
    const sent = pattern(3 * MIB);
    client.end(sent);
    assert.deepEqual(await readAll(client), sent);
    assert.equal(server.info().backend, expectedBackend);
  });

  if (expectedBackend === 'net') return; // what follows is counted by the io_uring transport alone

  const { features } = capabilities();

  /** Of an older kernel there is no more to say than that the path is off, and for which error. */
  function isOff(path, option) {
    if (features[path].available) return false;
    it('is off where the kernel does not have it', async () => {
      const server = await network.listen({ [option]: true });
      assert.equal(server.info().fastPaths[path], 'EINVAL');
    });
    return true;
  }

  describe('useRecvBundle', () => {
    if (isOff('recvBundle', 'useRecvBundle')) return;

    it('takes several buffers with one receive', async () => {
      const options = { useRecvBundle: true, bufferSize: 64, pauseOnConnect: true };
      const { server, client, connection } = await network.pair(options);
      assert.equal(server.info().fastPaths.recvBundle, 'on');
      const sent = pattern(10 * 64);
      await written(client, sent);
      connection.resume();
      assert.deepEqual(await readBytes(connection, sent.length), sent);
      const { bundleCompletions, bundleBuffers, bundleBytes } = server.info();
      assert.deepEqual([bundleCompletions, bundleBuffers, bundleBytes], [1, 10, sent.length]);
    });

    it('is not counted for what fits into one buffer', async () => {
      const { server, client, connection } = await network.pair({ useRecvBundle: true });
      client.write('short');
      assert.equal((await readBytes(connection, 5)).toString(), 'short');
      assert.equal(server.info().bundleCompletions, 0);
    });

    it('loses nothing when the event queue is shorter than a bundle', async () => {
      const options = { useRecvBundle: true, bufferSize: 64, eventQueueCapacity: 16 };
      const server = await network.listen(options, (connection) => connection.pipe(connection));
      const client = await network.connect(server);
      const sent = pattern(200 * KIB);
      client.end(sent);
      assert.deepEqual(await readAll(client), sent);
      const { bundleBuffers, bundleCompletions, driver, eventStalls } = server.info();
      assert.ok(bundleBuffers > bundleCompletions);
      // Inline, the two sides of the queue take turns: mostly there is room again before anyone waits.
      if (driver === 'worker') assert.ok(eventStalls > 0);
      await nothingLeft(server);
    });
  });

  describe('useIncrementalBuffers', () => {
    if (isOff('incrementalBuffers', 'useIncrementalBuffers')) return;

    it('lets many connections share one buffer', async () => {
      const options = { useIncrementalBuffers: true, bufferCount: 1, bufferSize: 4096 };
      const server = await network.listen(options);
      assert.equal(server.info().fastPaths.incrementalBuffers, 'on');
      const received = [];
      server.on('connection', (connection) => {
        connection.on('data', (chunk) => received.push(chunk.toString()));
      });
      const clients = await Promise.all(Array.from({ length: 20 }, () => network.connect(server)));
      await eventually(() => server.info().connectionsActive === 20, '20 connections');
      for (const [i, client] of clients.entries()) client.write(`message of ${i}`);
      await eventually(() => received.length === 20, '20 messages');
      assert.deepEqual(received.sort(), clients.map((_none, i) => `message of ${i}`).sort());
      assert.equal(server.info().bufferStarvations, 0);
      await eventually(() => server.info().buffersInUse === 0, 'buffers given back');
    });

    it('goes before useRecvBundle', async () => {
      const server = await network.listen({ useIncrementalBuffers: true, useRecvBundle: true });
      const { fastPaths } = server.info();
      assert.equal(fastPaths.incrementalBuffers, 'on');
      assert.equal(fastPaths.recvBundle, 'EBUSY');
    });
  });

  describe('useZeroCopySend', () => {
    it('sends long writes so, and short ones not', async () => {
      const options = { useZeroCopySend: true, zeroCopySendMin: 1000 };
      const { server, client, connection } = await network.pair(options);
      assert.equal(server.info().fastPaths.zeroCopySend, 'on');
      await written(connection, pattern(999));
      assert.equal(server.info().zeroCopyRequests, 0);
      await written(connection, pattern(1000, 2));
      const { zeroCopyRequests, zeroCopyNotifications, zeroCopyErrors } = server.info();
      assert.deepEqual([zeroCopyRequests, zeroCopyNotifications, zeroCopyErrors], [1, 1, 0]);
      const expected = Buffer.concat([pattern(999), pattern(1000, 2)]);
      assert.deepEqual(await readBytes(client, expected.length), expected);
    });

    it('gathers several writes', async () => {
      const options = { useZeroCopySend: true };
      const { server, client, connection } = await network.pair(options);
      const parts = [pattern(20 * KIB, 1), pattern(20 * KIB, 2), pattern(20 * KIB, 3)];
      for (const part of parts) connection.write(part);
      assert.deepEqual(await readBytes(client, 60 * KIB), Buffer.concat(parts));
      await eventually(() => server.info().zeroCopyNotifications === 1, 'the notification');
      assert.equal(server.info().zeroCopyRequests, 1);
    });

    it('has done with the memory when the write is done', async () => {
      const options = { useZeroCopySend: true, socketSendBufferSize: 4 * MIB };
      const { server, client, connection } = await network.pair(options);
      client.pause();
      const sent = pattern(300 * KIB);
      const expected = Buffer.from(sent);
      const done = written(connection, sent).then(() => sent.fill(0));
      client.resume();
      assert.deepEqual(await readBytes(client, expected.length), expected);
      await done;
      assert.ok(server.info().zeroCopyRequests > 0);
    });

    it('stops where the kernel copies all the same, as on loopback', async () => {
      const { server, client, connection } = await network.pair({ useZeroCopySend: true });
      client.resume();
      for (let i = 0; i < 5; i++) await written(connection, pattern(100 * KIB));
      const { zeroCopyRequests, zeroCopyCopied } = server.info();
      assert.deepEqual([zeroCopyRequests, zeroCopyCopied], [1, 1]);
    });

    it('sends plainly where the kernel refuses it, as on Unix sockets', async () => {
      const name = path.join(os.tmpdir(), `searings-zc-${process.pid}.sock`);
      const sent = pattern(MIB);
      const server = createTcpServer({ useZeroCopySend: true }, (connection) => {
        connection.end(sent);
      });
      server.listen(name);
      await once(server, 'listening');
      try {
        assert.deepEqual(await readAll(net.connect(name)), sent);
        const { zeroCopyRequests, zeroCopyErrors } = server.info();
        assert.ok(zeroCopyErrors > 0);
        assert.equal(zeroCopyRequests, zeroCopyErrors);
      } finally {
        await stop(server);
      }
    });

    const ends = {
      'destroy()': (_server, connection) => connection.destroy(),
      'resetAndDestroy()': (_server, connection) => connection.resetAndDestroy(),
      'stop()': (server) => server.stop(),
      'destroy() and stop()': (server, connection) => {
        connection.destroy();
        setImmediate(() => server.stop());
      },
      'destroy() and stop() at once': (server, connection) => {
        connection.destroy();
        server.stop();
      },
    };
    for (const [what, end] of Object.entries(ends)) {
      it(`ends with ${what} while a peer that never reads holds the bytes`, async () => {
        const { server, client, connection } = await network.pair({ useZeroCopySend: true });
        client.pause();
        connection.on('error', () => {});
        connection.write(pattern(16 * MIB));
        await eventually(() => server.info().zeroCopyRequests > 0, 'a zero-copy send');
        const gone = closed(connection);
        end(server, connection);
        await gone;
        await nothingLeft(server);
        const { zeroCopyRequests, zeroCopyNotifications } = server.info();
        assert.equal(zeroCopyNotifications, zeroCopyRequests);
      });
    }
  });

  describe('useZeroCopySend, at the end', () => {
    const options = { useZeroCopySend: true, socketSendBufferSize: 4 * MIB };

    it('gives a peer that reads everything that was written before destroy()', async () => {
      const { client, connection } = await network.pair(options);
      client.pause();
      // What one send finds room for: the system may grant much less than was asked for (6.1: 208 KiB).
      const granted = Number(fs.readFileSync('/proc/sys/net/core/wmem_max', 'utf8'));
      const sent = pattern(Math.min(2 * MIB, Math.floor(granted / 8) * 4));
      connection.write(sent);
      await new Promise(setImmediate);
      connection.destroy();
      assert.ok(sent.equals(await readAll(client)));
    });

    it('does not count what it broke off as sent', async () => {
      const { server, client, connection } = await network.pair(options);
      client.pause();
      connection.on('error', () => {});
      const done = new Promise((resolve) => connection.write(pattern(8 * MIB), resolve));
      await eventually(() => server.info().zeroCopyRequests > 0, 'a zero-copy send');
      // Where the system grants little, some that were short are over: the peer has acknowledged them.
      const sent = await settled(() => server.info().bytesSent);
      connection.resetAndDestroy();
      assert.ok((await done) instanceof Error);
      await nothingLeft(server);
      assert.equal(server.info().bytesSent, sent);
    });
  });

  describe('useRegisteredSendBuffer', () => {
    it('sends from registered memory what fits, and the rest plainly', async () => {
      const options = {
        useRegisteredSendBuffer: true,
        sendBufferCount: 4,
        sendBufferSize: 8 * KIB,
        zeroCopySendMin: 4 * KIB,
      };
      const server = await network.listen(options);
      assert.equal(server.info().fastPaths.registeredSendBuffer, 'on');
      assert.equal(server.info().fastPaths.zeroCopySend, 'not asked for');
      assert.equal(server.info().sendBufferCount, 4);
      const sizes = [4 * KIB - 1, 4 * KIB, 8 * KIB, 8 * KIB + 1];
      for (const [i, size] of sizes.entries()) {
        const accepted = once(server, 'connection');
        const client = await network.connect(server);
        const [connection] = await accepted;
        const sent = pattern(size, i);
        const expected = Buffer.from(sent);
        await written(connection, sent);
        sent.fill(0);
        assert.deepEqual(await readBytes(client, size), expected);
      }
      const { registeredSendRequests, registeredSendMisses, zeroCopyRequests } = server.info();
      assert.deepEqual([registeredSendRequests, registeredSendMisses, zeroCopyRequests], [2, 1, 2]);
    });
  });
});
