'use strict';

const tls = require('node:tls');
const { kKind } = require('../symbols');
const { secureOnTransport } = require('./secure');

/** `tls.Server` on our transport. */
class TlsServer extends secureOnTransport(tls.Server) {
  get [kKind]() {
    return 'tls';
  }
}

/**
 * As `tls.createServer()`.
 *
 * @param {object | Function} [options] see `TlsServerOptions` in index.d.ts
 * @param {(socket: tls.TLSSocket) => void} [secureConnectionListener]
 * @returns {TlsServer}
 */
function createTlsServer(options, secureConnectionListener) {
  return new TlsServer(options, secureConnectionListener);
}

module.exports = { TlsServer, createTlsServer };
