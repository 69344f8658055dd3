'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { closed, readAll, readBytes } = require('./helpers/clients');
const { echo } = require('./helpers/echo');
const { useNetwork } = require('./helpers/network');
const { createRandom, randomSize, RandomCheck, RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');
const { TcpConnection } = require('..');

describe('data', function () {
  limit(this, 20);
  const network = useNetwork();

  it('comes to the connection listener and goes back', async () => {
    const server = await network.listen({}, (connection) => {
      connection.on('data', (data) => connection.write(`echo:${data}`));
    });
    const client = await network.connect(server);
    client.write('hello');
    assert.equal(String(await readBytes(client, 10)), 'echo:hello');
  });

  it("gives the listener and 'connection' the same TcpConnection", async () => {
    const seen = [];
    const server = await network.listen({}, (connection) => seen.push(connection));
    server.on('connection', (connection) => seen.push(connection));
    const accepted = once(server, 'connection');
    await network.connect(server);
    await accepted;
    assert.ok(seen[0] instanceof TcpConnection);
    assert.equal(seen[1], seen[0]);
  });

  it('can be written before the client has sent anything', async () => {
    const server = await network.listen({}, (connection) => connection.end('welcome'));
    const client = await network.connect(server);
    assert.equal(String(await readAll(client)), 'welcome');
  });

  it('arrives as Buffers', async () => {
    const { client, connection } = await network.pair();
    client.write('x');
    const [chunk] = await once(connection, 'data');
    assert.ok(Buffer.isBuffer(chunk));
    assert.equal(String(chunk), 'x');
  });

  it('is delivered even when the listener comes late', async () => {
    const { client, connection } = await network.pair();
    client.end('early');
    await once(client, 'finish');
    assert.equal(String(await readAll(connection)), 'early');
  });

  it('keeps the order of many writes in one turn', async () => {
    const { client, connection } = await network.pair();
    let expected = '';
    for (let i = 0; i < 5000; i++) {
      connection.write(`${i},`);
      expected += `${i},`;
    }
    connection.end();
    assert.equal(String(await readAll(client)), expected);
  });

  it('keeps the order of writes of every size, over many turns', async () => {
    const { client, connection } = await network.pair();
    const stream = new RandomStream(1);
    const random = createRandom(2);
    const total = 8 * MIB;
    const received = readAll(client);
    for (let position = 0; position < total; ) {
      const size = Math.min(randomSize(random, 1, 256 * 1024), total - position);
      const free = connection.write(stream.slice(position, size));
      position += size;
      if (!free) {
        await once(connection, 'drain');
      }
    }
    connection.end();
    assert.ok((await received).equals(stream.bytes(total)));
  });

  it('takes 20,000 writes of one byte', async () => {
    const { client, connection } = await network.pair();
    const bytes = new RandomStream(3).bytes(20000);
    for (let i = 0; i < bytes.length; i++) {
      connection.write(bytes.subarray(i, i + 1));
    }
    connection.end();
    assert.ok((await readAll(client)).equals(bytes));
  });

  it('goes back whatever is written from inside the data handler', async () => {
    const server = await network.listen({}, (connection) => echo(connection));
    const client = await network.connect(server);
    const check = new RandomCheck(4);
    const bytes = new RandomStream(4).bytes(4 * MIB);
    client.on('data', (chunk) => check.push(chunk));
    client.end(bytes);
    await closed(client);
    assert.equal(check.position, bytes.length);
  });

  for (const encoding of ['utf8', 'latin1', 'utf16le', 'hex', 'base64', 'ascii']) {
    it(`is written as a string in ${encoding}`, async () => {
      const { client, connection } = await network.pair();
      const expected = Buffer.from('ABCD0123', encoding);
      connection.write('ABCD0123', encoding);
      connection.end();
      assert.deepEqual(await readAll(client), expected);
    });
  }

  it('is written as a string in UTF-8 when nothing is said', async () => {
    const { client, connection } = await network.pair();
    connection.write('grüße, 世界');
    connection.end(' 👋');
    assert.equal(String(await readAll(client)), 'grüße, 世界 👋');
  });

  it('takes the encoding of setDefaultEncoding()', async () => {
    const { client, connection } = await network.pair();
    connection.setDefaultEncoding('hex');
    connection.write('00ff');
    connection.end();
    assert.deepEqual(await readAll(client), Buffer.of(0, 255));
  });

  it('is written as a Uint8Array, also one in the middle of its memory', async () => {
    const { client, connection } = await network.pair();
    const memory = new Uint8Array([9, 1, 2, 3, 9]);
    connection.write(memory.subarray(1, 4));
    connection.end(new Uint8Array([4]));
    assert.deepEqual(await readAll(client), Buffer.of(1, 2, 3, 4));
  });

  it('mixes strings and bytes in the order written', async () => {
    const { client, connection } = await network.pair();
    connection.write('a');
    connection.write(Buffer.from('b'));
    connection.write('63', 'hex');
    connection.write(new Uint8Array([100]));
    connection.end('e');
    assert.equal(String(await readAll(client)), 'abcde');
  });

  it('may be empty: the callback comes, and nothing is sent', async () => {
    const { client, connection } = await network.pair();
    await new Promise((resolve) => connection.write(Buffer.alloc(0), resolve));
    await new Promise((resolve) => connection.write('', resolve));
    connection.write('after');
    connection.end(Buffer.alloc(0));
    assert.equal(String(await readAll(client)), 'after');
  });

  for (const [what, chunk, code] of [
    ['a number', 42, 'ERR_INVALID_ARG_TYPE'],
    ['an object', {}, 'ERR_INVALID_ARG_TYPE'],
    ['undefined', undefined, 'ERR_INVALID_ARG_TYPE'],
    ['null', null, 'ERR_STREAM_NULL_VALUES'],
  ]) {
    it(`refuses ${what} at once, and the connection goes on`, async () => {
      const { client, connection } = await network.pair();
      assert.throws(() => connection.write(chunk), { code });
      connection.end('fine');
      assert.equal(String(await readAll(client)), 'fine');
    });
  }

  it('leaves the memory of a write to its owner once the callback has come', async () => {
    const { client, connection } = await network.pair();
    const received = readAll(client);
    const memory = Buffer.allocUnsafe(64 * 1024);
    const expected = [];
    for (let i = 0; i < 50; i++) {
      memory.fill(i);
      expected.push(Buffer.from(memory));
      await new Promise((resolve) => connection.write(memory, resolve));
    }
    connection.end();
    assert.ok((await received).equals(Buffer.concat(expected)));
  });

  it('stays as it was received, however long it is kept', async () => {
    const { client, connection } = await network.pair();
    const received = readAll(connection);
    const bytes = new RandomStream(5).bytes(16 * MIB);
    client.end(bytes);
    assert.ok((await received).equals(bytes));
  });

  it("can be overwritten by its receiver without harm to another connection's", async () => {
    const kept = [];
    const server = await network.listen({}, (connection) => {
      connection.on('data', (chunk) => {
        kept.push({ chunk, copy: Buffer.from(chunk), mine: chunk[0] === 1 });
        if (chunk[0] === 0) {
          chunk.fill(0xff);
        }
      });
    });
    const clients = await Promise.all(Array.from({ length: 20 }, () => network.connect(server)));
    const gone = clients.map(closed);
    clients.forEach((client, index) => {
      client.end(Buffer.alloc(1000, index % 2));
    });
    await Promise.all(gone);
    const mine = kept.filter((entry) => entry.mine);
    assert.equal(Buffer.concat(mine.map(({ chunk }) => chunk)).length, 10000);
    assert.ok(mine.every(({ chunk, copy }) => chunk.equals(copy)));
  });
});

describe('data and the end of a connection', function () {
  limit(this, 20);
  const network = useNetwork();

  it('write(x) and destroy() in one turn deliver x', async () => {
    const { client, connection } = await network.pair();
    connection.write('last words');
    connection.destroy();
    assert.equal(String(await readAll(client)), 'last words');
  });

  it('several writes and destroy() in one turn deliver them all', async () => {
    const { client, connection } = await network.pair();
    for (const word of ['one ', 'two ', 'three']) {
      connection.write(word);
    }
    connection.destroy();
    assert.equal(String(await readAll(client)), 'one two three');
  });

  it('end(x) delivers x', async () => {
    const { client, connection } = await network.pair();
    connection.write('a');
    connection.end('b');
    assert.equal(String(await readAll(client)), 'ab');
  });

  it('end() delivers megabytes that still wait to be sent', async () => {
    const { client, connection } = await network.pair();
    const bytes = new RandomStream(6).bytes(16 * MIB);
    connection.write(bytes);
    connection.end();
    assert.ok((await readAll(client)).equals(bytes));
  });

  it('destroySoon() delivers what waits, then closes', async () => {
    const { client, connection } = await network.pair();
    const bytes = new RandomStream(7).bytes(4 * MIB);
    const gone = closed(connection);
    connection.write(bytes);
    connection.destroySoon();
    assert.ok((await readAll(client)).equals(bytes));
    await gone;
  });

  it('a FIN right behind the data still lets all of it be read', async () => {
    const server = await network.listen({ allowHalfOpen: true });
    const rounds = 50;
    for (let i = 0; i < rounds; i++) {
      const accepted = once(server, 'connection');
      const client = await network.connect(server);
      client.end(new RandomStream(i).slice(0, 100000));
      const [connection] = await accepted;
      const received = await readAll(connection);
      assert.ok(received.equals(new RandomStream(i).slice(0, 100000)));
      connection.end();
    }
  });
});
