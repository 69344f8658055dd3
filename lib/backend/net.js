'use strict';

const net = require('node:net');
const { track, untrack } = require('./at-exit');
const { S_IRALL, S_IWALL } = require('../listen-args');
const {
  kFlush,
  kOnClosed,
  kOnData,
  kOnEnd,
  kOnError,
  kOnListenerClosed,
  kOnOpen,
  kOnSent,
  kOnShutdown,
  kOnStopped,
} = require('../symbols');

const kPeer = Symbol('handle of this socket');
const LONGEST_INTERVAL = 2 ** 31 - 1;

function nothing() {}

/**
 * The handle of a connection: the socket underneath and the connection it serves. The socket's own
 * listeners are plain functions that find the handle on the socket, so that a connection costs no closures.
 */
class NetHandle {
  constructor(backend, socket) {
    this.backend = backend;
    this.socket = socket;
    this.connection = null;
    this.closing = false; // close() was called, or the backend cuts the connection itself
    this.gone = false; // the socket has emitted 'close'
    this.reported = false; // kOnClosed was given
    this.reason = undefined;
    this.sending = 0;
    this.taken = false; // the kernel has all of what is being sent
    this.onSent = null;
    socket[kPeer] = this;
  }

  cut(reason) {
    if (this.closing) return;
    this.closing = true;
    this.reason = reason;
    this.socket.destroy();
    if (this.gone) process.nextTick(reportClosed, this);
  }
}

function onData(chunk) {
  const handle = this[kPeer];
  handle.backend.bytesReceived += chunk.length;
  if (!handle.closing) handle.connection[kOnData](chunk);
}

function onEnd() {
  const handle = this[kPeer];
  if (!handle.closing) handle.connection[kOnEnd]();
}

function onError(err) {
  const handle = this[kPeer];
  if (!handle.closing) handle.connection[kOnError](err);
}

function onIdle() {
  const handle = this[kPeer];
  if (handle.closing) return;
  handle.backend.idleTimeouts++;
  handle.cut('idle');
}

/**
 * The socket closes by itself once both directions have ended. The connection may still hold data that
 * nobody has read, so that is no news for it until it lets go of its handle.
 */
function onClose() {
  const handle = this[kPeer];
  handle.gone = true;
  if (handle.closing) reportClosed(handle);
}

function reportClosed(handle) {
  if (handle.reported) return;
  handle.reported = true;
  const { backend, connection } = handle;
  backend.handles.delete(handle);
  backend.connectionsClosed++;
  if (connection !== null) connection[kOnClosed](handle.reason);
  backend.finishStop();
}

/** The options of net.Server's listen() for where a server is to listen. */
function whereToListen(spec) {
  const { backlog, exclusive } = spec;
  if (spec.handle !== undefined) return { handle: spec.handle, backlog };
  if (spec.fd !== undefined) return { fd: spec.fd, backlog };
  if (spec.path !== undefined) {
    const readableAll = (spec.mode & S_IRALL) !== 0;
    const writableAll = (spec.mode & S_IWALL) !== 0;
    return { path: spec.path, backlog, exclusive, readableAll, writableAll };
  }
  const where = { port: spec.port, backlog, exclusive };
  if (spec.ipv6Only) where.ipv6Only = true;
  if (spec.reusePort) where.reusePort = true;
  // Without a host, Node binds at once and has address() ready, and does without IPv6 by itself.
  if (!spec.anyAddress || spec.family !== 6) where.host = spec.address;
  return where;
}

/** The transport on Node's own sockets, for hosts without a usable io_uring. */
class NetBackend {
  constructor(owner, options) {
    this.owner = owner;
    this.options = options;
    this.server = null;
    this.handles = new Set();
    this.deferred = [];
    this.listenerClosed = false;
    this.stopping = false;
    this.keeper = null;
    this.connectionsAccepted = 0;
    this.connectionsClosed = 0;
    this.connectionsRejected = 0;
    this.idleTimeouts = 0;
    this.bytesReceived = 0;
    this.bytesSent = 0;
  }

  get name() {
    return 'net';
  }

  listen(spec, callback) {
    const { pauseOnConnect, tcpNoDelay } = this.options;
    const settings = { allowHalfOpen: true, noDelay: tcpNoDelay, pauseOnConnect };
    if (this.options.highWaterMark !== undefined) {
      settings.highWaterMark = this.options.highWaterMark;
    }
    const server = net.createServer(settings, (socket) => this.accept(socket));
    this.server = server;
    track(this);
    server.unref(); // what keeps the process alive is ref() alone
    server.once('error', callback);
    server.once('listening', () => {
      server.off('error', callback);
      server.on('error', nothing);
      // Node looks up hosts by itself; a close() that comes meanwhile does not stop it from listening.
      if (this.listenerClosed) server.close();
      else callback(null);
    });
    server.listen(whereToListen(spec));
  }

  address() {
    return this.server?.address() ?? null;
  }

  accept(socket) {
    socket.unref();
    this.connectionsAccepted++;
    const handle = new NetHandle(this, socket);
    this.handles.add(handle);
    socket.on('error', onError);
    socket.on('close', onClose);
    const connection = this.owner[kOnOpen](handle);
    if (connection === null) {
      this.connectionsRejected++;
      return;
    }
    handle.connection = connection;
    if (this.options.idleTimeoutMs > 0) socket.setTimeout(this.options.idleTimeoutMs, onIdle);
    socket.on('end', onEnd);
    socket.on('data', onData);
  }

  stopAccepting() {
    this.listenerClosed = true;
    this.server?.close();
    this.owner[kOnListenerClosed]();
  }

  stop() {
    if (this.stopping) return;
    this.stopping = true;
    this.listenerClosed = true;
    this.server?.close();
    flushDeferred(this); // what this turn has written gets one attempt
    for (const handle of this.handles) handle.cut('stop');
    process.nextTick(finishStop, this);
  }

  finishStop() {
    if (!this.stopping || this.handles.size > 0) return;
    this.stopping = false;
    untrack(this);
    clearInterval(this.keeper);
    this.owner[kOnStopped]();
  }

  /** The process exits: what was written in this turn leaves. */
  finishAtExit() {
    flushDeferred(this);
  }

  ref() {
    // One timer stands for every reason to stay alive: the sockets themselves never do.
    this.keeper ??= setInterval(nothing, LONGEST_INTERVAL);
    this.keeper.ref();
  }

  unref() {
    this.keeper?.unref();
  }

  info() {
    return {
      backend: 'net',
      connectionsActive: this.handles.size,
      connectionsAccepted: this.connectionsAccepted,
      connectionsClosed: this.connectionsClosed,
      connectionsRejected: this.connectionsRejected,
      idleTimeouts: this.idleTimeouts,
      bytesReceived: this.bytesReceived,
      bytesSent: this.bytesSent,
    };
  }

  write(handle, chunk) {
    handle.sending = chunk.length;
    handle.socket.write(chunk, this.completion(handle));
    handle.taken = handle.socket.writableLength === 0;
    return false;
  }

  writev(handle, chunks) {
    const { socket } = handle;
    const last = chunks.length - 1;
    handle.sending = 0;
    for (const chunk of chunks) handle.sending += chunk.length;
    socket.cork();
    for (let i = 0; i < last; i++) socket.write(chunks[i]);
    socket.write(chunks[last], this.completion(handle));
    socket.uncork();
    handle.taken = socket.writableLength === 0;
  }

  /** The callback for a write, made once per connection that writes. */
  completion(handle) {
    handle.onSent ??= (err) => {
      // A socket that is destroyed calls back without an error also what the kernel never took.
      if (handle.reported || (handle.closing && !handle.taken)) return;
      if (!err) this.bytesSent += handle.sending;
      handle.sending = 0;
      handle.connection[kOnSent](err ?? null);
    };
    return handle.onSent;
  }

  pause(handle) {
    handle.socket.pause();
  }

  resume(handle) {
    handle.socket.resume();
  }

  shutdown(handle) {
    handle.socket.end((err) => {
      if (!handle.reported) handle.connection[kOnShutdown](err ?? null);
    });
  }

  close(handle, reset) {
    if (reset && !handle.closing && !handle.gone) {
      handle.closing = true;
      handle.socket.resetAndDestroy();
      return;
    }
    handle.cut(undefined);
  }

  peer({ socket }) {
    if (socket.remoteAddress === undefined) return undefined;
    return { address: socket.remoteAddress, port: socket.remotePort, family: socket.remoteFamily };
  }

  local({ socket }) {
    if (socket.localAddress === undefined) return undefined;
    return { address: socket.localAddress, port: socket.localPort, family: socket.localFamily };
  }

  setNoDelay(handle, enable) {
    handle.socket.setNoDelay(enable);
  }

  setKeepAlive(handle, enable, delayMs) {
    handle.socket.setKeepAlive(enable, delayMs);
  }

  queuedBytes(handle) {
    return handle.sending === 0 ? 0 : handle.socket.writableLength;
  }

  defer(connection) {
    if (this.deferred.push(connection) === 1) process.nextTick(flushDeferred, this);
  }
}

function finishStop(backend) {
  backend.finishStop();
}

function flushDeferred(backend) {
  const connections = backend.deferred;
  backend.deferred = [];
  let flushed = 0;
  try {
    while (flushed < connections.length) connections[flushed++][kFlush]();
  } finally {
    // User code has thrown: the others go on after that.
    for (; flushed < connections.length; flushed++) backend.defer(connections[flushed]);
  }
}

NetBackend.whereToListen = whereToListen;

module.exports = NetBackend;
