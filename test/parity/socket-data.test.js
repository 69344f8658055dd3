'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { closed, readAll, readBytes } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

describe("'data'", () => {
  const world = useWorld();

  it('has a Buffer', async () => {
    const { client, connection } = await world.pair();
    client.write('hello');
    const [data, ...rest] = await once(connection, 'data');
    assert.ok(Buffer.isBuffer(data));
    assert.deepEqual([String(data), rest], ['hello', []]);
  });

  it('has a string after setEncoding(), which returns the socket', async () => {
    const { client, connection } = await world.pair();
    assert.equal(connection.setEncoding('utf8'), connection);
    client.write('grüße');
    assert.equal((await once(connection, 'data'))[0], 'grüße');
  });

  it('keeps characters whole that come in pieces', async () => {
    const { client, connection } = await world.pair();
    connection.setEncoding('utf8');
    const bytes = Buffer.from('a€');
    let text = '';
    connection.on('data', (chunk) => {
      text += chunk;
      if (text === 'a') client.end(bytes.subarray(2));
    });
    client.write(bytes.subarray(0, 2));
    await once(connection, 'end');
    assert.equal(text, 'a€');
  });

  it('waits for somebody to read', async () => {
    const { client, connection } = await world.pair();
    client.end('early');
    await once(connection, 'readable');
    assert.equal(String(await readAll(connection)), 'early');
  });

  it('does not come while paused; pause() and resume() return the socket', async () => {
    const { client, connection } = await world.pair();
    let paused = false;
    let received = 0;
    connection.on('data', (chunk) => {
      assert.equal(paused, false);
      received += chunk.length;
    });
    for (let round = 1; round <= 20; round++) {
      paused = true;
      assert.equal(connection.pause(), connection);
      client.write('x');
      await new Promise(setImmediate);
      paused = false;
      assert.equal(connection.resume(), connection);
      while (received < round) await once(connection, 'data');
    }
  });

  it('is counted by bytesRead', async () => {
    const { client, connection } = await world.pair();
    assert.equal(connection.bytesRead, 0);
    connection.setEncoding('utf8');
    client.end('grüße'.repeat(10000));
    await readText(connection);
    assert.equal(connection.bytesRead, 70000);
    await closed(connection);
    assert.equal(connection.bytesRead, 70000);
  });
});

async function readText(stream) {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

describe('a connection that is read otherwise', () => {
  const world = useWorld();

  it("gives what read() asks for, with 'readable'", async () => {
    const { client, connection } = await world.pair();
    client.write('abcdef');
    let head = null;
    while (head === null) {
      await once(connection, 'readable');
      head = connection.read(4);
    }
    assert.equal(String(head), 'abcd');
    assert.equal(String(connection.read()), 'ef');
    assert.equal(connection.read(), null);
  });

  it('gives back what unshift() returned to it', async () => {
    const { client, connection } = await world.pair();
    client.end('body');
    const [data] = await once(connection, 'data');
    connection.pause();
    connection.unshift(data);
    connection.unshift('head ');
    assert.equal(String(await readAll(connection)), 'head body');
  });

  it('can be iterated', async () => {
    const { client, connection } = await world.pair();
    client.end('one two');
    assert.equal(await readText(connection), 'one two');
  });

  it('can be piped: to itself, it is an echo', async () => {
    const { client, connection } = await world.pair();
    connection.pipe(connection);
    const sent = Buffer.alloc(500000, 'echo');
    const received = readAll(client);
    client.end(sent);
    assert.ok(sent.equals(await received));
  });

  it('takes part in pipeline()', async () => {
    const { client, connection } = await world.pair();
    const received = readAll(client);
    await pipeline(Readable.from([Buffer.from('a'), Buffer.from('b'), 'c']), connection);
    assert.equal(String(await received), 'abc');
  });
});

describe('socket.write()', () => {
  const world = useWorld();

  it('sends strings in their encoding, Buffers and Uint8Arrays, in order', async () => {
    const { client, connection } = await world.pair();
    connection.write('é');
    connection.write('é', 'latin1');
    connection.write('c3a9', 'hex');
    connection.write('w6k=', 'base64');
    connection.write('é', 'utf16le');
    connection.write(Buffer.from('é'));
    connection.write(new Uint8Array([0, 0xc3, 0xa9, 0]).subarray(1, 3));
    connection.end();
    const e = Buffer.from('é');
    const expected = Buffer.concat([e, Buffer.of(0xe9), e, e, Buffer.of(0xe9, 0), e, e]);
    assert.deepEqual(await readAll(client), expected);
  });

  it('heeds setDefaultEncoding()', async () => {
    const { client, connection } = await world.pair();
    connection.setDefaultEncoding('hex');
    connection.end('616263');
    assert.equal(String(await readAll(client)), 'abc');
  });

  it('calls back, after it has returned, in the order of the writes', async () => {
    const { client, connection } = await world.pair();
    client.resume();
    const calls = [];
    await new Promise((resolve) => {
      connection.write('a', (err) => calls.push(['a', err == null]));
      connection.write('b', 'latin1', (err) => calls.push(['b', err == null]));
      connection.write('', (err) => calls.push(['', err == null]));
      connection.write(Buffer.alloc(100000), resolve);
      assert.deepEqual(calls, []);
    });
    assert.deepEqual(calls, [
      ['a', true],
      ['b', true],
      ['', true],
    ]);
  });

  it('is counted by bytesWritten, in bytes, at once', async () => {
    const { client, connection } = await world.pair();
    assert.equal(connection.bytesWritten, 0);
    connection.write('grüße');
    assert.equal(connection.bytesWritten, 7);
    connection.end('0102', 'hex');
    assert.equal(connection.bytesWritten, 9);
    const gone = closed(connection.resume());
    await readAll(client);
    await gone;
    assert.equal(connection.bytesWritten, 9);
  });

  for (const [what, args, code] of [
    ['null', [null], 'ERR_STREAM_NULL_VALUES'],
    ['a number', [1], 'ERR_INVALID_ARG_TYPE'],
    ['an object', [{}], 'ERR_INVALID_ARG_TYPE'],
    ['nothing', [], 'ERR_INVALID_ARG_TYPE'],
    ['an encoding that there is not', ['x', 'utf9'], 'ERR_UNKNOWN_ENCODING'],
  ]) {
    it(`throws ${code} for ${what}, and the connection lives on`, async () => {
      const { client, connection } = await world.pair();
      assert.throws(() => connection.write(...args), { name: 'TypeError', code });
      connection.write('fine');
      assert.equal(String((await once(client, 'data'))[0]), 'fine');
    });
  }

  it('waits while corked', async () => {
    const { client, connection } = await world.pair();
    connection.cork();
    connection.cork();
    let called = false;
    connection.write('a', () => {
      called = true;
    });
    assert.equal(connection.writableCorked, 2);
    connection.uncork();
    assert.equal(connection.writableCorked, 1);
    await new Promise(setImmediate);
    assert.equal(called, false);
    connection.write('b');
    connection.uncork();
    assert.equal(connection.writableCorked, 0);
    assert.equal(String(await readBytes(client, 2)), 'ab');
  });
});
