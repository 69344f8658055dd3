'use strict';

const http = require('node:http');
const { onTransport } = require('../tcp/node-server');

/** `http.Server` on our transport. The parser, the requests and the responses are Node's. */
class HttpServer extends onTransport(http.Server) {}

/**
 * As `http.createServer()`.
 *
 * @param {object | Function} [options] see `HttpServerOptions` in index.d.ts
 * @param {(request: http.IncomingMessage, response: http.ServerResponse) => void} [requestListener]
 * @returns {HttpServer}
 */
function createHttpServer(options, requestListener) {
  return new HttpServer(options, requestListener);
}

module.exports = { HttpServer, createHttpServer };
