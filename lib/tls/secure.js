'use strict';

const { TcpConnection } = require('../tcp/connection');
const { kServe } = require('../symbols');
const { onTransport } = require('../tcp/node-server');

/** How long a peer that takes nothing any more delays destroy(). */
const FAREWELL_MS = 1000;

/** Fills in what libuv's calls give: `{address, port, family}`. */
function fill(out, address, port, family) {
  if (address === undefined) return -1;
  out.address = address;
  out.port = port;
  out.family = family;
  return 0;
}

/**
 * What a TLSSocket asks of the handle of its TCP socket. Around a Duplex it has a handle that only reads
 * and writes, so these are added: addresses, `ref()` and `unref()`, `setNoDelay()`, `setKeepAlive()`.
 */
function handleCalls(connection) {
  return {
    getpeername(out) {
      return fill(out, connection.remoteAddress, connection.remotePort, connection.remoteFamily);
    },
    getsockname(out) {
      return fill(out, connection.localAddress, connection.localPort, connection.localFamily);
    },
    ref() {
      connection.ref();
    },
    unref() {
      connection.unref();
    },
    setNoDelay(enable) {
      connection.setNoDelay(enable);
      return 0;
    },
    setKeepAlive(enable, seconds) {
      connection.setKeepAlive(enable, seconds * 1000);
      return 0;
    },
  };
}

/**
 * Lets leave what was written before destroy(). A TCP handle has mostly given it to the kernel by then.
 * Around a Duplex, TLS has one piece under way, the tickets after the handshake for example, and keeps
 * all else until that one has been sent.
 */
function leaveAfterWrites(secure, wrap) {
  const { finishWrite, _handle: handle } = wrap;
  const { onwrite } = handle;
  const destroyNow = secure._destroy;
  let writing = false;
  let leave = null;
  handle.onwrite = function started(...args) {
    writing = true;
    return onwrite.apply(this, args);
  };
  wrap.finishWrite = function finished(...args) {
    writing = false;
    finishWrite.apply(this, args); // starts the next one, if there is one
    if (!writing) leave?.();
  };
  secure._destroy = function destroy(err, callback) {
    if (this.writableLength === 0 || wrap.destroyed || wrap.stream.destroyed) {
      destroyNow.call(this, err, callback);
      return;
    }
    const timer = setTimeout(() => leave?.(), FAREWELL_MS);
    leave = () => {
      leave = null;
      clearTimeout(timer);
      destroyNow.call(this, err, callback);
    };
    wrap.once('close', () => leave?.());
  };
}

/** The first listener of every event that shows a TLSSocket to the user. */
function completeSocket(secure) {
  const wrap = secure._handle?._parentWrap;
  if (!(wrap?.stream instanceof TcpConnection) || wrap._handle === null) return;
  if (wrap._handle.getpeername !== undefined) return; // done before
  Object.assign(wrap._handle, handleCalls(wrap.stream));
  leaveAfterWrites(secure, wrap);
}

/**
 * `tls.Server` or `https.Server` on our transport: Node's own TLSSocket around each connection. An
 * own server class around TLSSocket would have to repeat what tls.Server does with it (certificates of
 * names, sessions, tickets, client certificates, the errors of the handshake), most of which Node keeps
 * to itself.
 */
function secureOnTransport(NodeServer) {
  return class extends onTransport(NodeServer) {
    constructor(options, listener) {
      super(options, listener);
      this.prependListener('secureConnection', completeSocket);
      this.prependListener('tlsClientError', (_err, secure) => completeSocket(secure));
    }

    [kServe](connection) {
      // The TLSSocket takes the setting over. The connection itself has to outlive the peer's end: what
      // TLS still has to say then is written to it.
      connection.allowHalfOpen = this.allowHalfOpen;
      super[kServe](connection);
      connection.allowHalfOpen = true;
    }
  };
}

module.exports = { secureOnTransport };
