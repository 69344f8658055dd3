'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { closed, readAll, readBytes } = require('./helpers/clients');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe("the peer's FIN, allowHalfOpen false", function () {
  limit(this, 20);
  const network = useNetwork();

  it("ends the connection from both sides: 'end', 'finish', 'close'", async () => {
    const { client, connection } = await network.pair();
    const order = [];
    for (const event of ['end', 'finish', 'error']) {
      connection.on(event, () => order.push(event));
    }
    const gone = closed(connection);
    const clientEnded = readAll(client);
    connection.resume();
    client.end('bye');
    assert.equal(await gone, false);
    assert.deepEqual(order, ['end', 'finish']);
    assert.equal((await clientEnded).length, 0);
    assert.equal(connection.destroyed, true);
  });

  it('is seen by a connection that has no data listener but reads', async () => {
    const { client, connection } = await network.pair();
    const gone = closed(connection);
    client.end();
    connection.resume();
    await gone;
  });

  it('comes after all data, and not before it has been read', async () => {
    const { client, connection } = await network.pair();
    let ended = false;
    connection.on('end', () => {
      ended = true;
    });
    const bytes = new RandomStream(1).bytes(MIB);
    connection.pause();
    client.end(bytes);
    const [first] = await Promise.all([once(connection, 'data'), connection.resume()]);
    connection.pause();
    assert.equal(ended, false);
    const rest = await readAll(connection);
    assert.ok(Buffer.concat([first[0], rest]).equals(bytes));
    assert.equal(ended, true);
  });

  it('still lets go what was written before it', async () => {
    const { client, connection } = await network.pair();
    const bytes = new RandomStream(2).bytes(8 * MIB);
    connection.write(bytes);
    connection.resume();
    const gone = closed(connection);
    client.end();
    await once(connection, 'end');
    assert.ok((await readAll(client)).equals(bytes));
    assert.equal(await gone, false);
  });

  it("lets a data listener that has seen the last data answer before 'end'", async () => {
    const server = await network.listen({}, (connection) => {
      connection.on('data', (data) => connection.write(`re:${data}`));
    });
    const client = await network.connect(server);
    client.end('request');
    assert.equal(String(await readAll(client)), 're:request');
  });

  it('makes later writes fail', async () => {
    const { client, connection } = await network.pair();
    const failed = once(connection, 'error');
    connection.resume();
    client.end();
    await once(connection, 'end');
    await new Promise(setImmediate);
    const error = await new Promise((resolve) => connection.write('too late', resolve));
    assert.ok(error instanceof Error);
    assert.ok(['EPIPE', 'ERR_STREAM_DESTROYED', 'ERR_STREAM_WRITE_AFTER_END'].includes(error.code));
    failed.catch(() => {});
  });
});

describe("the peer's FIN, allowHalfOpen true", function () {
  limit(this, 20);
  const network = useNetwork();

  it('leaves the writing side open until end()', async () => {
    const { client, connection } = await network.pair({ allowHalfOpen: true });
    const answer = readAll(client);
    connection.resume();
    client.end('question');
    await once(connection, 'end');
    assert.equal(connection.writable, true);
    assert.equal(connection.readyState, 'writeOnly');
    const gone = closed(connection);
    for (const word of ['a', 'late', 'answer']) {
      await new Promise((resolve) => connection.write(`${word} `, resolve));
    }
    connection.end('.');
    assert.equal(String(await answer), 'a late answer .');
    assert.equal(await gone, false);
  });

  it('allows megabytes in answer', async () => {
    const server = await network.listen({ allowHalfOpen: true }, (connection) => {
      connection.resume();
      connection.on('end', () => connection.end(new RandomStream(3).bytes(8 * MIB)));
    });
    const client = await network.connect(server);
    client.end();
    assert.ok((await readAll(client)).equals(new RandomStream(3).bytes(8 * MIB)));
  });

  it('allows an answer to be piped in', async () => {
    const server = await network.listen({ allowHalfOpen: true }, (connection) => {
      connection.pipe(connection);
    });
    const client = await network.connect(server);
    const bytes = new RandomStream(4).bytes(2 * MIB);
    client.end(bytes);
    assert.ok((await readAll(client)).equals(bytes));
  });

  it('lets destroy() close the rest', async () => {
    const { client, connection } = await network.pair({ allowHalfOpen: true });
    const gone = Promise.all([closed(client), closed(connection)]);
    connection.resume();
    client.resume();
    client.end();
    await once(connection, 'end');
    connection.destroy();
    assert.deepEqual(await gone, [false, false]);
  });

  it("does not bring 'close' while one side is open", async () => {
    const { client, connection } = await network.pair({ allowHalfOpen: true });
    let gone = false;
    connection.on('close', () => {
      gone = true;
    });
    connection.resume();
    client.end();
    await once(connection, 'end');
    const reading = readBytes(client, 3000);
    for (let i = 0; i < 30; i++) {
      await new Promise((resolve) => connection.write(Buffer.alloc(100), resolve));
      assert.equal(gone, false);
    }
    await reading;
    const end = closed(connection);
    connection.end();
    await end;
  });
});

describe('end() by the server', function () {
  limit(this, 20);
  const network = useNetwork();

  for (const allowHalfOpen of [false, true]) {
    it(`goes on reading until the client ends (allowHalfOpen ${allowHalfOpen})`, async () => {
      const { client, connection } = await network.pair({ allowHalfOpen }, { allowHalfOpen: true });
      const order = [];
      connection.on('finish', () => order.push('finish'));
      connection.on('end', () => order.push('end'));
      const gone = closed(connection);
      const received = readAll(connection);
      client.resume();
      connection.end('enough');
      await once(client, 'end');
      assert.equal(connection.readyState, 'readOnly');
      const bytes = new RandomStream(5).bytes(2 * MIB);
      client.write(bytes);
      client.end();
      assert.ok((await received).equals(bytes));
      assert.equal(await gone, false);
      assert.deepEqual(order, ['finish', 'end']);
    });
  }

  it("calls back, and 'finish' comes, once everything is sent", async () => {
    const { client, connection } = await network.pair();
    const order = [];
    connection.on('finish', () => order.push('finish'));
    const received = readAll(client);
    connection.write(Buffer.alloc(4 * MIB), () => order.push('written'));
    await new Promise((resolve) => connection.end(resolve));
    order.push('end callback');
    assert.deepEqual(order.slice(0, 1), ['written']);
    assert.deepEqual(order.slice().sort(), ['end callback', 'finish', 'written']);
    assert.equal(connection.writableFinished, true);
    assert.equal((await received).length, 4 * MIB);
  });

  it('at the same time from both sides', async () => {
    const { client, connection } = await network.pair();
    const gone = Promise.all([closed(client), closed(connection)]);
    connection.resume();
    client.resume();
    connection.end();
    client.end();
    assert.deepEqual(await gone, [false, false]);
  });

  it('twice is as good as once', async () => {
    const { client, connection } = await network.pair();
    connection.end('once');
    connection.end();
    assert.equal(String(await readAll(client)), 'once');
  });

  it('in the connection listener, before anything has been read', async () => {
    const server = await network.listen({}, (connection) => {
      connection.resume();
      connection.end();
    });
    const client = await network.connect(server);
    assert.equal((await readAll(client)).length, 0);
  });
});
