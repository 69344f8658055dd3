'use strict';

const { codedError, invalidArgType } = require('../errors');
const { HTTP_OPTIONS, normalizeOptions } = require('../options');
const { kKind, kOnEvent, kOnEvents } = require('../symbols');
const { makeHead } = require('./http-head');
const { Service, kEngine, kEngineFor, kIdle, kStart } = require('./service');

const kHandler = Symbol('handler');
const kBatched = Symbol('batched');
const kRoutes = Symbol('routes');

const RECORD_BYTES = 64; // of a request's record, beside its texts and 8 bytes per header
const EMPTY = Buffer.alloc(0);

function toBytes(subject, data) {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw invalidArgType(subject, 'of type string or an instance of Buffer or Uint8Array', data);
}

function checkHandler(name, handler) {
  if (typeof handler !== 'function') {
    throw invalidArgType(`"${name}" argument`, 'of type function', handler);
  }
}

/** A fixed response, as the engines take it: everything checked, the head put together. */
function fixedResponse(path, statusCode, headers, body) {
  const bytes = Buffer.from(body); // a copy: what it answers does not change
  const { text, flags } = makeHead(statusCode, headers, bytes.length, false);
  return {
    path: path === null ? undefined : Buffer.from(path, 'latin1'),
    head: Buffer.from(text, 'latin1'),
    body: bytes,
    flags,
    plain: { path, statusCode, headers, body: bytes }, // for node:http
  };
}

function invalidPath(path) {
  const message = `The "options.routes" property must have paths that begin with '/' and have no query. Received '${path}'`;
  return codedError(TypeError, 'ERR_INVALID_ARG_VALUE', message);
}

function routeOf(path, value) {
  if (!/^\/[\x21-\x22\x24-\x3e\x40-\x7e]*$/.test(path)) throw invalidPath(path);
  const subject = `"options.routes['${path}']" property`;
  if (typeof value === 'string' || value instanceof Uint8Array) {
    return fixedResponse(path, 200, undefined, value);
  }
  if (typeof value !== 'object' || value === null) {
    throw invalidArgType(subject, 'of type string or object or an instance of Uint8Array', value);
  }
  const { statusCode = 200, headers, body = EMPTY } = value;
  return fixedResponse(path, statusCode, headers, toBytes(subject, body));
}

/**
 * An HTTP server without streams. Fixed responses, by path or for everything, are given by the native
 * worker without JavaScript; other requests come, whole, to a handler.
 */
class UringHttpServer extends Service {
  /** @param {object} [options] see `UringHttpServerOptions` in index.d.ts */
  constructor(options) {
    const settings = normalizeOptions(options, HTTP_OPTIONS);
    super(settings);
    this[kHandler] = null;
    this[kBatched] = false;
    const { responseBody, responseHeaders, statusCode, routes = {} } = settings;
    this[kRoutes] = Object.keys(routes).map((path) => routeOf(path, routes[path]));
    const fixed = fixedResponse(null, statusCode, responseHeaders, responseBody ?? EMPTY);
    const { statusCode: status } = options ?? {};
    this.#fixedWanted = [responseBody, responseHeaders, status].some((one) => one !== undefined);
    this.#fixed = fixed;
  }

  #fixed;
  #fixedWanted;

  /**
   * Listens. `onRequest` is called with each request that has no fixed response; without it such requests
   * are answered with 404, or with the fixed response.
   *
   * @param {(request: HttpRequest) => void} [onRequest]
   */
  start(onRequest) {
    if (onRequest !== undefined) checkHandler('onRequest', onRequest);
    return this.#start(onRequest ?? null, false);
  }

  /** The same, with an array of 1 to `eventBatchSize` requests per call. */
  startBatch(onRequests) {
    checkHandler('onRequests', onRequests);
    return this.#start(onRequests, true);
  }

  #start(handler, batched) {
    if (handler !== null && this.#fixedWanted) {
      throw codedError(
        TypeError,
        'ERR_INVALID_ARG_VALUE',
        'A server with a "responseBody", "responseHeaders" or "statusCode" answers every request: its handler would not be called',
      );
    }
    if (this[kIdle]) {
      this[kHandler] = handler;
      this[kBatched] = batched;
    }
    return this[kStart]();
  }

  /** Everything has the fixed response: it was asked for, or there is nothing else. */
  #routes() {
    const routes = this[kRoutes];
    const alone = this[kHandler] === null && routes.length === 0;
    return this.#fixedWanted || alone ? [...routes, this.#fixed] : routes;
  }

  get [kKind]() {
    return 'uring_http';
  }

  [kEngineFor](name, options) {
    const Engine = name === 'net' ? require('./http-net') : require('./http-uring');
    const settings = {
      ...options,
      connectionsMax: options.maxConnections,
      mixedBatches: this[kBatched],
      recordBytesMax: RECORD_BYTES + options.maxHeaderSize + 8 * options.maxHeadersCount,
      http: {
        headerBytes: options.maxHeaderSize,
        headersMax: options.maxHeadersCount,
        urlBytes: options.maxUrlLength,
        bodyBytes: options.maxBodySize,
        pipelineMax: options.maxPipelinedRequests,
        headersMs: options.headersTimeout,
        requestMs: options.requestTimeout,
        keepAliveMs: options.keepAliveTimeout,
        handler: this[kHandler] !== null,
        routes: this.#routes(),
      },
    };
    return new Engine(this, settings, this[kBatched]);
  }

  [kOnEvent](request) {
    this[kHandler](request);
  }

  [kOnEvents](requests) {
    this[kHandler](requests);
  }

  /**
   * Answers a request, once. Responses leave in the order of their connection's requests.
   *
   * @param {number} requestId
   * @param {number} [status]
   * @param {object | [string, unknown][]} [headers]
   * @param {string | Uint8Array} [body]
   * @returns {boolean} whether there was somebody to answer
   */
  respond(requestId, status = 200, headers = undefined, body = undefined) {
    if (typeof requestId !== 'number') {
      throw invalidArgType('"requestId" argument', 'of type number', requestId);
    }
    if (headers != null && typeof headers !== 'object') {
      throw invalidArgType('"headers" argument', 'of type object', headers);
    }
    const bytes = body == null ? undefined : toBytes('"body" argument', body);
    if (this[kEngine] === null) return false;
    return this[kEngine].respond(requestId, status, headers, bytes);
  }
}

module.exports = { UringHttpServer };
