'use strict';

/*
 * Zero-copy receive with no network card, where the kernel has that (7.1): all of it is real but the card. The
 * kernel copies to the area what comes over loopback, completes a receive for each piece, and wants its
 * buffers back by the refill ring. Other kernels say why not, and nothing is lost.
 */

const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const { once } = require('node:events');
const http = require('node:http');
const net = require('node:net');
const os = require('node:os');
const { createHttpServer, UringTcpEchoServer } = require('../..');
const { closed, connect, readAll, readBytes } = require('../helpers/clients');
const { eventually } = require('../helpers/eventually');
const { nothingLeft } = require('../helpers/leftovers');
const { useNetwork } = require('../helpers/network');
const { limit } = require('../helpers/scale');
const { KERNELS, versionOf } = require('./expected');

const MIB = 1 << 20;
const WITHOUT_DEVICE = { useZeroCopyReceive: true, zcrxWithoutDevice: true };
const SMALL_AREA = { ...WITHOUT_DEVICE, zcrxAreaSize: MIB };
const { withoutDevice } = KERNELS[versionOf(os.release())];
const isOn = withoutDevice === 'on';

const sha = (bytes) => crypto.createHash('sha256').update(bytes).digest('hex');

/** Answers a stream with the digest of what it received. */
function digest(connection) {
  const hash = crypto.createHash('sha256');
  connection.on('data', (chunk) => hash.update(chunk));
  connection.on('end', () => connection.end(hash.digest('hex')));
}

async function upload(network, server, bytes) {
  const client = await network.connect(server, { allowHalfOpen: true });
  client.end(bytes);
  return String(await readAll(client));
}

/** Everything received came by the area, and every piece went back. */
async function allBack(server, bytes) {
  await nothingLeft(server);
  await eventually(
    () => server.info().zcrxRefills === server.info().zcrxPackets,
    'all pieces back',
  );
  const info = server.info();
  assert.equal(info.bytesReceived, bytes);
  if (!isOn) return assert.equal(info.zcrxPackets ?? 0, 0);
  assert.ok(info.zcrxPackets > 0);
  assert.ok(info.zcrxBytes <= bytes);
  if (info.zcrxExhaustions === 0) assert.equal(info.zcrxBytes, bytes);
}

for (const driver of ['worker', 'inline']) {
  describe(`RECV_ZC without a device, ${driver}, on ${os.release()}`, function () {
    limit(this, 20);
    const network = useNetwork();
    const options = { ...WITHOUT_DEVICE, driver };

    it('is on, in a restricted ring, or off with the reason', async () => {
      const server = await network.listen(options);
      assert.equal(server.info().fastPaths?.zeroCopyReceive, withoutDevice);
      if (isOn) assert.equal(server.info().restrictedRing, 'on');
    });

    it('receives every byte of several streams at once', async () => {
      const server = await network.listen({ ...options, allowHalfOpen: true }, digest);
      const sent = Array.from({ length: 8 }, (_, i) => crypto.randomBytes(MIB + i));
      const answers = await Promise.all(sent.map((bytes) => upload(network, server, bytes)));
      assert.deepEqual(answers, sent.map(sha));
      await allBack(server, 8 * MIB + 28);
    });

    it('goes round an area many times', async () => {
      const server = await network.listen(
        { ...SMALL_AREA, driver, highWaterMark: 1024 },
        (connection) => connection.pipe(connection),
      );
      const client = await network.connect(server);
      for (let i = 0; i < 100; i++) {
        const sent = crypto.randomBytes(64 * 1024);
        client.write(sent);
        assert.ok(sent.equals(await readBytes(client, sent.length)), `round ${i}`);
      }
      client.destroy();
      await allBack(server, 100 * 64 * 1024);
      const { zcrxCopies, zcrxExhaustions } = server.info();
      assert.deepEqual([zcrxCopies ?? 0, zcrxExhaustions ?? 0], [0, 0]);
    });

    it('loses nothing where the area is too small', async () => {
      const server = await network.listen({ ...SMALL_AREA, driver, allowHalfOpen: true }, digest);
      const sent = crypto.randomBytes(MIB);
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => upload(network, server, sent)),
      );
      assert.deepEqual(answers, Array(8).fill(sha(sent)));
      await allBack(server, 8 * MIB);
    });

    it('holds a paused stream in the kernel, and gives it all afterwards', async () => {
      const { server, client, connection } = await network.pair(options);
      connection.pause();
      const sent = crypto.randomBytes(4 * MIB);
      client.end(sent);
      await eventually(() => server.info().bytesReceived > 0, 'the first bytes');
      assert.ok(sent.equals(await readAll(connection)));
      await allBack(server, 4 * MIB);
    });

    it('gives back what connections held that are cut', async () => {
      const server = await network.listen({ ...SMALL_AREA, driver }, (connection) => {
        connection.on('error', () => {});
        connection.once('data', () => connection.destroy());
      });
      const clients = await Promise.all(Array.from({ length: 16 }, () => network.connect(server)));
      for (const client of clients) client.write(crypto.randomBytes(256 * 1024));
      await Promise.all(clients.map((client) => closed(client.resume())));
      await nothingLeft(server);
      const { zcrxRefills, zcrxPackets } = server.info();
      assert.equal(zcrxRefills, zcrxPackets);
    });

    it('carries bodies of HTTP requests', async () => {
      const server = await network.open(
        createHttpServer(options, (request, response) => {
          const hash = crypto.createHash('sha256');
          request.on('data', (chunk) => hash.update(chunk));
          request.on('end', () => response.end(hash.digest('hex')));
        }),
      );
      const { port } = server.address();
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      for (const length of [0, 1, 5000, MIB]) {
        const body = crypto.randomBytes(length);
        const request = http.request({ port, host: '127.0.0.1', method: 'POST', agent });
        request.end(body);
        const [response] = await once(request, 'response');
        assert.equal(String(await readAll(response)), sha(body));
      }
      agent.destroy();
      assert.equal(server.info().zcrxPackets > 0, isOn);
    });

    it('starts and stops, several servers beside each other', async () => {
      for (let i = 0; i < 5; i++) {
        const pairs = await Promise.all([network.pair(options), network.pair(options)]);
        for (const { server, client, connection } of pairs) {
          assert.equal(server.info().fastPaths?.zeroCopyReceive, withoutDevice);
          client.write('hello');
          assert.equal(String(await readBytes(connection, 5)), 'hello');
          server.stop();
        }
      }
    });
  });
}

describe(`RECV_ZC without a device, servers without JavaScript, on ${os.release()}`, function () {
  limit(this, 20);

  it('an echo is sent out of the area', async () => {
    const server = new UringTcpEchoServer(SMALL_AREA);
    try {
      const { port } = await server.start();
      const client = await connect(port);
      const sent = crypto.randomBytes(2 * MIB);
      client.end(sent);
      assert.ok(sent.equals(await readAll(client)));
      assert.equal(server.info().zcrxPackets > 0, isOn);
      await eventually(() => server.info().zcrxRefills === server.info().zcrxPackets, 'all back');
    } finally {
      await server.stop();
    }
  });

  it('a peer that holds up its echo delays nobody else', async () => {
    const server = new UringTcpEchoServer(SMALL_AREA);
    const { port } = await server.start();
    const greedy = net.connect(port, '127.0.0.1');
    try {
      greedy.on('error', () => {});
      greedy.pause();
      greedy.write(crypto.randomBytes(8 * MIB));
      const client = await connect(port);
      for (let i = 0; i < 20; i++) {
        client.write('are you there');
        assert.equal(String(await readBytes(client, 13)), 'are you there');
      }
      client.destroy();
    } finally {
      greedy.destroy();
      await server.stop();
    }
  });
});
