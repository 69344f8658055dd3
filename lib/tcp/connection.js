'use strict';

const { AsyncResource } = require('node:async_hooks');
const { Duplex } = require('node:stream');
const { connectionClose, connectionError } = require('../diagnostics');
const { codedError, invalidArgType, outOfRange } = require('../errors');
const { coalesce } = require('./coalesce');
const { IdleTimer } = require('./idle');
const {
  kFacade,
  kFlush,
  kOnClosed,
  kOnData,
  kOnEnd,
  kOnError,
  kOnSent,
  kOnShutdown,
  kPauseAtOpen,
} = require('../symbols');

const kTransport = Symbol('transport');
const kBackend = Symbol('backend');
const kHandle = Symbol('handle');
const kFlags = Symbol('flags');
const kBytesIn = Symbol('bytesIn');
const kBytesOut = Symbol('bytesOut');
const kSending = Symbol('sending');
const kCallback = Symbol('callback');
const kIdle = Symbol('idle');
const kPeer = Symbol('peer');
const kLocal = Symbol('local');
const kServer = Symbol('server');

// The state of a connection beyond what the Duplex knows.
const PAUSED = 1; // the backend has been told not to read
const DEFERRED = 2; // corked by write() until kFlush
const PEER_ENDED = 4; // the peer's FIN has been received
const CLOSING = 8; // destroyed: the handle has been given back, or is about to be
const CLOSED = 16; // kOnClosed has come, the handle is no more
const UNREF = 32;
const RESET = 64;
const HAD_ERROR = 128;
const HELD = 256; // the connection keeps the process alive
const END_HELD = 512; // the peer's FIN waits for the write under way
const NOT_READING = PAUSED | PEER_ENDED;

const TIMEOUT_MAX = 2 ** 31 - 1;

function onIdle(idle) {
  const { connection } = idle;
  // A slow peer that does take bytes of a large write is not idle.
  const queued = idle.queued > 0 ? connection[kBackend].queuedBytes(connection[kHandle]) : 0;
  if (queued === idle.queued) {
    idle.scope.runInAsyncScope(connection.emit, connection, 'timeout');
    return;
  }
  idle.set(idle.ms, queued);
}

/** Notes activity on the writing side, and how many bytes are under way. */
function touchIdleTimer(connection, queued) {
  connection[kIdle].queued = queued;
  connection[kIdle].touch();
}

/** The server that the user has. */
function facadeOf(connection) {
  return connection[kTransport].server[kFacade];
}

/**
 * The last event. A write that destroy() overtook fails with the error of the connection; where there is
 * none, the Duplex would make one of ours its own, so that comes only after 'close'.
 */
function emitClose(connection) {
  if (connection.errored) complete(connection, connection.errored);
  const hadError = (connection[kFlags] & HAD_ERROR) !== 0;
  if (connectionClose.hasSubscribers) {
    connectionClose.publish({ server: facadeOf(connection), connection, hadError });
  }
  connection.emit('close', hadError);
  if (connection[kCallback] === null) return;
  const message = 'Cannot call write after a stream was destroyed';
  complete(connection, codedError(Error, 'ERR_STREAM_DESTROYED', message));
}

/** Milliseconds for a timer, checked as Node checks those of socket.setTimeout(). */
function timerDuration(ms) {
  if (typeof ms !== 'number') throw invalidArgType('"msecs" argument', 'of type number', ms);
  if (ms < 0 || !Number.isFinite(ms)) throw outOfRange('msecs', 'a non-negative finite number', ms);
  if (ms <= TIMEOUT_MAX) return ms;
  const message = `${ms} does not fit into a 32-bit signed integer. Timer duration was truncated to ${TIMEOUT_MAX}.`;
  process.emitWarning(message, 'TimeoutOverflowWarning');
  return TIMEOUT_MAX;
}

/**
 * Holds the process, or lets it go, as a Node socket does: while it reads or has something to send, and
 * until the 'close' that it owes. One that does neither cannot cause anything to happen.
 */
function updateHold(connection) {
  const flags = connection[kFlags];
  let wanted = (flags & CLOSED) === 0;
  if ((flags & CLOSING) === 0) {
    const busy = (flags & NOT_READING) === 0 || connection[kCallback] !== null;
    wanted = busy && (flags & UNREF) === 0;
  }
  if (wanted === ((flags & HELD) !== 0)) return;
  connection[kFlags] = flags ^ HELD;
  if (wanted) connection[kTransport].hold();
  else connection[kTransport].release();
}

/** Bytes that are gone between write() and the end of the turn: transferred to another thread, say. */
function detached() {
  return codedError(Error, 'ERR_INVALID_STATE', 'Invalid state: a written buffer was detached');
}

/** A write callback belongs to the asynchronous context of its write(), not to that of a batch of events. */
function inContext(callback) {
  if (typeof callback !== 'function') return callback;
  const resource = new AsyncResource('SEARINGS_WRITE');
  return (err) => resource.runInAsyncScope(callback, undefined, err);
}

/** True when they have been sent already, or the error with which that failed: then no kOnSent follows. */
function send(connection, buffers) {
  if (buffers.length === 1) return connection[kBackend].write(connection[kHandle], buffers[0]);
  connection[kBackend].writev(connection[kHandle], buffers);
  return false;
}

/** A write that was over as soon as it was made. */
function settle(connection, result) {
  if (result === true) connection[kOnSent](null);
  else if (result !== false) connection[kOnSent](result);
}

/** Ends the write or shutdown under way. */
function complete(connection, err) {
  const callback = connection[kCallback];
  if (callback === null) return;
  connection[kCallback] = null;
  connection[kSending] = 0;
  if ((connection[kFlags] & NOT_READING) !== 0) updateHold(connection);
  callback(err);
  if ((connection[kFlags] & END_HELD) !== 0) process.nextTick(endIfQuiet, connection);
}

function receiveEnd(connection) {
  connection[kFlags] |= PEER_ENDED;
  updateHold(connection);
  connection.push(null);
  connection.read(0); // 'end' comes now if nothing is buffered, whether or not anyone reads
}

/** Gives the end that was held, once no write is under way and no callback of one is left that may write. */
function endIfQuiet(connection) {
  if ((connection[kFlags] & (END_HELD | CLOSING)) !== END_HELD) return;
  connection[kFlush]();
  if (connection[kCallback] !== null) return; // complete() comes back
  if (connection._writableState.pendingcb > 0 && connection.writableCorked === 0) {
    setImmediate(endIfQuiet, connection);
    return;
  }
  connection[kFlags] &= ~END_HELD;
  receiveEnd(connection);
}

/**
 * Gives the backend what was written, also what waits in the Duplex for the write under way: a Node socket
 * has offered all of it to the kernel by the time of destroy().
 */
function handOver(connection) {
  connection[kFlush]();
  if (connection[kCallback] === null || connection.writableLength === connection[kSending]) return;
  const waiting = connection._writableState.getBuffer();
  if (waiting.length > 0) send(connection, coalesce(waiting));
}

/** Whether our side has been ended because the peer ended first. */
function isBrokenPipe(connection) {
  return !connection.allowHalfOpen && connection.readableEnded && connection.writableEnded;
}

function refuseWrite(connection, callback) {
  const err = codedError(Error, 'EPIPE', 'This socket has been ended by the other party');
  if (typeof callback === 'function') process.nextTick(callback, err);
  connection.destroy(err);
  return false;
}

function peerOf(connection) {
  if (connection[kPeer] === undefined && !connection.pending) {
    connection[kPeer] = connection[kBackend].peer(connection[kHandle]);
  }
  return connection[kPeer];
}

/** Unlike the peer, our own end is forgotten with the handle, as in Node. */
function localOf(connection) {
  if (connection.pending) return undefined;
  connection[kLocal] ??= connection[kBackend].local(connection[kHandle]);
  return connection[kLocal];
}

/**
 * One accepted connection: a `stream.Duplex` with the interface of `net.Socket`. Instances are made by a
 * {@link TcpServer} and handed to its 'connection' event.
 */
class TcpConnection extends Duplex {
  /** @private */
  constructor(transport, handle, streamOptions) {
    super(streamOptions);
    this[kTransport] = transport;
    this[kBackend] = transport.backend;
    this[kHandle] = handle;
    this[kFlags] = 0;
    this[kBytesIn] = 0;
    this[kBytesOut] = 0;
    this[kSending] = 0; // bytes of the write that the backend has
    this[kCallback] = null; // of that write, or of the shutdown
    this[kIdle] = null;
    updateHold(this);
  }

  // --- reading

  [kOnData](chunk) {
    if ((this[kFlags] & CLOSING) !== 0) return;
    this[kBytesIn] += chunk.length;
    if (this[kIdle] !== null) this[kIdle].touch();
    if (!this.push(chunk) && (this[kFlags] & (PAUSED | CLOSING)) === 0) {
      this[kFlags] |= PAUSED;
      this[kBackend].pause(this[kHandle]);
      updateHold(this);
    }
  }

  [kOnEnd]() {
    if ((this[kFlags] & CLOSING) !== 0) return;
    // Node's HTTP server has put its parser here. At 'end' it drops the answers that wait for an earlier one
    // to be written; with a Node socket none does by then, because the kernel has mostly taken them all.
    if (this.parser) {
      this[kFlags] |= END_HELD;
      endIfQuiet(this);
    } else {
      receiveEnd(this);
    }
  }

  [kOnError](err) {
    // Of a connection that stop() is cutting, nobody wants to hear that the peer was faster.
    this.destroy(this[kTransport].stopping ? undefined : err);
  }

  _read() {
    if ((this[kFlags] & (PAUSED | CLOSING)) !== PAUSED) return;
    this[kFlags] &= ~PAUSED;
    this[kBackend].resume(this[kHandle]);
    updateHold(this);
  }

  // --- writing

  /**
   * As `net.Socket#write`. What one turn of the event loop writes goes out together at its end.
   */
  write(chunk, encoding, callback) {
    const flags = this[kFlags];
    if ((flags & (DEFERRED | PEER_ENDED | CLOSING)) === 0) {
      this[kFlags] = flags | DEFERRED;
      this.cork();
      this[kBackend].defer(this);
    } else if ((flags & PEER_ENDED) !== 0 && isBrokenPipe(this)) {
      return refuseWrite(this, typeof encoding === 'function' ? encoding : callback);
    }
    if (typeof encoding === 'function') return super.write(chunk, inContext(encoding));
    return super.write(chunk, encoding, inContext(callback));
  }

  /** As in a stream, but for the cork of write(): Node's HTTP server would draw that too. */
  uncork() {
    if ((this[kFlags] & DEFERRED) === 0 || this.writableCorked > 0) super.uncork();
  }

  /** Without the cork of write(), which nobody else knows of. */
  get writableCorked() {
    return super.writableCorked - ((this[kFlags] & DEFERRED) === 0 ? 0 : 1);
  }

  /** What was written goes before the end: a stream that is ending may not notice that its last write is over. */
  end(chunk, encoding, callback) {
    const deferred = this[kFlags] & DEFERRED;
    this[kFlags] &= ~DEFERRED;
    try {
      return super.end(chunk, encoding, callback);
    } catch (err) {
      if (this.writableCorked > 0) this[kFlags] |= deferred; // a bad chunk: nothing has ended
      throw err;
    }
  }

  [kFlush]() {
    if ((this[kFlags] & DEFERRED) === 0) return;
    this[kFlags] &= ~DEFERRED;
    try {
      this.uncork();
    } catch (err) {
      this.destroy(err); // of this connection; the others of the turn go on
    }
  }

  _write(chunk, _encoding, callback) {
    if ((this[kFlags] & CLOSING) !== 0) return void callback(null);
    if (chunk.length !== this.writableLength) return void callback(detached());
    this[kCallback] = callback;
    this[kSending] = chunk.length;
    this[kBytesOut] += chunk.length;
    if (this[kIdle] !== null) touchIdleTimer(this, chunk.length);
    if ((this[kFlags] & NOT_READING) !== 0) updateHold(this);
    settle(this, this[kBackend].write(this[kHandle], chunk));
  }

  _writev(entries, callback) {
    if ((this[kFlags] & CLOSING) !== 0) return void callback(null);
    const buffers = coalesce(entries);
    let bytes = 0;
    for (const { length } of buffers) bytes += length;
    if (bytes !== this.writableLength) return void callback(detached());
    this[kCallback] = callback;
    this[kSending] = bytes;
    this[kBytesOut] += bytes;
    if (this[kIdle] !== null) touchIdleTimer(this, bytes);
    if ((this[kFlags] & NOT_READING) !== 0) updateHold(this);
    settle(this, send(this, buffers));
  }

  [kOnSent](err) {
    if (this[kIdle] !== null) touchIdleTimer(this, 0);
    // What destroy() cuts short is for emitClose(); what it does not has been sent.
    const cut = (this[kFlags] & CLOSING) !== 0 || this[kTransport].stopping;
    if (err === null || !cut) complete(this, err);
  }

  _final(callback) {
    // With the peer's end already delivered, the close that follows at once says the same to the peer.
    if (this.readableEnded || (this[kFlags] & CLOSING) !== 0) return void callback();
    this[kCallback] = callback;
    updateHold(this);
    this[kBackend].shutdown(this[kHandle]);
  }

  [kOnShutdown]() {
    // A peer that is already gone makes shutdown() fail; reading reports that better.
    complete(this, null);
  }

  // --- the end

  /** As `net.Socket#destroy`. What has been written in this turn still gets its chance to leave. */
  destroy(err, callback) {
    if ((this[kFlags] & (CLOSING | RESET)) === 0) handOver(this);
    return super.destroy(err, callback);
  }

  _destroy(err, callback) {
    const flags = this[kFlags] | CLOSING | (err ? HAD_ERROR : 0);
    this[kFlags] = flags;
    if (this[kIdle] !== null) this[kIdle].stop();
    this[kTransport].ending();
    if (err && connectionError.hasSubscribers) {
      connectionError.publish({ server: facadeOf(this), connection: this, error: err });
    }
    if ((flags & CLOSED) === 0) {
      updateHold(this);
      this[kBackend].close(this[kHandle], (flags & RESET) !== 0);
    }
    callback(err);
  }

  [kOnClosed]() {
    const unasked = (this[kFlags] & CLOSING) === 0;
    this[kFlags] |= CLOSED;
    if (unasked) this.destroy();
    updateHold(this);
    // 'error' is on its way in a tick of its own, and 'close' comes after it.
    process.nextTick(emitClose, this);
    this[kTransport].closed();
  }

  /** Ends the writing side, then destroys the connection once everything written has been sent. */
  destroySoon() {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  }

  /** Closes with a RST. `ERR_SOCKET_CLOSED` if closed already; a Unix socket has no RST: it throws. */
  resetAndDestroy() {
    if ((this[kFlags] & CLOSING) !== 0) {
      return this.destroy(codedError(Error, 'ERR_SOCKET_CLOSED', 'Socket is closed'));
    }
    if (this[kTransport].isLocal) {
      throw codedError(TypeError, 'ERR_INVALID_HANDLE_TYPE', 'This handle type cannot be sent');
    }
    this[kFlags] |= RESET;
    return this.destroy();
  }

  // --- inactivity

  /** As `net.Socket#setTimeout`: 'timeout' after `ms` without reads or writes; 0 turns it off. */
  setTimeout(ms, callback) {
    if (this.destroyed) return this;
    const duration = timerDuration(ms);
    if (callback !== undefined && typeof callback !== 'function') {
      throw invalidArgType('"callback" argument', 'of type function', callback);
    }
    this.timeout = ms;
    if (duration > 0) {
      this[kIdle] ??= new IdleTimer(this, onIdle);
      this[kIdle].start(duration, this[kSending]);
      if (callback !== undefined) this.once('timeout', callback);
    } else {
      if (this[kIdle] !== null) this[kIdle].pause();
      if (callback !== undefined) this.removeListener('timeout', callback);
    }
    return this;
  }

  // --- properties

  /** The {@link TcpServer} that accepted this connection, or who took it over: an HTTP server, say. */
  get server() {
    return this[kServer] ?? this[kTransport].server;
  }

  set server(server) {
    this[kServer] = server;
  }

  get bytesRead() {
    return this[kBytesIn];
  }

  /** Bytes written so far, including those that still wait to be sent. */
  get bytesWritten() {
    return this[kBytesOut] + this.writableLength - this[kSending];
  }

  get bufferSize() {
    return this.pending ? undefined : this.writableLength;
  }

  get connecting() {
    return false;
  }

  get pending() {
    return (this[kFlags] & CLOSING) !== 0;
  }

  get readyState() {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get remoteAddress() {
    return peerOf(this)?.address;
  }

  get remotePort() {
    return peerOf(this)?.port;
  }

  get remoteFamily() {
    return peerOf(this)?.family;
  }

  get localAddress() {
    return localOf(this)?.address;
  }

  get localPort() {
    return localOf(this)?.port;
  }

  get localFamily() {
    return localOf(this)?.family;
  }

  /** The local end, as `{address, family, port}`; `{}` once the connection is closed. */
  address() {
    const local = localOf(this);
    if (local === undefined) return {};
    return { address: local.address, family: local.family, port: local.port };
  }

  setNoDelay(enable = true) {
    if (!this.pending) this[kBackend].setNoDelay(this[kHandle], Boolean(enable));
    return this;
  }

  /**
   * @param {boolean | {enable?: boolean, initialDelay?: number}} [enable]
   * @param {number} [initialDelay] milliseconds before the first probe; 0 leaves the system's value
   */
  setKeepAlive(enable = false, initialDelay = 0) {
    if (typeof enable === 'object' && enable !== null) {
      return this.setKeepAlive(enable.enable, enable.initialDelay);
    }
    if (this.pending) return this;
    this[kBackend].setKeepAlive(this[kHandle], Boolean(enable), Math.trunc(initialDelay) || 0);
    return this;
  }

  ref() {
    this[kFlags] &= ~UNREF;
    updateHold(this);
    return this;
  }

  unref() {
    this[kFlags] |= UNREF;
    updateHold(this);
    return this;
  }

  /** @private for the server: the connection starts paused */
  [kPauseAtOpen]() {
    this[kFlags] |= PAUSED;
    this.pause();
    this[kBackend].pause(this[kHandle]);
    updateHold(this);
  }
}

// Rare things live on the prototype until a connection needs its own.
TcpConnection.prototype.timeout = undefined;
TcpConnection.prototype[kPeer] = undefined;
TcpConnection.prototype[kLocal] = undefined;
TcpConnection.prototype[kServer] = undefined;

/** What a subclass may know. */
TcpConnection.keys = { kBackend, kBytesIn, kHandle, kIdle };

module.exports = { TcpConnection };
