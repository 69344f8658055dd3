'use strict';

const { ECHO_OPTIONS, TCP_OPTIONS, normalizeOptions } = require('../options');
const { kKind } = require('../symbols');
const { Service, kEngineFor, kStart } = require('./service');

/** The queues that an echo hardly uses: only the server itself speaks through them. */
function withQueues(options) {
  const { eventBatchSize } = TCP_OPTIONS;
  return {
    ...options,
    connectionsMax: options.maxConnections,
    commandQueueCapacity: 64,
    eventQueueCapacity: 64,
    eventBatchSize: eventBatchSize.default,
    echo: true,
  };
}

/** Sends back what it receives, without JavaScript: for measurements, and for health checks. */
class UringTcpEchoServer extends Service {
  /** @param {object} [options] see `UringTcpEchoServerOptions` in index.d.ts */
  constructor(options) {
    super(normalizeOptions(options, ECHO_OPTIONS));
  }

  start() {
    return this[kStart]();
  }

  get [kKind]() {
    return 'uring_tcp_echo';
  }

  [kEngineFor](name, options) {
    const Engine = name === 'net' ? require('./net-echo') : require('../backend/uring');
    return new Engine(this, withQueues(options));
  }
}

module.exports = { UringTcpEchoServer };
