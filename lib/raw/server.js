'use strict';

const { invalidArgType, outOfRange } = require('../errors');
const { RAW_OPTIONS, normalizeOptions } = require('../options');
const { kKind, kOnEvent, kOnEvents } = require('../symbols');
const { Service, kEngine, kEngineFor, kIdle, kStart } = require('./service');

const kListener = Symbol('listener');
const kBatched = Symbol('batched');

function checkListener(name, listener) {
  if (typeof listener !== 'function') {
    throw invalidArgType(`"${name}" argument`, 'of type function', listener);
  }
}

function checkId(subject, id) {
  if (typeof id !== 'number') throw invalidArgType(subject, 'of type number', id);
}

function toBytes(subject, data) {
  if (typeof data === 'string') return Buffer.from(data);
  if (data instanceof Uint8Array) return data;
  throw invalidArgType(subject, 'of type string or an instance of Buffer or Uint8Array', data);
}

function checkArray(subject, value) {
  if (!Array.isArray(value)) throw invalidArgType(subject, 'an instance of Array', value);
}

function bytesOfEntry(entry, i) {
  if (typeof entry !== 'object' || entry === null) {
    throw invalidArgType(`"entries[${i}]" property`, 'of type object', entry);
  }
  const { connectionId, data } = entry;
  if (typeof connectionId !== 'number') {
    throw invalidArgType(`"entries[${i}].connectionId" property`, 'of type number', connectionId);
  }
  return data instanceof Uint8Array ? data : toBytes(`"entries[${i}].data" property`, data);
}

/** No connection has more entries than its queue can ever take: it would be refused again after each 'drain'. */
function checkEach(entries, most) {
  const counts = new Map();
  for (const { connectionId } of entries) {
    counts.set(connectionId, (counts.get(connectionId) ?? 0) + 1);
  }
  for (const [id, count] of counts) {
    if (count > most) {
      const range = `at most ${most}, the sendQueueCapacity`;
      throw outOfRange(`entries of connection ${id}`, range, count);
    }
  }
}

/** A TCP server without streams: connections are numbers, and what happens to them are events. */
class UringTcpServer extends Service {
  #batchMax;
  #queueMax;

  /** @param {object} [options] see `UringTcpServerOptions` in index.d.ts */
  constructor(options) {
    const settings = normalizeOptions(options, RAW_OPTIONS);
    super(settings);
    this.#batchMax = 2 ** Math.ceil(Math.log2(settings.commandQueueCapacity));
    this.#queueMax = settings.sendQueueCapacity;
    this[kListener] = null;
    this[kBatched] = false;
  }

  /**
   * Listens. `onEvent` is called with each event. Ticks and microtasks run between two events of one
   * connection, and after up to `eventBatchSize` events.
   */
  start(onEvent) {
    checkListener('onEvent', onEvent);
    return this.#start(onEvent, false);
  }

  /** The same, with an array of 1 to `eventBatchSize` events per call. */
  startBatch(onEvents) {
    checkListener('onEvents', onEvents);
    return this.#start(onEvents, true);
  }

  #start(listener, batched) {
    if (this[kIdle]) {
      this[kListener] = listener;
      this[kBatched] = batched;
    }
    return this[kStart]();
  }

  get [kKind]() {
    return 'uring_tcp';
  }

  [kEngineFor](name, options) {
    const Engine = name === 'net' ? require('./net') : require('./uring');
    return new Engine(this, options, this[kBatched]);
  }

  [kOnEvent](event) {
    this[kListener](event);
  }

  [kOnEvents](events) {
    this[kListener](events);
  }

  /** @returns {boolean} whether it was taken; otherwise nothing was, and 'drain' follows if it is open */
  send(connectionId, data) {
    return this.#post(connectionId, data, false);
  }

  /** Sends, ends our side, and closes the connection when the peer has ended its side. */
  sendAndClose(connectionId, data) {
    return this.#post(connectionId, data, true);
  }

  #post(connectionId, data, finish) {
    checkId('"connectionId" argument', connectionId);
    const bytes = toBytes('"data" argument', data);
    return this[kEngine]?.post(connectionId, bytes, finish) ?? false;
  }

  /** Sends of many connections in one call. Those to connections that are gone are passed over. */
  sendBatch(entries) {
    return this.#postMany(entries, false);
  }

  sendBatchAndClose(entries) {
    return this.#postMany(entries, true);
  }

  #postMany(entries, finish) {
    checkArray('"entries" argument', entries);
    const bytes = entries.map(bytesOfEntry); // all are checked before any is sent
    const most = this.#batchMax / (finish ? 2 : 1); // each then takes two commands
    if (bytes.length > most) throw outOfRange('entries.length', `at most ${most}`, bytes.length);
    if (bytes.length > this.#queueMax) checkEach(entries, this.#queueMax);
    return this[kEngine]?.postMany(entries, bytes, finish) ?? false;
  }

  /** The same bytes to many connections. @returns {number} how many took them */
  broadcast(connectionIds, data) {
    if (connectionIds !== 'all') {
      if (!Array.isArray(connectionIds)) {
        throw invalidArgType(
          '"connectionIds" argument',
          "'all' or an instance of Array",
          connectionIds,
        );
      }
      for (let i = 0; i < connectionIds.length; i++) {
        if (typeof connectionIds[i] !== 'number') {
          checkId(`"connectionIds[${i}]" property`, connectionIds[i]);
        }
      }
    }
    const bytes = toBytes('"data" argument', data);
    if (this[kEngine] === null) return 0;
    return this[kEngine].broadcast(connectionIds === 'all' ? null : connectionIds, bytes);
  }

  /** Closes now; what is queued gets one attempt to leave. @returns {boolean} whether it was there */
  closeConnection(connectionId) {
    checkId('"connectionId" argument', connectionId);
    return this[kEngine]?.closeConnection(connectionId) ?? false;
  }

  /** Stops receiving. What has already arrived is still told. */
  pause(connectionId) {
    return this.#setPaused(connectionId, true);
  }

  resume(connectionId) {
    return this.#setPaused(connectionId, false);
  }

  #setPaused(connectionId, paused) {
    checkId('"connectionId" argument', connectionId);
    return this[kEngine]?.setPaused(connectionId, paused) ?? false;
  }
}

module.exports = { UringTcpServer };
