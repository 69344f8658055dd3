'use strict';

/* What Node's documentation says of `tls.Server` and of the TLSSocket of a connection. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const tls = require('node:tls');
const { LOOPBACK, closed, readAll, readBytes } = require('../helpers/clients');
const { createTlsServer, useWorld } = require('../helpers/parity');
const { RandomStream } = require('../helpers/random');
const { MIB } = require('../helpers/scale');
const { authority, connectSecure, identity, startClient } = require('../helpers/tls');

describe('tls.Server', () => {
  const world = useWorld();

  const serve = (options, listener) =>
    world.open(createTlsServer({ ...identity('server'), ...options }, listener));

  async function connect(server, options) {
    return world.track(await connectSecure(server, options));
  }

  /** Both ends of a connection. */
  async function pair(serverOptions, clientOptions) {
    const server = await serve(serverOptions);
    const accepted = once(server, 'secureConnection');
    const client = await connect(server, clientOptions);
    const [secure] = await accepted;
    return { server, client, secure };
  }

  describe('life', () => {
    it('is a tls.Server that shows a TLSSocket', async () => {
      const { server, client, secure } = await pair();
      assert.ok(server instanceof tls.Server);
      assert.ok(secure instanceof tls.TLSSocket);
      assert.equal(secure.encrypted, true);
      assert.equal(client.authorized, true);
      assert.equal(secure.server, server);
    });

    it('takes a listener, and callbacks of listen() and close() get nothing', async () => {
      const server = world.adopt(
        createTlsServer(identity('server'), (secure) => secure.end('heard')),
      );
      assert.deepEqual(
        await new Promise((resolve) => {
          server.listen(0, LOOPBACK, (...args) => resolve(args));
        }),
        [],
      );
      assert.equal(String(await readAll(await connect(server))), 'heard');
      const args = await new Promise((resolve) => server.close((...given) => resolve(given)));
      assert.deepEqual(args, []);
    });

    it('refuses bad options', () => {
      assert.throws(() => createTlsServer('options'), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => createTlsServer({ SNICallback: 'no' }), { code: 'ERR_INVALID_ARG_TYPE' });
      assert.throws(() => createTlsServer({ handshakeTimeout: 'soon' }), {
        code: 'ERR_INVALID_ARG_TYPE',
      });
      assert.throws(() => createTlsServer({ cert: 'no certificate' }));
    });

    it('counts connections, and waits for them when it closes', async () => {
      const { server, client, secure } = await pair();
      const count = await new Promise((resolve) => {
        server.getConnections((_err, value) => resolve(value));
      });
      assert.equal(count, 1);
      const gone = once(server, 'close');
      server.close();
      secure.end('bye');
      assert.equal(String(await readAll(client)), 'bye');
      await gone;
    });
  });

  describe('the socket', () => {
    it('tells addresses, cipher and protocol', async () => {
      const { server, client, secure } = await pair();
      const { port } = server.address();
      assert.equal(secure.remoteAddress, LOOPBACK);
      assert.equal(secure.remoteFamily, 'IPv4');
      assert.equal(secure.remotePort, client.localPort);
      assert.equal(secure.localAddress, LOOPBACK);
      assert.equal(secure.localPort, port);
      assert.deepEqual(secure.address(), { address: LOOPBACK, family: 'IPv4', port });
      assert.equal(secure.getProtocol(), client.getProtocol());
      assert.equal(secure.getCipher().name, client.getCipher().name);
      assert.equal(secure.servername, 'server.test');
    });

    it('has the calls of a net.Socket', async () => {
      const { secure } = await pair();
      assert.equal(secure.setNoDelay(true), secure);
      assert.equal(secure.setKeepAlive(true, 1000), secure);
      assert.equal(secure.unref(), secure);
      assert.equal(secure.ref(), secure);
      assert.equal(secure.connecting, false);
      assert.equal(secure.readyState, 'open');
    });

    it('carries many MiB both ways', async () => {
      const { client, secure } = await pair();
      secure.pipe(secure);
      const bytes = new RandomStream(21).bytes(8 * MIB);
      const back = readBytes(client, bytes.length);
      client.write(bytes);
      assert.ok(bytes.equals(await back));
      const gone = closed(client);
      client.end();
      await gone;
    });

    it('holds a writer back that is faster than the peer', async () => {
      const { client, secure } = await pair();
      const chunk = Buffer.alloc(MIB, 'b');
      let written = 0;
      while (secure.write(chunk)) written++;
      assert.ok(written < 64, `${written} MiB taken`);
      const drained = once(secure, 'drain');
      client.resume();
      await drained;
    });

    it('stops reading when nobody takes the data', async () => {
      const { client, secure } = await pair();
      const chunk = Buffer.alloc(MIB, 'r');
      const total = 32;
      for (let i = 0; i < total; i++) client.write(chunk);
      client.end();
      await once(secure, 'readable');
      assert.ok(secure.readableLength < MIB, `${secure.readableLength} bytes held`);
      assert.equal((await readAll(secure)).length, total * MIB);
    });

    it('ends when the peer ends, data first', async () => {
      const { client, secure } = await pair();
      client.end('last words');
      assert.equal(String(await readAll(secure)), 'last words');
      await closed(client.resume());
      assert.equal(secure.writableEnded, true);
    });

    it('answers a peer that has ended, with allowHalfOpen', async () => {
      const { client, secure } = await pair({ allowHalfOpen: true }, { allowHalfOpen: true });
      client.end('question');
      assert.equal(String(await readAll(secure)), 'question');
      secure.end('answer');
      assert.equal(String(await readAll(client)), 'answer');
    });

    it("emits 'timeout'", async () => {
      const { secure } = await pair();
      secure.setTimeout(20);
      await once(secure, 'timeout');
      assert.equal(secure.destroyed, false);
    });

    it("emits 'error' when the peer resets, and 'close'", async () => {
      const server = await serve();
      const accepted = once(server, 'secureConnection');
      const raw = await world.connect(server);
      await connect(server, { socket: raw });
      const [secure] = await accepted;
      const failed = once(secure.resume(), 'error');
      const gone = new Promise((resolve) => secure.once('close', resolve));
      while (secure.write(Buffer.alloc(MIB))) {}
      raw.resetAndDestroy();
      const [err] = await failed;
      assert.ok(['ECONNRESET', 'EPIPE'].includes(err.code), err.code);
      await gone;
    });

    it('is closed without an error when our side destroys it', async () => {
      const { client, secure } = await pair();
      secure.destroy();
      assert.equal(await closed(secure), false);
      await closed(client.resume());
    });

    it('sends what was written before destroy()', async () => {
      const server = await serve({}, (secure) => {
        secure.on('data', () => {
          secure.write('last words');
          secure.destroy();
        });
      });
      for (let i = 0; i < 5; i++) {
        const client = await connect(server);
        client.write('go');
        assert.equal(String(await readAll(client)), 'last words');
      }
    });

    it('is closed by destroy() though the peer takes nothing', async () => {
      const { secure } = await pair();
      while (secure.write(Buffer.alloc(MIB))) {}
      secure.destroy();
      assert.equal(await closed(secure), false);
    });

    it('calls back writes, also those that destroy() cuts', async () => {
      const { secure } = await pair();
      await new Promise((resolve) => secure.write('first', resolve));
      const chunk = Buffer.alloc(4 * MIB);
      const written = Array.from({ length: 8 }, () => {
        return new Promise((resolve) => secure.write(chunk, resolve));
      });
      secure.on('error', () => {});
      secure.destroy();
      await Promise.all(written);
    });
  });

  describe("'tlsClientError'", () => {
    it('tells of a client that does not speak TLS', async () => {
      const server = await serve();
      const failed = once(server, 'tlsClientError');
      const client = await world.connect(server);
      client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
      const [err, secure] = await failed;
      assert.match(err.code, /^ERR_SSL_/);
      assert.ok(secure instanceof tls.TLSSocket);
      await closed(client.resume());
    });

    it('tells of a client that goes away during the handshake', async () => {
      const server = await serve();
      const failed = once(server, 'tlsClientError');
      const client = await world.connect(server);
      client.end();
      const [err] = await failed;
      assert.equal(err.code, 'ECONNRESET');
      await closed(client.resume());
    });

    it('tells of a client with another protocol version', async () => {
      const server = await serve({ minVersion: 'TLSv1.3' });
      const failed = once(server, 'tlsClientError');
      const client = startClient(server, { maxVersion: 'TLSv1.2' });
      const [err] = await failed;
      assert.match(err.code, /^ERR_SSL_/);
      await closed(client);
    });

    it('tells of a client that is silent for handshakeTimeout', async () => {
      const server = await serve({ handshakeTimeout: 30 });
      const failed = once(server, 'tlsClientError');
      const client = await world.connect(server);
      const [err, secure] = await failed;
      assert.equal(err.code, 'ERR_TLS_HANDSHAKE_TIMEOUT');
      secure.destroy();
      await closed(client.resume());
    });

    it('does not stop the server', async () => {
      const server = await serve({}, (secure) => secure.end('well'));
      const failed = once(server, 'tlsClientError');
      const client = await world.connect(server);
      client.write('nonsense, and more of it');
      await failed;
      assert.equal(String(await readAll(await connect(server))), 'well');
    });
  });

  it("emits 'keylog' lines", async () => {
    const server = await serve();
    const logged = once(server, 'keylog');
    await connect(server);
    const [line, secure] = await logged;
    assert.match(String(line), /^(CLIENT|SERVER)_\w+ [0-9a-f]+ [0-9a-f]+\n$/);
    assert.ok(secure instanceof tls.TLSSocket);
  });

  it("emits 'connection' with the TCP connection first", async () => {
    const server = await serve();
    const order = [];
    server.on('connection', (raw) => order.push('connection', raw.encrypted));
    const accepted = once(server, 'secureConnection');
    server.prependListener('secureConnection', () => order.push('secureConnection'));
    await connect(server);
    await accepted;
    assert.deepEqual(order, ['connection', undefined, 'secureConnection']);
  });

  it('speaks through a socket that is TLS already', async () => {
    const inner = createTlsServer(identity('other'));
    inner.on('secureConnection', (secure) => secure.end('inside'));
    const server = await serve({}, (secure) => inner.emit('connection', secure));
    const outside = await connect(server);
    const client = tls.connect({ socket: outside, ca: authority, servername: 'other.test' });
    assert.equal(String(await readAll(client)), 'inside');
  });
});
