'use strict';

const dns = require('node:dns');
const net = require('node:net');
const { selectBackend } = require('../backend/select');
const { serverClose, tellListening } = require('../diagnostics');
const { codedError } = require('../errors');
const { metricsOf } = require('../metrics');
const { kOnListenerClosed, kOnStopped } = require('../symbols');

const kOptions = Symbol('options');
const kEngine = Symbol('engine');
const kStart = Symbol('start');
const kIdle = Symbol('idle');
const kEngineFor = Symbol('engineFor');
const kSelection = Symbol('selection');
const kPhase = Symbol('phase');
const kRefed = Symbol('refed');
const kLastInfo = Symbol('lastInfo');
const kStopping = Symbol('stopping');
const kStopped = Symbol('stopped');
const kBound = Symbol('bound');
const kAnswered = Symbol('answered');

// The phases of a service. It can be started again after STOPPED.
const STOPPED = 0;
const STARTING = 1;
const RUNNING = 2;
const STOPPING = 3;

function notRunning() {
  return codedError(Error, 'ERR_SERVER_NOT_RUNNING', 'The server was stopped before it listened.');
}

function lookup(host) {
  return new Promise((resolve, reject) => {
    dns.lookup(host, (err, address, family) => {
      if (err) reject(err);
      else resolve({ address, family });
    });
  });
}

/** Where, and with which options of the socket, an engine is to listen. */
function specFor(options, { address, family }) {
  const { port, backlog, reusePort, keepAlive, keepAliveInitialDelay } = options;
  const keepAliveSeconds = Math.floor(keepAliveInitialDelay / 1000);
  const socket = { backlog, reusePort, keepAlive, keepAliveSeconds };
  return { port, address, family, ...socket, anyAddress: false, exclusive: false, ipv6Only: false };
}

/** What the raw server and the echo server have in common: a life, from start() to stop(). */
class Service {
  constructor(options) {
    this[kOptions] = options;
    this[kEngine] = null;
    this[kSelection] = null;
    this[kPhase] = STOPPED;
    this[kRefed] = true;
    this[kLastInfo] = null;
    this[kStopping] = null;
    this[kStopped] = null;
    this[kAnswered] = null;
    this[kBound] = null;
  }

  /** Whether it can be started. */
  get [kIdle]() {
    return this[kPhase] === STOPPED;
  }

  /** @returns {Promise<object>} {@link info} with where it listens */
  async [kStart]() {
    if (!this[kIdle]) {
      throw codedError(Error, 'ERR_SERVER_ALREADY_LISTEN', 'The server has been started already.');
    }
    this[kPhase] = STARTING;
    this[kBound] = null;
    try {
      await this.#listen();
    } catch (err) {
      if (this[kEngine] === null) this.#finish();
      else await this.stop();
      throw err;
    }
    this[kPhase] = RUNNING;
    this[kBound] = this[kEngine].address();
    tellListening(this);
    return this.info();
  }

  async #listen() {
    const options = this[kOptions];
    const selection = selectBackend(options);
    if (selection.error !== null) throw selection.error;
    this[kSelection] = selection;
    const family = net.isIP(options.host);
    const where = family === 0 ? await lookup(options.host) : { address: options.host, family };
    if (this[kPhase] !== STARTING) throw notRunning();
    const engine = this[kEngineFor](selection.name, options);
    this[kEngine] = engine;
    if (this[kRefed]) engine.ref();
    const err = await new Promise((resolve) => {
      this[kAnswered] = resolve; // with the error, or null; undefined when stop() came first
      engine.listen(specFor(options, where), resolve);
    });
    if (err) throw err;
    if (this[kPhase] !== STARTING) throw notRunning();
  }

  /** Cuts every connection now. @returns {Promise<void>} resolves when everything has been released */
  stop() {
    if (this[kPhase] === STOPPED) return Promise.resolve();
    if (this[kPhase] !== STOPPING) {
      this[kPhase] = STOPPING;
      this[kStopping] = new Promise((resolve) => {
        this[kStopped] = resolve;
      });
      // Without an engine the address is still being looked up: start() then goes no further.
      this[kEngine]?.ref(); // whoever waits for the promise gets it
      this[kEngine]?.stop();
    }
    return this[kStopping];
  }

  #finish() {
    this[kPhase] = STOPPED;
    // One that never listened has nothing to close.
    if (this[kBound] !== null && serverClose.hasSubscribers) serverClose.publish({ server: this });
    this[kStopped]?.();
  }

  [kOnListenerClosed]() {}

  [kOnStopped]() {
    this[kLastInfo] = this.info();
    this[kEngine].unref();
    this[kEngine] = null;
    this[kAnswered]();
    this.#finish();
  }

  /** `{address, family, port}`, or null when the server does not listen. */
  address() {
    return this[kPhase] === RUNNING ? this[kBound] : null;
  }

  /** The running server keeps the process alive; the default. */
  ref() {
    this[kRefed] = true;
    this[kEngine]?.ref();
    return this;
  }

  unref() {
    this[kRefed] = false;
    if (this[kPhase] !== STOPPING) this[kEngine]?.unref();
    return this;
  }

  /** Counters and features; after the end, those it had last. */
  info() {
    if (this[kEngine] === null) {
      if (this[kLastInfo] !== null) return this[kLastInfo];
      const { name, driver, fallbackReason } = selectBackend(this[kOptions]);
      return { backend: name, driver, fallbackReason, listening: false };
    }
    return {
      ...this[kEngine].info(),
      driver: this[kSelection].driver,
      fallbackReason: this[kSelection].fallbackReason,
      listening: this[kPhase] === RUNNING,
      host: this[kBound]?.address,
      ...this[kBound],
    };
  }

  /** {@link info} for Prometheus, in its text format. */
  metrics(options) {
    return metricsOf(this, options);
  }
}

// Node 20 has this symbol from 20.4 on; without it nobody can ask for the method.
if (Symbol.asyncDispose !== undefined) {
  Object.defineProperty(Service.prototype, Symbol.asyncDispose, {
    value: function asyncDispose() {
      return this.stop();
    },
    writable: true,
    configurable: true,
  });
}

module.exports = { Service, kEngine, kEngineFor, kIdle, kStart };
