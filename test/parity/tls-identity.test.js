'use strict';

/* Who a TLS server says it is, who it lets in, and what both speak: SNI, ALPN, client certificates, OCSP. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const tls = require('node:tls');
const { closed, readAll, readBytes } = require('../helpers/clients');
const { createTlsServer, useWorld } = require('../helpers/parity');
const {
  authority,
  connectSecure,
  identity,
  peerName,
  refusal,
  startClient,
} = require('../helpers/tls');

describe('tls.Server', () => {
  const world = useWorld();

  const serve = (options, listener = (secure) => secure.resume()) =>
    world.open(createTlsServer({ ...identity('server'), ...options }, listener));

  async function connect(server, options) {
    return world.track(await connectSecure(server, options));
  }

  describe('server names', () => {
    it('addContext() gives names other certificates', async () => {
      const server = await serve();
      server.addContext('other.test', identity('other'));
      for (const [servername, name] of [
        ['server.test', 'server'],
        ['other.test', 'other'],
      ]) {
        const seen = once(server, 'secureConnection');
        assert.equal(peerName(await connect(server, { servername })), name);
        assert.equal((await seen)[0].servername, servername);
      }
    });

    it('SNICallback chooses, later if need be', async () => {
      const server = await serve({
        SNICallback(name, callback) {
          const context = name === 'other.test' ? tls.createSecureContext(identity('other')) : null;
          setImmediate(callback, null, context);
        },
      });
      assert.equal(peerName(await connect(server, { servername: 'other.test' })), 'other');
      assert.equal(peerName(await connect(server)), 'server');
    });

    it('SNICallback with an error ends the handshake', async () => {
      const server = await serve({
        SNICallback: (_name, callback) => callback(new Error('no such name')),
      });
      const failed = once(server, 'tlsClientError');
      await refusal(server);
      assert.equal((await failed)[0].message, 'no such name');
    });
  });

  describe('protocols', () => {
    it('ALPNProtocols are tried in the order of the server', async () => {
      const server = await serve({ ALPNProtocols: ['first', 'second'] });
      const seen = once(server, 'secureConnection');
      const client = await connect(server, { ALPNProtocols: ['second', 'first'] });
      assert.equal(client.alpnProtocol, 'first');
      assert.equal((await seen)[0].alpnProtocol, 'first');
      assert.equal((await connect(server)).alpnProtocol, false);
    });

    it('none in common ends the handshake', async () => {
      const server = await serve({ ALPNProtocols: ['first'] });
      const failed = once(server, 'tlsClientError');
      await refusal(server, { ALPNProtocols: ['third'] });
      assert.equal((await failed)[0].code, 'ERR_SSL_NO_APPLICATION_PROTOCOL');
    });

    it('ALPNCallback chooses', async () => {
      const server = await serve({
        ALPNCallback: ({ servername, protocols }) => {
          assert.equal(servername, 'server.test');
          return protocols.at(-1);
        },
      });
      const client = await connect(server, { ALPNProtocols: ['one', 'two', 'three'] });
      assert.equal(client.alpnProtocol, 'three');
    });
  });

  describe('client certificates', () => {
    const wanted = { requestCert: true, ca: authority };

    it('are required with requestCert', async () => {
      const server = await serve(wanted);
      const seen = once(server, 'secureConnection');
      await connect(server, identity('client'));
      const [secure] = await seen;
      assert.equal(secure.authorized, true);
      assert.equal(secure.getPeerCertificate().subject.CN, 'client');
    });

    for (const [who, options] of [
      ['none', {}],
      ['one of a stranger', identity('stranger')],
    ]) {
      it(`refuses ${who}`, async () => {
        const server = await serve(wanted, () => assert.fail('nobody was to be let in'));
        const failed = once(server, 'tlsClientError');
        const client = startClient(server, options);
        await Promise.all([failed, closed(client.resume())]);
      });

      it(`lets ${who} in without rejectUnauthorized, and tells`, async () => {
        const server = await serve({ ...wanted, rejectUnauthorized: false });
        const seen = once(server, 'secureConnection');
        await connect(server, options);
        const [secure] = await seen;
        assert.equal(secure.authorized, false);
        assert.match(
          String(secure.authorizationError),
          /UNABLE_TO_GET_ISSUER_CERT|DEPTH_ZERO_SELF_SIGNED_CERT/,
        );
      });
    }
  });

  it('setSecureContext() changes the certificate, and no connection drops', async () => {
    const server = await serve({}, (secure) => secure.pipe(secure));
    const old = await connect(server);
    assert.equal(peerName(old), 'server');
    for (const name of ['renewed', 'server', 'renewed']) {
      server.setSecureContext(identity(name));
      const client = await connect(server);
      assert.equal(peerName(client), name);
      for (const one of [old, client]) {
        one.write('still here');
        assert.equal(String(await readBytes(one, 10)), 'still here');
      }
    }
    assert.equal(peerName(old), 'server');
    assert.throws(() => server.setSecureContext({ cert: 'none' }));
    assert.equal(peerName(await connect(server)), 'renewed');
  });

  it("'OCSPRequest' staples what the listener answers", async () => {
    const server = await serve({ maxVersion: 'TLSv1.2' });
    server.on('OCSPRequest', (certificate, issuer, callback) => {
      assert.ok(Buffer.isBuffer(certificate));
      assert.equal(issuer, null);
      setImmediate(callback, null, Buffer.from('good'));
    });
    const client = world.track(
      tls.connect({
        port: server.address().port,
        host: '127.0.0.1',
        ca: authority,
        servername: 'server.test',
        requestOCSP: true,
      }),
    );
    const [response] = await once(client, 'OCSPResponse');
    assert.equal(String(response), 'good');
  });

  it('a shared key does without certificates', async () => {
    const psk = Buffer.alloc(32, 'key');
    const common = { maxVersion: 'TLSv1.2', ciphers: 'PSK-AES128-GCM-SHA256' };
    const server = await world.open(
      createTlsServer(
        { ...common, pskCallback: (_socket, who) => (who === 'me' ? psk : null) },
        (secure) => secure.end('shared'),
      ),
    );
    const client = await connect(server, {
      ...common,
      ca: undefined,
      pskCallback: () => ({ psk, identity: 'me' }),
      checkServerIdentity: () => undefined,
    });
    assert.equal(String(await readAll(client)), 'shared');
    await closed(client.destroy()).catch(() => {});
  });

  describe('sessions', () => {
    /** The session of a connection that ends by itself. */
    async function sessionOf(server, options) {
      const client = await connect(server, options);
      const session = new Promise((resolve) => client.once('session', resolve));
      client.resume();
      const found = options.maxVersion === 'TLSv1.2' ? client.getSession() : await session;
      client.end();
      await closed(client);
      return found;
    }

    async function isReused(server, options) {
      const client = await connect(server, options);
      const reused = client.isSessionReused();
      client.destroy();
      return reused;
    }

    for (const maxVersion of ['TLSv1.2', 'TLSv1.3']) {
      it(`are taken up again with tickets: ${maxVersion}`, async () => {
        const server = await serve();
        const session = await sessionOf(server, { maxVersion });
        assert.equal(await isReused(server, { maxVersion, session }), true);
        assert.equal(await isReused(server, { maxVersion }), false);
      });
    }

    it('are taken up by another server with the same ticket keys', async () => {
      const [first, second] = [await serve(), await serve()];
      const session = await sessionOf(first, { maxVersion: 'TLSv1.3' });
      const keys = first.getTicketKeys();
      assert.equal(keys.length, 48);
      second.setTicketKeys(keys);
      assert.equal(await isReused(second, { session }), true);
    });

    it("'newSession' and 'resumeSession' keep them for clients without tickets", async () => {
      const stored = new Map();
      const server = await serve({
        maxVersion: 'TLSv1.2',
        secureOptions: require('node:crypto').constants.SSL_OP_NO_TICKET,
      });
      server.on('newSession', (id, data, callback) => {
        stored.set(id.toString('hex'), data);
        setImmediate(callback);
      });
      server.on('resumeSession', (id, callback) => {
        setImmediate(callback, null, stored.get(id.toString('hex')) ?? null);
      });
      const session = await sessionOf(server, { maxVersion: 'TLSv1.2' });
      assert.equal(stored.size, 1);
      assert.equal(await isReused(server, { maxVersion: 'TLSv1.2', session }), true);
    });
  });
});
