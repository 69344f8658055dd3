'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const tls = require('node:tls');
const { LOOPBACK, closed, readBytes } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

// A shared key instead of certificates.
const KEY = {
  ciphers:
    'ECDHE-PSK-CHACHA20-POLY1305:DHE-PSK-AES128-GCM-SHA256:PSK-AES128-GCM-SHA256:@SECLEVEL=0',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
};
const psk = Buffer.alloc(32, 'searings');

describe("tlsServer.emit('connection')", () => {
  const world = useWorld();

  async function pair() {
    const tlsServer = tls.createServer({ ...KEY, pskIdentityHint: 'test', pskCallback: () => psk });
    const server = await world.listen({}, (connection) => tlsServer.emit('connection', connection));
    const accepted = once(tlsServer, 'secureConnection');
    const { port } = server.address();
    const client = tls.connect({
      ...KEY,
      port,
      host: LOOPBACK,
      pskCallback: () => ({ psk, identity: 'client' }),
      checkServerIdentity: () => undefined,
    });
    client.on('error', () => {});
    await once(client, 'secureConnect');
    const [secure] = await accepted;
    return { client, secure };
  }

  it('serves TLS, large payloads in both directions included', async () => {
    const { client, secure } = await pair();
    secure.pipe(secure);
    const sent = Buffer.alloc(2000000, 'echo ');
    const received = readBytes(client, sent.length);
    client.write(sent);
    assert.ok(sent.equals(await received));
    const gone = closed(client);
    client.end();
    await gone;
  });

  it('passes on the end of the peer', async () => {
    const { client, secure } = await pair();
    const gone = closed(client.resume());
    secure.resume();
    client.end('bye');
    await once(secure, 'end');
    await gone;
  });
});
