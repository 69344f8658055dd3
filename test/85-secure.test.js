'use strict';

/* TLS and HTTPS servers with peers that break off, and at the end of their own life. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const net = require('node:net');
const tls = require('node:tls');
const { createHttpServer, createHttpsServer, createTlsServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, closed, connect, readAll } = require('./helpers/clients');
const { requestText } = require('./helpers/http');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { createRandom } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');
const { connectSecure, identity, startClient } = require('./helpers/tls');

/** What a client says first. */
async function clientHello() {
  const server = net.createServer();
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = tls.connect({ port: server.address().port, host: LOOPBACK });
  client.on('error', () => {});
  const [socket] = await accepted;
  const [hello] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

describe('secure servers', function () {
  limit(this, 30);
  const network = useNetwork();

  function serve(options, listener) {
    return network.open(createTlsServer({ ...identity('server'), ...options }, listener));
  }

  /** A server is well if it still serves, and holds nothing but what it serves. */
  async function assertWell(server) {
    const client = await connectSecure(server);
    client.end('well?');
    assert.equal(String(await readAll(client)), 'well?');
    await nothingLeft(server);
  }

  const echo = (secure) => {
    secure.on('error', () => {});
    secure.pipe(secure);
  };

  it('survive clients that go away during the handshake, at any byte', async () => {
    const server = await serve({}, echo);
    let failures = 0;
    server.on('tlsClientError', () => failures++);
    const hello = await clientHello();
    const { port } = server.address();
    const step = Math.ceil(hello.length / 60);
    let tries = 0;
    for (let length = 0; length <= hello.length; length += step) {
      const client = await connect(port);
      const gone = closed(client.resume());
      client.write(hello.subarray(0, length));
      const way = tries++ % 3;
      if (way === 0) client.end();
      else if (way === 1) client.destroy();
      else client.resetAndDestroy();
      await gone;
    }
    await assertWell(server);
    assert.equal(failures, tries);
  });

  it('survive records that are broken', async () => {
    const server = await serve({ handshakeTimeout: 10000 }, echo);
    server.on('tlsClientError', (_err, secure) => secure.destroy());
    const hello = await clientHello();
    const random = createRandom(5);
    for (let i = 0; i < 60; i++) {
      const broken = Buffer.from(hello);
      for (let n = 0; n < 3; n++) {
        broken[Math.floor(random() * (i < 20 ? 12 : broken.length))] = Math.floor(random() * 256);
      }
      const client = await connect(server.address().port);
      const gone = closed(client.resume());
      client.end(broken);
      await gone;
    }
    await assertWell(server);
  });

  it('survive peers that are cut while both sides write', async () => {
    const server = await serve({}, echo);
    const random = createRandom(6);
    const chunk = Buffer.alloc(256 * 1024, 'c');
    await Promise.all(
      Array.from({ length: 30 }, async (_none, i) => {
        const raw = await connect(server.address().port);
        const client = await connectSecure(server, { socket: raw });
        const gone = closed(client);
        let left = Math.floor(random() * 20);
        const write = () => {
          while (left > 0 && client.writable && client.write(chunk)) left--;
        };
        client.on('drain', write);
        client.on('data', () => {
          if (left-- > 0) return;
          if (i % 3 === 0) raw.resetAndDestroy();
          else if (i % 3 === 1) raw.destroy();
          else client.destroy();
        });
        write();
        client.write(chunk);
        await gone;
      }),
    );
    await assertWell(server);
  });

  it('send what was written before destroy(), also at once after the handshake', async () => {
    const server = await serve({}, (secure) => {
      secure.write('last words');
      secure.destroy();
    });
    for (let i = 0; i < 10; i++) {
      assert.equal(String(await readAll(await connectSecure(server))), 'last words');
    }
    await nothingLeft(server);
  });

  it('stop() cuts connections, also those in the handshake', async () => {
    const server = await serve({}, (secure) => {
      secure.on('error', () => {});
      secure.write(Buffer.alloc(8 * MIB));
    });
    const clients = [
      await network.connect(server),
      await connectSecure(server),
      startClient(server),
    ];
    const gone = clients.map((client) => closed(client));
    await server.stop();
    assert.equal(server.listening, false);
    for (const client of clients) client.resume();
    await Promise.all(gone);
  });

  it('tell what serves, and with what options', async () => {
    for (const create of [createTlsServer, createHttpServer, createHttpsServer]) {
      const server = await network.open(
        create({ ...identity('server'), bufferCount: 8, backlog: 5 }),
      );
      const { backend, connectionsAccepted, listening } = server.info();
      assert.deepEqual([backend, connectionsAccepted, listening], [expectedBackend, 0, true]);
      assert.throws(() => create({ ...identity('server'), bufferSize: 1 }), {
        code: 'ERR_OUT_OF_RANGE',
      });
      await server.stop();
      assert.equal(server.info().listening, false);
    }
  });

  it('release everything when HTTPS clients go away in the middle of an answer', async () => {
    const server = await network.open(
      createHttpsServer(identity('server'), (_request, response) => {
        response.write(Buffer.alloc(4 * MIB));
      }),
    );
    await Promise.all(
      Array.from({ length: 10 }, async (_none, i) => {
        const client = await connectSecure(server);
        client.write(requestText('GET /'));
        await once(client, 'data');
        const gone = closed(client);
        if (i % 2 === 0) client.destroy();
        else client.end();
        client.resume();
        await gone;
      }),
    );
    await nothingLeft(server);
  });
});
