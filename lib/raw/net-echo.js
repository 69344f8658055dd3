'use strict';

const NetBackend = require('../backend/net');
const {
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

/** One write under way, and no reading meanwhile: as much backpressure as there can be. */
class EchoConnection {
  constructor(engine, handle) {
    this.engine = engine;
    this.handle = handle;
    this.sending = false;
    this.waiting = []; // came before the pause took effect
    this.ended = false;
  }

  [kOnData](chunk) {
    if (this.sending) {
      this.waiting.push(chunk);
      return;
    }
    this.sending = true;
    this.engine.pause(this.handle);
    this.engine.write(this.handle, chunk);
  }

  [kOnSent](err) {
    this.sending = false;
    if (err) return; // kOnError comes too
    const { waiting } = this;
    if (waiting.length > 0) {
      this.waiting = [];
      this.sending = true;
      this.engine.writev(this.handle, waiting);
    } else if (this.ended) {
      this.engine.shutdown(this.handle);
    } else {
      this.engine.resume(this.handle);
    }
  }

  [kOnEnd]() {
    this.ended = true;
    if (!this.sending) this.engine.shutdown(this.handle);
  }

  [kOnShutdown]() {
    this.engine.close(this.handle, false);
  }

  [kOnError]() {
    this.engine.close(this.handle, false);
  }

  [kOnClosed]() {}
}

/** The echo server on node:net. */
class NetEcho extends NetBackend {
  constructor(service, options) {
    super(service, options);
    this.service = service;
    this.owner = this;
  }

  [kOnOpen](handle) {
    const { connectionsMax, keepAlive, keepAliveInitialDelay } = this.options;
    if (connectionsMax > 0 && this.handles.size > connectionsMax) {
      this.close(handle, false);
      return null;
    }
    if (keepAlive) this.setKeepAlive(handle, true, keepAliveInitialDelay);
    return new EchoConnection(this, handle);
  }

  [kOnListenerClosed]() {}

  [kOnStopped]() {
    this.service[kOnStopped]();
  }
}

module.exports = NetEcho;
