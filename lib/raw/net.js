'use strict';

const NetBackend = require('../backend/net');
const { connectionClose, connectionError, connectionOpen } = require('../diagnostics');
const {
  kFlush,
  kOnClosed,
  kOnData,
  kOnEnd,
  kOnError,
  kOnEvent,
  kOnEvents,
  kOnListenerClosed,
  kOnOpen,
  kOnShutdown,
  kOnStopped,
} = require('../symbols');
const { RawEvent } = require('./event');

/** One connection of the fallback: what the native worker keeps in a slot. */
class RawConnection {
  constructor(engine, id, handle) {
    this.engine = engine;
    this.id = id;
    this.handle = handle;
    this.queued = 0; // sends whose bytes the kernel has not taken
    this.refused = false; // 'drain' is owed
    this.corked = false;
    this.ended = false;
    this.finishing = false; // closes itself at the peer's FIN; nothing is told before
    this.shut = false;
    this.quiet = false; // only 'close' is still to be told
  }

  get open() {
    return !this.finishing && !this.quiet;
  }

  close() {
    this.quiet = true;
    this[kFlush](); // the one attempt of what this turn has sent
    this.engine.close(this.handle, false);
  }

  finish() {
    this.finishing = true;
    this.engine.resume(this.handle);
    this.engine.shutdown(this.handle);
  }

  [kOnData](chunk) {
    if (this.open) this.engine.tell(new RawEvent('data', this.id, chunk));
  }

  [kOnEnd]() {
    this.ended = true;
    if (this.shut) this.close();
    else if (this.open) this.engine.tell(new RawEvent('end', this.id));
  }

  [kOnShutdown](err) {
    this.shut = true;
    if (this.ended || err) this.close();
  }

  [kOnError](err) {
    if (this.quiet) return;
    this.close();
    if (connectionError.hasSubscribers) {
      this.engine.publish(connectionError, this.id, { error: err });
    }
    this.engine.tell(new RawEvent('error', this.id, undefined, err.code));
  }

  [kOnClosed]() {
    this.quiet = true;
    this.engine.connections.delete(this.id);
    if (connectionClose.hasSubscribers) this.engine.publish(connectionClose, this.id);
    this.engine.tell(new RawEvent('close', this.id));
  }

  [kFlush]() {
    if (!this.corked) return;
    this.corked = false;
    this.handle.socket.uncork();
  }

  send(bytes) {
    const { engine } = this;
    if (!this.corked) {
      this.corked = true;
      this.handle.socket.cork();
      engine.defer(this);
    }
    this.queued++;
    this.handle.socket.write(bytes, (err) => {
      this.queued--;
      if (!err) engine.bytesSent += bytes.length;
      if (this.refused && this.open && this.queued <= engine.options.sendQueueCapacity / 2) {
        this.refused = false;
        engine.tell(new RawEvent('drain', this.id));
      }
    });
  }
}

/** The raw server on node:net: the same events and answers, for hosts without a usable io_uring. */
class RawNet extends NetBackend {
  constructor(server, options, batched) {
    super(server, options);
    this.service = server;
    this.owner = this;
    this.batched = batched;
    this.connections = new Map();
    this.lastId = 0;
    this.events = []; // of one startBatch() call
    this.sendRefusals = 0;
  }

  info() {
    return { ...super.info(), sendRefusals: this.sendRefusals };
  }

  // --- as the owner of the backend

  [kOnOpen](handle) {
    const { maxConnections, keepAlive, keepAliveInitialDelay } = this.options;
    if (maxConnections > 0 && this.connections.size >= maxConnections) {
      this.close(handle, false);
      return null;
    }
    if (keepAlive) this.setKeepAlive(handle, true, keepAliveInitialDelay);
    const connection = new RawConnection(this, ++this.lastId, handle);
    this.connections.set(connection.id, connection);
    const peer = this.peer(handle);
    if (connectionOpen.hasSubscribers) this.publish(connectionOpen, connection.id, { peer });
    // After the backend has learnt of the connection, whatever the handler does.
    process.nextTick(
      tell,
      this,
      new RawEvent('connect', connection.id, undefined, undefined, peer),
    );
    return connection;
  }

  [kOnListenerClosed]() {
    this.service[kOnListenerClosed]();
  }

  [kOnStopped]() {
    if (this.events.length > 0) this.deliver();
    this.service[kOnStopped]();
  }

  // --- events

  publish(channel, connectionId, more) {
    channel.publish({ server: this.service, connectionId, ...more });
  }

  tell(event) {
    if (!this.batched) {
      this.service[kOnEvent](event);
      return;
    }
    if (this.events.push(event) === 1) process.nextTick(deliver, this);
    if (this.events.length === this.options.eventBatchSize) this.deliver();
  }

  deliver() {
    const { events } = this;
    this.events = [];
    if (events.length > 0) this.service[kOnEvents](events);
  }

  // --- commands

  hasRoom(connection, n) {
    if (connection.queued + n <= this.options.sendQueueCapacity) return true;
    connection.refused = true;
    return false;
  }

  post(id, bytes, finish) {
    return this.postMany([{ connectionId: id }], [bytes], finish);
  }

  postMany(entries, bytes, finish) {
    const wanted = new Map(); // connections, with the number of their sends
    for (const { connectionId } of entries) {
      const connection = this.connections.get(connectionId);
      if (connection?.open) wanted.set(connection, (wanted.get(connection) ?? 0) + 1);
    }
    if (wanted.size === 0) return entries.length === 0;
    const refused = [...wanted].filter(([connection, n]) => !this.hasRoom(connection, n));
    if (refused.length > 0) {
      this.sendRefusals++;
      return false;
    }
    entries.forEach(({ connectionId }, i) => {
      const connection = this.connections.get(connectionId);
      if (wanted.has(connection)) connection.send(Buffer.from(bytes[i]));
    });
    if (finish) for (const connection of wanted.keys()) connection.finish();
    return true;
  }

  broadcast(connectionIds, bytes) {
    const copy = Buffer.from(bytes); // one for all
    let taken = 0;
    for (const id of connectionIds ?? [...this.connections.keys()]) {
      const connection = this.connections.get(id);
      if (!connection?.open) continue;
      if (this.hasRoom(connection, 1)) {
        connection.send(copy);
        taken++;
      } else {
        this.sendRefusals++;
      }
    }
    return taken;
  }

  closeConnection(id) {
    const connection = this.connections.get(id);
    if (connection === undefined || connection.quiet) return false;
    connection.close();
    return true;
  }

  setPaused(id, paused) {
    const connection = this.connections.get(id);
    if (!connection?.open) return false;
    if (paused) this.pause(connection.handle);
    else this.resume(connection.handle);
    return true;
  }
}

function tell(engine, event) {
  engine.tell(event);
}

function deliver(engine) {
  engine.deliver();
}

module.exports = RawNet;
