'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const { createProxy } = require('../examples/proxy');
const { LOOPBACK, closed, readAll, readBytes } = require('./helpers/clients');
const { eventually, settled } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const HALF_OPEN = { allowHalfOpen: true };

describe('examples/proxy.js', function () {
  limit(this, 20);
  const network = useNetwork();
  let upstream;
  let proxy;

  beforeEach(async () => {
    upstream = net.createServer(HALF_OPEN).listen(0, LOOPBACK);
    await once(upstream, 'listening');
    proxy = await network.open(createProxy({ host: LOOPBACK, port: upstream.address().port }));
  });

  afterEach(async () => {
    await nothingLeft(proxy);
    if (!upstream.listening) return;
    upstream.close();
    await once(upstream, 'close'); // which does not come before its last connection has gone
  });

  /** Both ends of a connection through the proxy. */
  async function through() {
    const accepted = once(upstream, 'connection');
    const client = await network.connect(proxy, HALF_OPEN);
    const [far] = await accepted;
    far.on('error', () => {});
    return { client, far };
  }

  it('passes on large data, both ways at once, and both ends', async () => {
    const { client, far } = await through();
    const there = new RandomStream(621).bytes(8 * MIB);
    const back = new RandomStream(622).bytes(8 * MIB);
    client.end(there);
    far.end(back);
    const [atFar, atClient] = await Promise.all([readAll(far), readAll(client)]);
    assert.ok(atFar.equals(there));
    assert.ok(atClient.equals(back));
  });

  it('passes on what is sent before the upstream is connected', async () => {
    const accepted = once(upstream, 'connection');
    const client = await network.connect(proxy, HALF_OPEN);
    client.end('early');
    const [far] = await accepted;
    assert.equal(String(await readAll(far)), 'early');
    far.end('late');
    assert.equal(String(await readAll(client)), 'late');
  });

  it('goes on one way after the other has ended', async () => {
    const { client, far } = await through();
    client.end('question');
    assert.equal(String(await readAll(far)), 'question');
    for (let i = 0; i < 10; i++) {
      far.write('answer');
      assert.equal(String(await readBytes(client, 6)), 'answer');
    }
    far.end();
    assert.equal(String(await readAll(client)), '');
  });

  it('goes on the other way after the one has ended', async () => {
    const { client, far } = await through();
    far.end('welcome');
    assert.equal(String(await readAll(client)), 'welcome');
    client.write('still ');
    assert.equal(String(await readBytes(far, 6)), 'still ');
    client.end('here');
    assert.equal(String(await readAll(far)), 'here');
  });

  it('holds the sender when the receiver does not read', async () => {
    const { client, far } = await through();
    far.pause();
    const total = 64 * MIB;
    client.write(Buffer.alloc(total, 'x'));
    // Of what the kernel and the proxy hold, only the kernel's share is more than a few KiB.
    const sent = await settled(() => client.bytesWritten - client.writableLength);
    assert.equal(sent < total, true);
    const received = readBytes(far, total);
    far.resume();
    assert.equal((await received).length, total);
    client.end();
    far.end();
  });

  it('resets the client when nothing listens upstream', async () => {
    upstream.close();
    await once(upstream, 'close');
    const client = await network.connect(proxy);
    const [error] = await once(client, 'error');
    assert.equal(error.code, 'ECONNRESET');
  });

  it('resets the client when the upstream is reset', async () => {
    const { client, far } = await through();
    const failed = once(client, 'error');
    far.write('partial');
    assert.equal(String(await readBytes(client, 7)), 'partial');
    far.resetAndDestroy();
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
  });

  it('resets the upstream when the client is reset', async () => {
    const { client, far } = await through();
    const failed = once(far, 'error');
    client.write('partial');
    assert.equal(String(await readBytes(far, 7)), 'partial');
    client.resetAndDestroy();
    const [error] = await failed;
    assert.equal(error.code, 'ECONNRESET');
  });

  it('lets go of the upstream when it is stopped', async () => {
    const { far } = await through();
    const gone = closed(far.resume());
    await proxy.stop();
    far.end();
    await gone;
  });

  it('keeps nothing of many connections that end in every way', async () => {
    const ends = ['end', 'destroy', 'resetAndDestroy'];
    const round = async (i) => {
      const { client, far } = await through();
      const gone = [closed(client.resume()), closed(far.resume())];
      const [one, other] = i % 2 ? [client, far] : [far, client];
      one.write('x'.repeat(1000));
      one[ends[i % 3]]();
      other.end();
      await Promise.all(gone);
    };
    for (let i = 0; i < 60; i++) await round(i);
    const count = () => new Promise((resolve) => upstream.getConnections((_err, n) => resolve(n)));
    await eventually(async () => (await count()) === 0, 'no connection upstream');
  });
});
