'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { pipeline } = require('node:stream/promises');
const { closed } = require('./helpers/clients');
const { settled } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { watchMemory } = require('./helpers/memory');
const { useNetwork } = require('./helpers/network');
const { createRandom, RandomCheck, RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const CHUNK = 64 * 1024;
const TOTAL = 64 * MIB;

/** What the sockets' buffers of one connection hold at most, both ends taken together. */
const KERNEL_BOUND = 24 * MIB;

/**
 * What may have been received already when a connection stops reading: the receive buffers, which kernels before
 * 6.17 fill in one go, and what those of the batch held that the server saw before.
 */
const RECEIVED_BOUND = 17 * MIB;

/** What reading or writing TOTAL bytes may cost the process: garbage between two collections. */
const MEMORY_BOUND = 56 * MIB;

/** Writes as long as write() says yes, waits for 'drain' otherwise, until `total` is written. */
async function writeObediently(stream, seed, total) {
  const random = new RandomStream(seed);
  for (let position = 0; position < total; ) {
    const free = stream.write(random.slice(position, Math.min(CHUNK, total - position)));
    position += CHUNK;
    if (!free) {
      await once(stream, 'drain');
    }
  }
  stream.end();
}

/** Reads to the end and compares every byte: @returns {Promise<number>} how many there were */
async function checkAll(stream, seed) {
  const check = new RandomCheck(seed);
  stream.on('data', (chunk) => check.push(chunk));
  await once(stream, 'end');
  return check.position;
}

describe('backpressure: a client that does not read', function () {
  limit(this, 60);
  const network = useNetwork();

  it('stops a server that obeys write(), which goes on when the client reads', async () => {
    const { server, client, connection } = await network.pair();
    const memory = watchMemory();
    const written = writeObediently(connection, 1, TOTAL);
    const stalledAt = await settled(() => connection.bytesWritten);
    assert.ok(stalledAt < KERNEL_BOUND, `${stalledAt} bytes written to a client that reads none`);
    assert.equal(connection.writableNeedDrain, true);
    assert.ok(connection.writableLength <= connection.writableHighWaterMark + CHUNK);
    memory.within(MEMORY_BOUND);

    const gone = closed(connection);
    connection.resume();
    assert.equal(await checkAll(client, 1), TOTAL);
    await written;
    await gone;
    memory.stop();
    memory.within(MEMORY_BOUND);
    await nothingLeft(server);
  });

  it('costs little memory also a hundred times', async () => {
    const server = await network.listen({}, (connection) => {
      connection.on('error', () => {});
      writeObediently(connection, 2, TOTAL).catch(() => {});
      connections.push(connection);
    });
    const connections = [];
    const memory = watchMemory();
    const clients = await Promise.all(Array.from({ length: 100 }, () => network.connect(server)));
    const bytesWritten = () => connections.reduce((sum, one) => sum + one.bytesWritten, 0);
    await settled(bytesWritten);
    memory.stop();
    memory.within(MEMORY_BOUND);
    assert.equal(connections.length, 100);
    for (const connection of connections) {
      assert.equal(connection.writableNeedDrain, true);
      assert.ok(connection.writableLength <= connection.writableHighWaterMark + CHUNK);
    }
    for (const client of clients) {
      client.destroy();
    }
    await nothingLeft(server);
  });

  it('does not slow other connections', async () => {
    const server = await network.listen({}, (connection) => {
      connection.on('error', () => {});
      connection.once('data', () => writeObediently(connection, 3, 16 * MIB).catch(() => {}));
    });
    const silent = await network.connect(server);
    silent.write('x');
    const reading = await network.connect(server);
    reading.write('x');
    assert.equal(await checkAll(reading, 3), 16 * MIB);
    assert.equal(silent.bytesRead < 16 * MIB, true);
  });

  it('a write of 32 MiB reaches a slow reader whole, and calls back once', async () => {
    const { client, connection } = await network.pair();
    const bytes = new RandomStream(4).bytes(32 * MIB);
    let calls = 0;
    const written = new Promise((resolve) => {
      assert.equal(
        connection.write(bytes, () => {
          calls++;
          resolve();
        }),
        false,
      );
    });
    connection.end();
    const random = createRandom(5);
    client.on('data', () => {
      if (random() < 0.02) {
        client.pause();
        setTimeout(() => client.resume(), 1);
      }
    });
    assert.equal(await checkAll(client, 4), bytes.length);
    await written;
    assert.equal(calls, 1);
  });

  it("'drain' comes in a write-drain loop as often as it is needed", async () => {
    const { client, connection } = await network.pair();
    const received = checkAll(client, 6);
    await writeObediently(connection, 6, TOTAL);
    assert.equal(await received, TOTAL);
  });
});

describe('backpressure: a server that does not read', function () {
  limit(this, 60);
  const network = useNetwork();

  for (const [what, options] of [
    ['the defaults', {}],
    ['few small buffers', { bufferCount: 4, bufferSize: 512 }],
  ]) {
    it(`stops the client, which goes on when the server reads (${what})`, async () => {
      const server = await network.listen(options);
      const accepted = new Promise((resolve) => {
        server.once('connection', (connection) => resolve(connection.pause()));
      });
      const client = await network.connect(server);
      const connection = await accepted;
      const memory = watchMemory();
      const written = writeObediently(client, 7, TOTAL);
      const stalledAt = await settled(() => client.bytesWritten);
      const inKernel = stalledAt - connection.bytesRead;
      assert.ok(
        inKernel < KERNEL_BOUND,
        `${inKernel} bytes on the way to a server that reads none`,
      );
      assert.ok(client.writableLength > 0);
      assert.ok(connection.bytesRead <= RECEIVED_BOUND);
      assert.equal(connection.readableFlowing, false);

      assert.equal(await checkAll(connection.resume(), 7), TOTAL);
      await written;
      memory.stop();
      memory.within(MEMORY_BOUND + RECEIVED_BOUND);
      await nothingLeft(server);
    });
  }

  it('is one that has no data listener', async () => {
    const { client, connection } = await network.pair();
    const written = writeObediently(client, 8, TOTAL);
    const stalledAt = await settled(() => client.bytesWritten);
    assert.ok(stalledAt - connection.readableLength < KERNEL_BOUND);
    assert.ok(connection.readableLength <= RECEIVED_BOUND);
    assert.equal(await checkAll(connection, 8), TOTAL);
    await written;
  });

  it('stops its clients while another connection is served', async () => {
    const server = await network.listen({ bufferCount: 4, bufferSize: 512 }, (connection) => {
      connection.once('data', (first) => {
        connection.pause();
        if (first[0] === 0x65) {
          connection.unshift(first);
          connection.pipe(connection);
        }
      });
    });
    const silent = await Promise.all(Array.from({ length: 10 }, () => network.connect(server)));
    for (const client of silent) {
      client.write(Buffer.alloc(8 * MIB));
    }
    await settled(() => server.info().connectionsActive);
    const client = await network.connect(server);
    const bytes = new RandomStream(9).bytes(4 * MIB);
    client.write('e');
    client.end(bytes);
    const check = new RandomCheck(9);
    let first = true;
    client.on('data', (chunk) => {
      check.push(first ? chunk.subarray(1) : chunk);
      first = false;
    });
    await once(client, 'end');
    assert.equal(check.position, bytes.length);
  });
});

describe('backpressure: pause() and resume()', function () {
  limit(this, 60);
  const network = useNetwork();

  it('at random in the middle of a stream lose nothing', async () => {
    const { client, connection } = await network.pair();
    const random = createRandom(10);
    const pauseAtRandom = () => {
      if (random() < 0.2) {
        connection.pause();
        const again = () => connection.resume();
        if (random() < 0.5) {
          setImmediate(again);
        } else {
          setTimeout(again, random() * 4);
        }
      }
    };
    connection.on('data', pauseAtRandom);
    const written = writeObediently(client, 11, 16 * MIB);
    assert.equal(await checkAll(connection, 11), 16 * MIB);
    await written;
  });

  it('in quick alternation lose nothing', async () => {
    const { client, connection } = await network.pair();
    connection.on('data', () => {
      connection.pause();
      connection.resume();
      connection.pause();
      process.nextTick(() => connection.resume());
    });
    const written = writeObediently(client, 12, 16 * MIB);
    assert.equal(await checkAll(connection, 12), 16 * MIB);
    await written;
  });

  it('let no data event through in between', async () => {
    const { client, connection } = await network.pair();
    connection.on('data', () => assert.equal(connection.isPaused(), false));
    connection.on('data', () => {
      connection.pause();
      setImmediate(() => connection.resume());
    });
    const written = writeObediently(client, 13, 4 * MIB);
    assert.equal(await checkAll(connection, 13), 4 * MIB);
    await written;
  });

  it('hold for both ends of a proxy', async () => {
    const back = await network.listen({}, (connection) => connection.pipe(connection));
    const front = await network.listen({ allowHalfOpen: true }, async (connection) => {
      const upstream = await network.connect(back, { allowHalfOpen: true });
      await Promise.all([pipeline(connection, upstream), pipeline(upstream, connection)]);
    });
    const client = await network.connect(front);
    const written = writeObediently(client, 14, TOTAL);
    const stalledAt = await settled(() => client.bytesWritten);
    assert.ok(stalledAt < TOTAL);
    assert.equal(await checkAll(client, 14), TOTAL);
    await written;
  });
});
