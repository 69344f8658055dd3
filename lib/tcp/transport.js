'use strict';

const { channel } = require('node:diagnostics_channel');
const dns = require('node:dns');
const net = require('node:net');
const { selectBackend } = require('../backend/select');
const { connectionOpen } = require('../diagnostics');
const { systemError } = require('../errors');
const { TcpConnection } = require('./connection');
const {
  kConnectionClass,
  kHttpSettings,
  kConnections,
  kFacade,
  kOnListenError,
  kOnListenerClosed,
  kOnListenerLost,
  kOnListening,
  kOnOpen,
  kOnReleased,
  kOnStopped,
  kOptions,
  kPauseAtOpen,
  kRefed,
  kStreamOptions,
} = require('../symbols');

// The life of a transport, in order.
const RESOLVING = 0; // finding out the address to bind
const STARTING = 1; // the backend has been asked to listen
const LISTENING = 2;
const DRAINING = 3; // those accepted live on, also when they were not announced yet; no others come
const STOPPING = 4; // the backend has been asked to stop
const STOPPED = 5;

/** Node's, on which tracing tools listen. */
const accepted = channel('net.server.socket');

/** Of a Unix socket's name: sockaddr_un has room for these and a zero byte. */
const PATH_BYTES_MAX = 107;
const EINVAL = -22;

/** Errors of the IPv6 wildcard address that mean "no IPv6 here": then it is 0.0.0.0, as in Node. */
const NO_IPV6 = new Set(['EAFNOSUPPORT', 'EINVAL', 'EADDRNOTAVAIL']);

function rethrow(err) {
  throw err;
}

/**
 * One backend from listen() to the end of its last connection. A server that listens again after close()
 * gets a new one, while the old one may still have connections.
 *
 * It also counts who wants the process to stay alive: the server while it listens, each connection, and
 * whoever is still owed a 'close'. The backend hears of the first and the last only; it starts unref'd.
 */
class Transport {
  constructor(server, target) {
    this.server = server;
    this.target = target;
    this.backend = null;
    this.selection = selectBackend(server[kOptions]);
    this.phase = RESOLVING;
    this.open = 0; // connections whose kOnClosed has not come
    this.holders = 0;
    this.held = false; // by the server itself
    this.listenerOpen = false;
    this.isLocal = false; // a Unix socket
    this.afterListenerClosed = null;
  }

  // --- start

  start() {
    const { host, path, fd } = this.target;
    if (path !== undefined || fd !== undefined) {
      this.bindLocal(path);
      return;
    }
    const family = host === undefined ? 6 : net.isIP(host);
    if (family !== 0) {
      this.bind(host, family);
      return;
    }
    dns.lookup(host, (err, address, found) => {
      if (this.phase !== RESOLVING) return;
      if (err) this.fail(err);
      else this.bind(address, found);
    });
  }

  /** Listens on a path or on a descriptor. */
  bindLocal(path) {
    if (path !== undefined && Buffer.byteLength(path) > PATH_BYTES_MAX) {
      process.nextTick(() => {
        if (this.phase === RESOLVING) this.fail(systemError(EINVAL, 'listen', path, -1));
      });
      return;
    }
    this.listen({ ...this.target, address: null, family: 0, anyAddress: false });
  }

  /** @param {string | undefined} address undefined is every address, IPv6 and IPv4 */
  bind(address, family) {
    const anyAddress = address === undefined;
    const wildcard = family === 6 ? '::' : '0.0.0.0';
    this.listen({ ...this.target, address: address ?? wildcard, family, anyAddress });
  }

  listen(spec) {
    const backend = this.createBackend();
    if (backend === null) return;
    this.phase = STARTING;
    this.backend = backend;
    this.listenerOpen = true;
    this.updateHold();
    backend.listen(spec, (err) => {
      if (err) this.onListenError(err, spec.anyAddress && spec.family === 6);
      else this.onListening();
    });
  }

  createBackend() {
    const options = this.server[kOptions];
    const { Backend } = this.selection;
    let { error } = this.selection;
    try {
      if (error === null) return new Backend(this, this.withHttp(options));
    } catch (err) {
      error = err;
    }
    process.nextTick(() => {
      if (this.phase === RESOLVING) this.fail(error);
    });
    return null;
  }

  /** The options of a backend that parses HTTP, for a server that wants that. */
  withHttp(options) {
    const settings =
      this.selection.name === 'net' ? null : (this.server[kHttpSettings]?.() ?? null);
    if (settings === null) return options;
    const recordBytesMax = 64 + settings.headerBytes + 8 * settings.headersMax;
    return { ...options, http: settings, recordBytesMax };
  }

  onListening() {
    if (this.phase !== STARTING) return;
    this.phase = LISTENING;
    const address = this.backend.address();
    this.isLocal = address === null || typeof address === 'string'; // null: of a descriptor
    this.server[kOnListening]();
  }

  onListenError(err, mayLackIPv6) {
    this.listenerOpen = false;
    if (this.phase !== STARTING) {
      this.stopIfDrained();
      return;
    }
    if (!mayLackIPv6 || !NO_IPV6.has(err.code)) {
      this.fail(err);
      return;
    }
    const { server } = this;
    this.stop();
    server[kOnListenError](null, new Transport(server, this.target));
  }

  fail(err) {
    this.stop();
    this.server[kOnListenError](err, null);
  }

  // --- connections

  [kOnOpen](handle) {
    const { server, backend } = this;
    if (this.phase >= STOPPING) {
      backend.close(handle, true);
      return null;
    }
    if (server.maxConnections != null && server[kConnections] >= server.maxConnections) {
      this.drop(handle);
      return null;
    }
    if (server[kOptions].blockList !== undefined && this.isBlocked(handle)) {
      backend.close(handle, false);
      return null;
    }
    this.open++;
    server[kConnections]++;
    const Connection = this.server[kConnectionClass] ?? TcpConnection;
    const connection = new Connection(this, handle, server[kStreamOptions]);
    const { keepAlive, keepAliveInitialDelay, pauseOnConnect } = server[kOptions];
    if (keepAlive) backend.setKeepAlive(handle, true, keepAliveInitialDelay);
    if (pauseOnConnect) connection[kPauseAtOpen]();
    if (connectionOpen.hasSubscribers) {
      connectionOpen.publish({ server: server[kFacade], connection });
    }
    try {
      server.emit('connection', connection);
      // Of what node:net accepts, it tells itself.
      if (accepted.hasSubscribers && this.selection.name !== 'net') {
        accepted.publish({ socket: connection });
      }
    } catch (err) {
      // The backend must learn of the connection whatever the listener does.
      process.nextTick(rethrow, err);
    }
    return connection;
  }

  isBlocked(handle) {
    const peer = this.backend.peer(handle);
    const family = peer === undefined ? 0 : net.isIP(peer.address);
    return family !== 0 && this.server[kOptions].blockList.check(peer.address, `ipv${family}`);
  }

  drop(handle) {
    const { server, backend } = this;
    if (this.isLocal) {
      backend.close(handle, false);
      process.nextTick(() => server.emit('drop'));
      return;
    }
    const local = backend.local(handle);
    const peer = backend.peer(handle);
    backend.close(handle, false);
    process.nextTick(() => {
      server.emit('drop', {
        localAddress: local?.address,
        localPort: local?.port,
        localFamily: local?.family,
        remoteAddress: peer?.address,
        remotePort: peer?.port,
        remoteFamily: peer?.family,
      });
    });
  }

  /** A connection has been destroyed: it no longer counts for the user. */
  ending() {
    this.server[kConnections]--;
  }

  /** A connection's handle is gone: it no longer counts for us. */
  closed() {
    this.open--;
    this.stopIfDrained();
  }

  // --- end

  /** Stops accepting; stops altogether when the last connection has ended. */
  close() {
    if (this.phase >= DRAINING) return;
    const started = this.backend !== null;
    this.phase = DRAINING;
    if (started) this.backend.stopAccepting();
    this.updateHold();
    this.stopIfDrained();
  }

  stopIfDrained() {
    if (this.phase === DRAINING && this.open === 0 && !this.listenerOpen) this.stop();
  }

  /** Cuts everything now. */
  stop() {
    if (this.phase >= STOPPING) return;
    if (this.backend === null) {
      this.phase = STOPPED;
      this.server[kOnReleased](this);
      return;
    }
    this.phase = STOPPING;
    this.updateHold();
    this.backend.stop();
  }

  [kOnListenerClosed](err) {
    this.listenerOpen = false;
    if (err && this.phase === LISTENING) this.server[kOnListenerLost](err);
    this.stopIfDrained();
    this.updateHold();
    const next = this.afterListenerClosed;
    this.afterListenerClosed = null;
    next?.();
  }

  [kOnStopped]() {
    this.phase = STOPPED;
    this[kOnListenerClosed](null);
    this.server[kOnReleased](this);
  }

  // --- liveness

  hold() {
    if (this.holders++ === 0) this.backend.ref();
  }

  release() {
    if (--this.holders === 0) this.backend.unref();
  }

  /** Whether the server itself keeps the process alive through this transport. */
  updateHold() {
    const listening = this.phase === STARTING || this.phase === LISTENING;
    const closing = this.phase === STOPPING || (this.phase === DRAINING && this.listenerOpen);
    const wanted = (listening && this.server[kRefed]) || closing;
    if (wanted === this.held) return;
    this.held = wanted;
    if (wanted) this.hold();
    else this.release();
  }

  // --- what the server shows

  /** Every connection is being cut. */
  get stopping() {
    return this.phase >= STOPPING;
  }

  get listening() {
    return this.phase === LISTENING || (this.phase === STARTING && this.backend.address() !== null);
  }

  address() {
    return this.phase === STARTING || this.phase === LISTENING ? this.backend.address() : null;
  }

  info() {
    const { name, driver, fallbackReason } = this.selection;
    const shown = this.backend === null ? { backend: name } : this.backend.info();
    return { ...shown, driver, fallbackReason, listening: this.listening };
  }
}

module.exports = { Transport };
