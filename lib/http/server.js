'use strict';

const http = require('node:http');
const { onTransport } = require('../tcp/node-server');
const { HttpConnection } = require('./connection');
const { nodeParser } = require('./node-parser');
const {
  kConnectionClass,
  kHttpAdopt,
  kHttpIdle,
  kHttpSettings,
  kKind,
  kLimitTimes,
  kServe,
  kTcp,
} = require('../symbols');

const kNatives = Symbol('connections that Node does not list');
const HEADERS_MAX = 2000;
const STEP_REQUESTS = 64;

/** Time limits are Node's properties, which a program may set at any time, and the worker's to keep. */
function watchTimes(server) {
  for (const name of ['headersTimeout', 'requestTimeout']) {
    let value = server[name];
    Object.defineProperty(server, name, {
      get: () => value,
      set(given) {
        value = given;
        server[kTcp][kLimitTimes](server.headersTimeout, server.requestTimeout);
      },
      enumerable: true,
      configurable: true,
    });
  }
}

/** Whether Node has been told to be lenient, as a server can be: then Node parses. */
function isLenient(server) {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  return server.insecureHTTPParser ?? given.includes('--insecure-http-parser');
}

/** How the worker is to parse for a server; null when it is not to. */
function parserSettings(server) {
  if (isLenient(server) || nodeParser() === null) return null;
  const headerBytes = server.maxHeaderSize || http.maxHeaderSize;
  return {
    facade: true,
    handler: true,
    headerBytes,
    headersMax: HEADERS_MAX,
    urlBytes: headerBytes,
    bodyBytes: 0,
    pipelineMax: STEP_REQUESTS,
    headersMs: server.headersTimeout,
    requestMs: server.requestTimeout,
    keepAliveMs: 0, // a timer of the connection's, which Node sets
    routes: [],
  };
}

/**
 * `http.Server` on our transport. The worker parses; the requests, the responses, and all that they do are
 * Node's. Requests that are not plain ones are parsed by Node too.
 */
class HttpServer extends onTransport(http.Server) {
  constructor(options, requestListener) {
    super(options, requestListener);
    this[kNatives] = new Set();
    this[kTcp][kConnectionClass] = HttpConnection;
    this[kTcp][kHttpSettings] = () => parserSettings(this);
    watchTimes(this);
  }

  [kServe](connection) {
    super[kServe](connection);
    connection[kHttpAdopt]();
    this[kNatives].add(connection);
    connection.once('close', () => this[kNatives].delete(connection));
  }

  get [kKind]() {
    return 'http';
  }

  closeIdleConnections() {
    super.closeIdleConnections();
    for (const connection of this[kNatives] ?? []) if (connection[kHttpIdle]) connection.destroy();
  }

  closeAllConnections() {
    super.closeAllConnections();
    for (const connection of this[kNatives]) connection.destroy();
  }
}

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
