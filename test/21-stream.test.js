'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { addAbortSignal, Duplex, finished, Readable, Transform } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { closed, readAll, readBytes } = require('./helpers/clients');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe('a connection as a stream', function () {
  limit(this, 20);
  const network = useNetwork();

  it('is a Duplex, open in both directions', async () => {
    const { connection } = await network.pair();
    assert.ok(connection instanceof Duplex);
    assert.equal(connection.readable, true);
    assert.equal(connection.writable, true);
    assert.equal(connection.destroyed, false);
    assert.equal(connection.readableFlowing, null);
  });

  it('pipes to itself: an echo', async () => {
    const server = await network.listen({}, (connection) => connection.pipe(connection));
    const client = await network.connect(server);
    const bytes = new RandomStream(1).bytes(4 * MIB);
    client.end(bytes);
    assert.ok((await readAll(client)).equals(bytes));
  });

  it('takes part in stream.pipeline()', async () => {
    const upper = new Transform({
      transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
    });
    const { client, connection } = await network.pair();
    const done = pipeline(connection, upper, connection);
    client.end('shout');
    assert.equal(String(await readAll(client)), 'SHOUT');
    await done;
  });

  it('makes a pipeline fail when its peer resets', async () => {
    const { client, connection } = await network.pair();
    const failure = assert.rejects(pipeline(connection, connection), { code: 'ECONNRESET' });
    client.write('x', () => client.resetAndDestroy());
    await failure;
  });

  it('takes what a Readable gives', async () => {
    const { client, connection } = await network.pair();
    Readable.from(['a', 'b', 'c']).pipe(connection);
    assert.equal(String(await readAll(client)), 'abc');
  });

  it('can be read with for await', async () => {
    const { client, connection } = await network.pair();
    client.end('to the end');
    let text = '';
    for await (const chunk of connection) {
      text += chunk;
    }
    assert.equal(text, 'to the end');
  });

  it('is destroyed by leaving for await', async () => {
    const { client, connection } = await network.pair();
    const gone = closed(connection);
    client.write('one');
    for await (const chunk of connection) {
      assert.equal(String(chunk), 'one');
      break;
    }
    await gone;
    assert.equal(connection.destroyed, true);
  });

  it("can be read with 'readable' and read(n)", async () => {
    const { client, connection } = await network.pair();
    const pieces = [];
    connection.on('readable', () => {
      for (let piece = connection.read(3); piece !== null; piece = connection.read(3)) {
        pieces.push(String(piece));
      }
    });
    client.end('abcdefgh');
    await once(connection, 'end');
    assert.deepEqual(pieces, ['abc', 'def', 'gh']);
  });

  it('decodes with setEncoding(), characters split between packets included', async () => {
    const { client, connection } = await network.pair();
    connection.setEncoding('utf8');
    const chunks = [];
    connection.on('data', (chunk) => chunks.push(chunk));
    const ended = once(connection, 'end');
    const bytes = Buffer.from('ä世👋');
    for (const byte of bytes) {
      const read = connection.bytesRead + 1;
      client.write(Buffer.of(byte));
      while (connection.bytesRead < read) {
        await new Promise(setImmediate);
      }
    }
    client.end();
    await ended;
    assert.ok(chunks.every((chunk) => typeof chunk === 'string'));
    assert.equal(chunks.join(''), 'ä世👋');
  });

  it('gives events to once()', async () => {
    const { client, connection } = await network.pair();
    client.write('first');
    const [chunk] = await once(connection, 'data');
    assert.equal(String(chunk), 'first');
  });

  it('holds back what is written while corked', async () => {
    const { client, connection } = await network.pair();
    connection.cork();
    connection.write('later');
    let received = '';
    client.on('data', (chunk) => {
      received += chunk;
    });
    client.write('ping');
    await once(connection, 'data');
    assert.equal(connection.writableCorked > 0, true);
    assert.equal(received, '');
    assert.equal(connection.writableLength, 5);
    const arrived = once(client, 'data');
    connection.uncork();
    await arrived;
    assert.equal(received, 'later');
  });

  it('keeps the order of corked, nested corked and uncorked writes', async () => {
    const { client, connection } = await network.pair();
    connection.write('a');
    connection.cork();
    connection.write('b');
    connection.cork();
    connection.write('c');
    connection.uncork();
    connection.write('d');
    connection.uncork();
    connection.end('e');
    assert.equal(String(await readAll(client)), 'abcde');
  });

  it('end() sends what is corked', async () => {
    const { client, connection } = await network.pair();
    connection.cork();
    connection.write('corked');
    connection.end();
    assert.equal(String(await readAll(client)), 'corked');
  });

  it('unshift() puts bytes back', async () => {
    const { client, connection } = await network.pair();
    client.end('headbody');
    const [chunk] = await once(connection, 'data');
    connection.pause();
    connection.unshift(chunk.subarray(4));
    connection.removeAllListeners('data');
    assert.equal(String(chunk.subarray(0, 4)), 'head');
    assert.equal(String(await readAll(connection)), 'body');
  });

  it('can be aborted by an AbortSignal', async () => {
    const { client, connection } = await network.pair();
    const controller = new AbortController();
    addAbortSignal(controller.signal, connection);
    const gone = closed(client);
    const failed = once(connection, 'error');
    controller.abort();
    const [error] = await failed;
    assert.equal(error.name, 'AbortError');
    await gone;
  });

  it('satisfies stream.finished()', async () => {
    const { client, connection } = await network.pair();
    const done = new Promise((resolve) => finished(connection, resolve));
    connection.resume();
    client.end();
    assert.equal(await done, undefined);
  });
});

describe('write callbacks and events', function () {
  limit(this, 20);
  const network = useNetwork();

  it('come in the order of the writes, each once', async () => {
    const { client, connection } = await network.pair();
    const order = [];
    for (let i = 0; i < 100; i++) {
      connection.write(Buffer.alloc(1 + i * 997), () => order.push(i));
    }
    const ended = new Promise((resolve) => connection.end(() => resolve(order.push('end'))));
    await Promise.all([readAll(client), ended]);
    assert.deepEqual(order, [...Array(100).keys(), 'end']);
  });

  it('never come before write() has returned', async () => {
    const { connection } = await network.pair();
    let returned = false;
    await new Promise((resolve) => {
      connection.write('x', () => resolve(assert.equal(returned, true)));
      returned = true;
    });
  });

  it("write() is false above the high-water mark, and one 'drain' follows", async () => {
    const { client, connection } = await network.pair();
    let drains = 0;
    connection.on('drain', () => drains++);
    assert.equal(connection.write('small'), true);
    // More than the kernel takes while the client does not read.
    assert.equal(connection.write(Buffer.alloc(32 * MIB)), false);
    assert.equal(connection.writableNeedDrain, true);
    assert.equal(connection.write(Buffer.alloc(1000)), false);
    const drained = once(connection, 'drain');
    client.resume();
    await drained;
    assert.equal(connection.writableLength, 0);
    assert.equal(connection.writableNeedDrain, false);
    await new Promise((resolve) => connection.write('more', resolve));
    assert.equal(drains, 1);
  });

  it("come before 'finish', which comes before 'close'", async () => {
    const { client, connection } = await network.pair();
    const order = [];
    connection.on('finish', () => order.push('finish'));
    connection.on('end', () => order.push('end'));
    const gone = closed(connection).then((hadError) => order.push(`close ${hadError}`));
    connection.resume();
    connection.write('data', () => order.push('written'));
    connection.end();
    client.resume();
    await gone;
    assert.deepEqual(order, ['written', 'finish', 'end', 'close false']);
  });

  it('the client reads everything before it reads the end', async () => {
    const { client, connection } = await network.pair();
    const bytes = readBytes(client, MIB);
    const ended = once(client, 'end');
    connection.end(Buffer.alloc(MIB, 7));
    assert.equal((await bytes).length, MIB);
    await ended;
  });
});
