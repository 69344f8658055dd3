'use strict';

const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const tls = require('node:tls');
const { LOOPBACK } = require('./place');

const folder = path.join(__dirname, '..', 'certificates');
const read = (name) => fs.readFileSync(path.join(folder, `${name}.pem`));

/** Who has signed the others. */
const authority = read('authority');

/** @returns {{key: Buffer, cert: Buffer}} of 'server', 'renewed', 'other', 'client' or 'stranger' */
function identity(name) {
  const pem = read(name);
  return { key: pem, cert: pem };
}

/** A client that trusts the authority; not connected yet. */
function startClient(server, options = {}) {
  const { port } = server.address();
  const client = tls.connect({
    port,
    host: LOOPBACK,
    ca: authority,
    servername: 'server.test',
    ...options,
  });
  client.on('error', () => {});
  return client;
}

/** @returns {Promise<tls.TLSSocket>} such a client after the handshake */
async function connectSecure(server, options) {
  const client = startClient(server, options);
  await once(client, 'secureConnect');
  return client;
}

/** @returns {Promise<Error>} with which the handshake of a client fails */
async function refusal(server, options) {
  const client = startClient(server, options);
  const [err] = await once(client, 'error');
  return err;
}

/** @returns {string} whom the client of a connection talks to */
function peerName(client) {
  return client.getPeerCertificate().subject.CN;
}

module.exports = { authority, connectSecure, identity, peerName, refusal, startClient };
