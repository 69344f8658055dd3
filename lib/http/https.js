'use strict';

const https = require('node:https');
const { kKind } = require('../symbols');
const { secureOnTransport } = require('../tls/secure');

/** `https.Server` on our transport. */
class HttpsServer extends secureOnTransport(https.Server) {
  get [kKind]() {
    return 'https';
  }
}

/**
 * As `https.createServer()`.
 *
 * @param {object | Function} [options] see `HttpsServerOptions` in index.d.ts
 * @param {Function} [requestListener]
 * @returns {HttpsServer}
 */
function createHttpsServer(options, requestListener) {
  return new HttpsServer(options, requestListener);
}

module.exports = { HttpsServer, createHttpsServer };
