'use strict';

const { AsyncResource } = require('node:async_hooks');
const { codedError } = require('../errors');
const { TcpConnection } = require('../tcp/connection');
const { nodeParser, trackedBy } = require('./node-parser');
const {
  kHttpAdopt,
  kHttpIdle,
  kOnClosed,
  kOnData,
  kOnEnd,
  kOnFailed,
  kOnHead,
  kOnMessageEnd,
  kOnRaw,
  kOnTrailers,
} = require('../symbols');

const { kBackend, kBytesIn, kHandle, kIdle } = TcpConnection.keys;
const kNative = Symbol('the worker parses');
const kRawComes = Symbol('what comes is raw');
const kPaused = Symbol('paused');
const kLate = Symbol('what came while paused');
const kGiving = Symbol('giving that');
const kParser = Symbol('parser');
const kScope = Symbol('scope');
const kMethod = Symbol('method');
const kReceiving = Symbol('receiving');
const kListed = Symbol('where it is listed');
const kHeads = Symbol('requests it has been told of');

/** The error that Node would have for what was received of a request. */
function errorOf(status) {
  switch (status) {
    case 408:
      return codedError(Error, 'ERR_HTTP_REQUEST_TIMEOUT', 'Request timeout');
    case 413:
      return parseError('HPE_CHUNK_EXTENSIONS_OVERFLOW', 'Chunk extensions overflow');
    case 431:
      return parseError('HPE_HEADER_OVERFLOW', 'Header overflow');
    case 0: {
      const err = parseError('HPE_INVALID_EOF_STATE', 'Invalid EOF state');
      err.message = 'Parse Error'; // as Node has it for an end: the reason apart
      return err;
    }
    default:
      return parseError('HPE_INVALID_CHUNK_SIZE', 'Invalid chunk');
  }
}

function parseError(code, reason) {
  const err = codedError(Error, code, `Parse Error: ${reason}`);
  err.reason = reason;
  err.bytesParsed = 0;
  err.rawPacket = Buffer.alloc(0);
  return err;
}

/** Gives an event now, or when the connection goes on. */
function inTurn(connection, event, a, b) {
  if (connection[kPaused] || connection[kLate].length > 0) connection[kLate].push([event, a, b]);
  else if (!connection.destroyed) event(connection, a, b);
}

/** Gives what came while the connection was paused, until it is paused again. */
function giveLate(connection) {
  const late = connection[kLate];
  if (connection[kGiving]) return; // a callback below has called resume()
  connection[kGiving] = true;
  try {
    while (late.length > 0 && !connection[kPaused]) {
      const [event, a, b] = late.shift();
      if (!connection.destroyed) event(connection, a, b);
    }
  } finally {
    connection[kGiving] = false;
    // A handler has thrown: the others go on, after whoever hears of that.
    if (late.length > 0 && !connection[kPaused]) process.nextTick(giveLate, connection);
  }
}

/** Whether Node refuses a head with so many headers, as the server's `maxHeadersCount` says. */
function isRefused({ maxHeaderPairs }, headers) {
  return nodeParser().refusesMany && maxHeaderPairs > 0 && headers.length > maxHeaderPairs;
}

/**
 * Each runs in the asynchronous context of the connection, as the callbacks of Node's parser do, and does
 * nothing once the connection has left HTTP, or is closing.
 */
function giveHead(connection, record, headers) {
  connection[kHeads] = (connection[kHeads] + 1) >>> 0;
  if (isRefused(connection[kParser], headers)) {
    giveFailure(connection, 431);
    return;
  }
  connection[kMethod] = record.method;
  connection[kReceiving] = true;
  connection[kScope].runInAsyncScope(tellHead, connection, record, headers);
}

function tellHead(record, headers) {
  const parser = this[kParser];
  const { HEADERS_COMPLETE } = nodeParser();
  try {
    if (parser.socket === this) {
      parser[HEADERS_COMPLETE](
        1,
        record.minor,
        headers,
        undefined, // the method: a number of Node's own, see kHttpAdopt
        record.url,
        undefined,
        undefined,
        false,
        record.keepAlive,
      );
    }
    if (this[kIdle] !== null) this[kIdle].touch();
  } finally {
    this[kMethod] = undefined;
    if (record.complete) tellEnd.call(this);
  }
}

function giveBody(connection, chunk) {
  connection[kScope].runInAsyncScope(tell, connection, nodeParser().BODY, chunk);
}

function giveTrailers(connection, headers) {
  connection[kScope].runInAsyncScope(tell, connection, nodeParser().HEADERS, headers, '');
}

function tell(callback, a, b) {
  if (this[kParser].socket !== this) return;
  if (this[kIdle] !== null) this[kIdle].touch();
  this[kParser][callback](a, b);
}

function giveEnd(connection) {
  connection[kScope].runInAsyncScope(tellEnd, connection);
}

function tellEnd() {
  this[kReceiving] = false;
  if (this[kParser].socket !== this) return;
  if (this[kIdle] !== null) this[kIdle].touch();
  this[kParser][nodeParser().MESSAGE_COMPLETE]();
}

/** Node's own handler of errors on a server's connection tells 'clientError', or answers. */
function giveFailure(connection, status) {
  const err = errorOf(status);
  const handler = connection.listeners('error').find(({ name }) => name === 'socketOnError');
  if (handler === undefined) connection.destroy(err);
  else handler.call(connection, err);
}

/** From here on Node's parser gets what comes, as on any other connection. */
function goRaw(connection) {
  const { REQUEST } = nodeParser();
  const { server } = connection;
  const parser = connection[kParser];
  connection[kNative] = false;
  if (parser.socket !== connection) return;
  parser.initialize(REQUEST, connection[kScope], server.maxHeaderSize ?? 0, 0, trackedBy(server));
}

function giveRaw(connection, chunk) {
  TcpConnection.prototype[kOnData].call(connection, chunk);
}

function giveFin(connection) {
  TcpConnection.prototype[kOnEnd].call(connection);
}

/**
 * A connection of an HTTP server. Where the worker parses, its requests come as events, and go to the
 * callbacks of the parser that Node has given the connection; that parser itself sees no bytes, unless
 * the worker meets something that is no plain request.
 */
class HttpConnection extends TcpConnection {
  constructor(transport, handle, streamOptions) {
    super(transport, handle, streamOptions);
    this[kNative] = transport.backend.parsesHttp === true;
    this[kRawComes] = false;
    this[kPaused] = false;
    this[kLate] = [];
    this[kGiving] = false;
    this[kParser] = null;
    this[kScope] = null;
    this[kMethod] = undefined;
    this[kReceiving] = false;
    this[kListed] = null;
    this[kHeads] = 0;
  }

  /** Node's server has taken the connection. It is in `list` as long as it lives. */
  [kHttpAdopt](list) {
    const { parser } = this;
    this[kListed] = list;
    list.add(this);
    if (!this[kNative] || !parser) return;
    this[kParser] = parser;
    this[kScope] = new AsyncResource('HTTPINCOMINGMESSAGE');
    // Time limits are the worker's, unless a listener has put bytes into the connection: they are Node's.
    if (this.readableLength === 0) parser.remove();
    const { onIncoming } = parser;
    parser.onIncoming = (request, keepAlive) => {
      if (this[kNative] && this[kMethod] !== undefined) {
        request.method = this[kMethod];
        request.statusCode = null;
        request.statusMessage = null;
      }
      return onIncoming(request, keepAlive);
    };
  }

  /** Whether it waits for a request, and nothing else: of those that Node does not take for idle. */
  get [kHttpIdle]() {
    // Node lists it; but before 26 one that has never said a word is not idle there.
    if (!this[kNative]) return Boolean(this.parser) && this.bytesRead === 0;
    const response = this._httpMessage;
    if (this[kReceiving] || (response && !response.finished)) return false;
    // The worker may have more, of which nothing has been told yet.
    return this.pending || this[kBackend].native.heads(this[kHandle]) === this[kHeads];
  }

  // --- events

  [kOnHead](record, headers) {
    this[kBytesIn] += record.headBytes;
    inTurn(this, giveHead, record, headers);
  }

  [kOnData](chunk) {
    if (!this[kNative] || this[kRawComes]) {
      inTurn(this, giveRaw, chunk);
      return;
    }
    this[kBytesIn] += chunk.length;
    inTurn(this, giveBody, chunk);
  }

  [kOnTrailers](headers) {
    inTurn(this, giveTrailers, headers);
  }

  [kOnMessageEnd]() {
    inTurn(this, giveEnd);
  }

  [kOnFailed](status) {
    inTurn(this, giveFailure, status);
  }

  [kOnRaw]() {
    this[kRawComes] = true;
    inTurn(this, goRaw);
  }

  [kOnEnd]() {
    inTurn(this, giveFin);
  }

  [kOnClosed]() {
    super[kOnClosed]();
    this[kListed]?.delete(this);
  }

  // --- reading

  pause() {
    if (this[kParser] === null || !this[kNative]) return super.pause();
    if (!this[kPaused]) {
      this[kPaused] = true;
      this[kBackend].pause(this[kHandle]);
    }
    return this;
  }

  resume() {
    if (this[kParser] === null || (!this[kNative] && !this[kPaused])) return super.resume();
    if (this[kPaused]) {
      this[kPaused] = false;
      if (!this.pending) this[kBackend].resume(this[kHandle]);
    }
    if (this[kLate].length > 0) giveLate(this);
    return this;
  }
}

module.exports = { HttpConnection };
