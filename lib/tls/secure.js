'use strict';

const { TcpConnection } = require('../tcp/connection');
const { kServe } = require('../symbols');
const { onTransport } = require('../tcp/node-server');

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

/** The first listener of every event that shows a TLSSocket to the user. */
function completeSocket(secure) {
  const wrap = secure._handle?._parentWrap;
  const connection = wrap?.stream;
  if (!(connection instanceof TcpConnection) || wrap._handle === null) return;
  Object.assign(wrap._handle, handleCalls(connection));
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
