'use strict';

const { EventEmitter } = require('node:events');
const { serverClose, tellListening } = require('../diagnostics');
const { codedError, invalidArgType } = require('../errors');
const { normalizeOptions } = require('../options');
const { selectBackend } = require('../backend/select');
const { parseListenArgs } = require('../listen-args');
const { metricsOf } = require('../metrics');
const { Transport } = require('./transport');
const {
  kConnections,
  kFacade,
  kKind,
  kLimitTimes,
  kOnListenError,
  kOnListenerLost,
  kOnListening,
  kOnReleased,
  kOptions,
  kRefed,
  kStreamOptions,
} = require('../symbols');

const kCurrent = Symbol('current transport');
const kLive = Symbol('live transports');
const kClosing = Symbol('closing');
const kLastInfo = Symbol('lastInfo');

/** What every Duplex of a server is made with: one object for all of its connections. */
function streamOptionsOf({ allowHalfOpen, highWaterMark }) {
  // As in net.Socket, 'close' is ours to emit, because it comes with an argument.
  const options = { allowHalfOpen, emitClose: false, autoDestroy: true };
  if (highWaterMark !== undefined) options.highWaterMark = highWaterMark;
  return Object.freeze(options);
}

/** Starts a transport, after an earlier one of this server has let go of its port. */
function begin(server, transport) {
  server[kCurrent] = transport;
  const earlier = [...server[kLive]].find((other) => other.listenerOpen);
  server[kLive].add(transport);
  if (earlier === undefined) {
    transport.start();
    return;
  }
  earlier.afterListenerClosed = () => {
    if (server[kCurrent] === transport) transport.start();
  };
}

/** Closes the server when the signal of its listen() fires. */
function closeOnAbort(server, signal) {
  const onAbort = () => server.close();
  if (signal.aborted) {
    process.nextTick(onAbort);
    return;
  }
  signal.addEventListener('abort', onAbort, { once: true });
  server.once('close', () => signal.removeEventListener('abort', onAbort));
}

function emitCloseIfDrained(server) {
  if (!server[kClosing] || server[kCurrent] !== null || server[kLive].size > 0) return;
  server[kClosing] = false;
  process.nextTick(() => {
    if (serverClose.hasSubscribers) serverClose.publish({ server: server[kFacade] });
    server.emit('close');
  });
}

/** A TCP server with the interface of `net.Server`. */
class TcpServer extends EventEmitter {
  /**
   * @param {object | Function} [options] see `TcpServerOptions` in index.d.ts
   * @param {Function} [connectionListener]
   */
  constructor(options, connectionListener) {
    super();
    const listener = typeof options === 'function' ? options : connectionListener;
    const settings = normalizeOptions(typeof options === 'function' ? undefined : options);
    if (listener != null && typeof listener !== 'function') {
      throw invalidArgType('"connectionListener" argument', 'of type function', listener);
    }
    this[kOptions] = settings;
    this[kStreamOptions] = streamOptionsOf(settings);
    this[kFacade] = this; // whom the user knows: an HTTP server, say
    this[kConnections] = 0;
    this[kCurrent] = null; // the transport that listens, or is about to
    this[kLive] = new Set(); // that one, and those whose connections live on after close()
    this[kClosing] = false; // 'close' is owed
    this[kRefed] = true;
    this[kLastInfo] = null;
    this.maxConnections = settings.maxConnections || undefined;
    this.allowHalfOpen = settings.allowHalfOpen;
    this.pauseOnConnect = settings.pauseOnConnect;
    if (listener != null) this.on('connection', listener);
  }

  /**
   * All of Node's forms: `listen([port[, host[, backlog]]][, callback])` and
   * `listen(options[, callback])`. What is not given comes from the constructor's options.
   * Failures arrive as 'error' events, also those to get a transport when `fallback` is false.
   */
  listen(...args) {
    if (this[kCurrent] !== null) {
      const message = 'Listen method has been called more than once without closing.';
      throw codedError(Error, 'ERR_SERVER_ALREADY_LISTEN', message);
    }
    const { target, signal, callback } = parseListenArgs(args, this[kOptions]);
    if (callback !== undefined) this.once('listening', () => callback.call(this, this.info()));
    if (signal !== undefined) closeOnAbort(this, signal);
    begin(this, new Transport(this, target));
    return this;
  }

  get listening() {
    return this[kCurrent]?.listening ?? false;
  }

  /** `{address, family, port}`, or null when the server does not listen. */
  address() {
    return this[kCurrent] === null ? null : this[kCurrent].address();
  }

  /** Stops accepting. 'close' comes once the last connection has ended. */
  close(callback) {
    const transport = this[kCurrent];
    if (typeof callback === 'function') {
      const message = 'Server is not running.';
      const refuse = () => callback(codedError(Error, 'ERR_SERVER_NOT_RUNNING', message));
      this.once('close', transport === null ? refuse : callback);
    }
    this[kCurrent] = null;
    this[kClosing] = true;
    transport?.close();
    emitCloseIfDrained(this);
    return this;
  }

  /** Closes the server and cuts its connections now. Resolves at 'close'. */
  stop() {
    if (!this[kClosing] && this[kLive].size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.once('close', () => resolve());
      this.close();
      for (const transport of [...this[kLive]]) transport.stop();
    });
  }

  getConnections(callback) {
    process.nextTick(callback, null, this[kConnections]);
    return this;
  }

  ref() {
    this[kRefed] = true;
    this[kCurrent]?.updateHold();
    return this;
  }

  unref() {
    this[kRefed] = false;
    this[kCurrent]?.updateHold();
    return this;
  }

  /** Counters and features of the transport; after the end, those it had last. */
  info() {
    const [oldest] = this[kLive];
    const transport = this[kCurrent] ?? oldest;
    if (transport !== undefined) return transport.info();
    if (this[kLastInfo] !== null) return this[kLastInfo];
    const { name, driver, fallbackReason } = selectBackend(this[kOptions]);
    return { backend: name, driver, fallbackReason, listening: false };
  }

  /** {@link info} for Prometheus, in its text format. */
  metrics(options) {
    return metricsOf(this, options);
  }

  get [kKind]() {
    return 'tcp';
  }

  /** @private for an HTTP server whose time limits have been changed */
  [kLimitTimes](headersMs, requestMs) {
    for (const { backend } of this[kLive]) {
      if (backend?.parsesHttp) backend.native.limitTimes(headersMs, requestMs);
    }
  }

  [kOnListening]() {
    tellListening(this[kFacade]);
    this.emit('listening');
  }

  /** The current transport could not listen; `retry`, if there is one, takes its place. */
  [kOnListenError](err, retry) {
    if (retry !== null) {
      begin(this, retry);
      return;
    }
    this[kCurrent] = null;
    this.emit('error', err);
  }

  /** The kernel has ended accepting for good. */
  [kOnListenerLost](err) {
    this.close();
    this.emit('error', err);
  }

  [kOnReleased](transport) {
    if (transport.backend !== null) this[kLastInfo] = transport.info();
    this[kLive].delete(transport);
    emitCloseIfDrained(this);
  }

  [Symbol.for('nodejs.rejection')](err, event, ...args) {
    if (event === 'connection') args[0].destroy(err);
    else this.emit('error', err);
  }
}

// Node 20 has this symbol from 20.4 on; without it nobody can ask for the method.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(TcpServer.prototype, Symbol.asyncDispose, {
    value: function asyncDispose() {
      if (this[kCurrent] === null) return Promise.resolve();
      return new Promise((resolve, reject) => {
        this.close((err) => (err ? reject(err) : resolve()));
      });
    },
    writable: true,
    configurable: true,
  });
}

/**
 * Makes a TCP server on io_uring, or on `node:net` where io_uring is not usable.
 *
 * @param {object | Function} [options] see `TcpServerOptions` in index.d.ts
 * @param {(connection: import('./connection').TcpConnection) => void} [connectionListener]
 * @returns {TcpServer}
 */
function createTcpServer(options, connectionListener) {
  return new TcpServer(options, connectionListener);
}

module.exports = { TcpServer, createTcpServer };
