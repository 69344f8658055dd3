'use strict';

const { codedError } = require('../errors');
const { metricsOf } = require('../metrics');
const { TCP_OPTIONS } = require('../options');
const { kFacade, kServe, kTcp } = require('../symbols');
const { TcpServer } = require('./server');

/** What Node's class and ours both have an option for, and Node's is to have. */
const NODE_OPTIONS = new Set(['allowHalfOpen', 'pauseOnConnect']);

/**
 * The options of the transport among those that the user gave. The half-open state and the pause are for
 * Node's class to decide on, which reads to the end itself.
 */
function transportOptions(given) {
  const options = { allowHalfOpen: true };
  for (const [name, value] of Object.entries(given ?? {})) {
    if (name in TCP_OPTIONS && !NODE_OPTIONS.has(name)) options[name] = value;
  }
  return options;
}

function forwardEvents(from, to) {
  from.on('connection', (connection) => to[kServe](connection));
  for (const name of ['listening', 'close', 'error', 'drop']) {
    from.on(name, (...args) => to.emit(name, ...args));
  }
}

/** What net.Server does around connections, left to the TcpServer beneath. */
class Beneath {
  get listening() {
    return this[kTcp].listening;
  }

  address() {
    return this[kTcp].address();
  }

  getConnections(callback) {
    this[kTcp].getConnections(callback);
    return this;
  }

  get maxConnections() {
    return this[kTcp].maxConnections;
  }

  set maxConnections(count) {
    this[kTcp].maxConnections = count;
  }

  ref() {
    this[kTcp].ref();
    return this;
  }

  unref() {
    this[kTcp].unref();
    return this;
  }

  /** Counters and features of the transport, as `TcpServer#info`. */
  info() {
    return this[kTcp].info();
  }

  /** {@link info} for Prometheus, as `TcpServer#metrics`. */
  metrics(options) {
    return metricsOf(this, options);
  }

  /** How net.Server finds out whether it has closed. The TcpServer tells us when it has. */
  _emitCloseIfDrained() {}
}

// As in TcpServer: Node 20 has this symbol from 20.4 on.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Beneath.prototype, Symbol.asyncDispose, {
    value: function asyncDispose() {
      if (!this.listening) return Promise.resolve();
      return new Promise((resolve) => this.close(() => resolve()));
    },
    writable: true,
    configurable: true,
  });
}

const { constructor: _own, ...BENEATH } = Object.getOwnPropertyDescriptors(Beneath.prototype);

/**
 * Node's own server class (http.Server, tls.Server, https.Server) on our transport: a subclass that never
 * listens itself, but is given every connection of a {@link TcpServer}, as `emit('connection')` allows.
 * So what the class does with a connection is Node's own code, with all its options and events, and
 * programs that ask `instanceof http.Server` are content.
 */
function onTransport(NodeServer) {
  class Server extends NodeServer {
    constructor(options, listener) {
      super(options, listener);
      this[kTcp] = new TcpServer(transportOptions(typeof options === 'function' ? null : options));
      this[kTcp][kFacade] = this;
      forwardEvents(this[kTcp], this);
    }

    /** A connection has been accepted. */
    [kServe](connection) {
      this.emit('connection', connection);
    }

    /** As `TcpServer#listen`, but the callback gets nothing, as in Node: many take an argument for an error. */
    listen(...args) {
      const callback = typeof args.at(-1) === 'function' ? args.pop() : undefined;
      this[kTcp].listen(...args);
      if (callback !== undefined) this.once('listening', callback);
      return this;
    }

    close(callback) {
      if (typeof callback === 'function') {
        const message = 'Server is not running.';
        const refuse = () => callback(codedError(Error, 'ERR_SERVER_NOT_RUNNING', message));
        this.once('close', this.listening ? callback : refuse);
      }
      super.close(); // an HTTP server lets its idle connections go
      this[kTcp].close();
      return this;
    }

    /** Closes the server and cuts its connections now. Resolves at 'close'. */
    stop() {
      super.close();
      return this[kTcp].stop();
    }
  }
  Object.defineProperties(Server.prototype, BENEATH);
  return Server;
}

module.exports = { onTransport };
