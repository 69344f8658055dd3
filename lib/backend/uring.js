'use strict';

const { AsyncResource } = require('node:async_hooks');
const cluster = require('node:cluster');
const { markAsUntransferable } = require('node:worker_threads');
const { loadBinding, probeHost } = require('../binding');
const { systemError } = require('../errors');
const { objectionTo } = require('../host/zcrx-guard');
const { isTracked, track, untrack } = require('./at-exit');
const { Record } = require('./http-record');
const {
  kFlush,
  kOnClosed,
  kOnData,
  kOnEnd,
  kOnError,
  kOnFailed,
  kOnHead,
  kOnListenerClosed,
  kOnMessageEnd,
  kOnOpen,
  kOnRaw,
  kOnSent,
  kOnShutdown,
  kOnStopped,
  kOnTrailers,
} = require('../symbols');

const { binding } = loadBinding();
const { RECORD_KIND, RECORD_SLOT, RECORD_A, RECORD_B, RECORD_LENGTH } = binding.constants;
const { OPEN, DATA, DATA_SMALL, END, ERROR, SENT, SHUTDOWN, CLOSED } = binding.constants;
const { COMMAND_SPACE, LISTENER_CLOSED, STOPPED } = binding.constants;
const { REQUEST, REQUEST_SMALL, REQUEST_END, TRAILERS, TRAILERS_SMALL } = binding.constants;
const { RAW, FAILED } = binding.constants;
const { WRITE_REFUSED, WRITE_SENT } = binding.constants;
const { CLOSE_STOP, CLOSE_IDLE, CLOSE_NO_MEMORY } = binding.constants;

const SLOTS = 2 ** binding.constants.SLOT_BITS;
const SLAB_BYTES = 64 * 1024;
const SLAB_BYTES_MAX = 512 * 1024;
const SMALL_SLAB_BYTES = 8 * 1024;
const SMALL_SLAB_BYTES_MAX = 64 * 1024;
const SLAB_BATCHES_FEW = 2;
const SLAB_BATCHES_MANY = 64;
const EXIT_WAIT_MS = 1000;
const DIRECT_MAX = 4; // connections that write in one turn, for their writes to go past the worker
const DIRECT_BYTES_MAX = 16 * 1024; // of such a write
const ENOENT = -2;
const ENOMEM = -12;
const EACCES = -13;
const GATHER_MAX = 64; // buffers of one writev command
const INT_MAX = 2 ** 31 - 1;
const PATH_BYTES = 108; // of a Unix socket's name in a sockaddr_un

/**
 * Memory for received chunks, one slab after the other. A slab lives as long as any chunk in it, so slabs
 * are small; but each costs some microseconds, so a load that fills one in a batch or two gets larger ones.
 */
class SlabSource {
  constructor(min, max) {
    this.min = min;
    this.max = max;
    this.bytes = min;
    this.madeAt = 0; // in batches
    this.current = null;
  }

  next(batches) {
    const lasted = batches - this.madeAt;
    if (this.current !== null && lasted <= SLAB_BATCHES_FEW) {
      this.bytes = Math.min(this.bytes * 2, this.max);
    } else if (lasted > SLAB_BATCHES_MANY) {
      this.bytes = this.min;
    }
    this.madeAt = batches;
    this.current = Buffer.allocUnsafeSlow(this.bytes);
    // Chunks share it, as Buffers share Node's pool: one receiver must not take it from the others.
    markAsUntransferable(this.current.buffer);
    return this.current;
  }
}

/** Memory of a write that was given before the last one had been sent: kept until the connection closes. */
class Pile {
  constructor(before, last) {
    this.before = before;
    this.last = last;
  }
}

/**
 * The name under which clients find a Unix socket. Node's own bind and connect pad abstract names with
 * zero bytes up to libuv 1.47, and to the kernel that is another name.
 */
function socketName(path) {
  const [, minor] = process.versions.uv.split('.');
  if (path[0] !== '\0' || minor >= 48) return path;
  return path + '\0'.repeat(PATH_BYTES - Buffer.byteLength(path));
}

/**
 * The transport on the native worker. A connection's handle is its id: the slot of the worker's table
 * in the low bits and a generation above, so that a late command for a closed connection hits nothing.
 */
class UringBackend {
  constructor(owner, options) {
    this.owner = owner;
    this.options = options;
    this.connections = []; // by slot
    this.underWay = []; // by slot: the memory the kernel may be sending from
    this.records = new Int32Array(options.eventBatchSize * RECORD_LENGTH);
    this.batches = 0;
    this.parsesHttp = options.http !== undefined;
    this.rejected = 0; // connections that the owner did not want
    const slabBytes = Math.max(
      SLAB_BYTES,
      options.bufferSize,
      options.recordBytesMax ?? 0,
      options.zcrxRxBufferSize ?? 0,
    );
    this.slabs = new SlabSource(slabBytes, Math.max(SLAB_BYTES_MAX, slabBytes));
    this.smallSlabs = new SlabSource(SMALL_SLAB_BYTES, SMALL_SLAB_BYTES_MAX);
    this.gatherMax = Math.min(GATHER_MAX, options.commandQueueCapacity);
    this.cursor = 0;
    this.count = 0;
    this.inBatch = false;
    this.flushScheduled = false;
    this.direct = false; // writes go to the socket from here
    this.deferred = []; // connections that flush at the end of the turn
    this.refused = []; // commands for which the ring had no room, in order
    this.stopWanted = false;
    this.bound = null;
    this.handle = null; // that was given to listen on
    this.lastInfo = null;
    const { watchResets, undeferred } = probeHost(); // what this kernel is to be spared
    this.objection = objectionTo(options);
    const useZeroCopyReceive = options.useZeroCopyReceive && this.objection === null;
    this.native = binding.createTransport(
      {
        ...options,
        useZeroCopyReceive,
        inline: options.driver === 'inline',
        watchResets,
        undeferred,
      },
      this.records,
      // Events find the asynchronous context of listen(), as those of net.Server.
      AsyncResource.bind((count) => this.onBatch(count), 'SEARINGS'),
      (small) => (small ? this.smallSlabs : this.slabs).next(this.batches),
      () => setImmediate(drain, this),
    );
  }

  get name() {
    return 'io_uring';
  }

  // --- life

  listen(spec, callback) {
    const { options, native } = this;
    const settings = {
      address: spec.address,
      port: spec.port,
      path: spec.path && socketName(spec.path),
      mode: spec.mode,
      backlog: Math.min(spec.backlog, INT_MAX),
      ipv6Only: spec.ipv6Only,
      // Workers of a cluster share a port, as they do with node:net, though the kernel spreads the load.
      reusePort: spec.reusePort || (cluster.isWorker && !spec.exclusive),
      noDelay: options.tcpNoDelay,
      keepAlive: spec.keepAlive,
      keepAliveSeconds: spec.keepAliveSeconds,
      deferAcceptSeconds: options.tcpDeferAcceptSeconds,
      recvBufferSize: options.socketRecvBufferSize,
      sendBufferSize: options.socketSendBufferSize,
    };
    let errno = this.bind(spec, settings);
    // libuv's answer for a path whose directory is not there.
    if (errno === ENOENT && spec.path !== undefined) errno = EACCES;
    errno ||= native.start();
    if (errno !== 0) {
      process.nextTick(
        callback,
        systemError(errno, 'listen', spec.path ?? spec.address, spec.port),
      );
      return;
    }
    this.bound = native.address() ?? spec.path ?? null;
    this.handle = spec.handle ?? null;
    // Libuv may be listening too, and would take some of the clients. A Unix socket's file goes with the handle.
    if (native.address() !== undefined) this.closeHandle();
    track(this);
    process.nextTick(callback, null);
  }

  bind({ fd, handle }, settings) {
    const { native } = this;
    if (fd === undefined) return native.listen(settings);
    // The number of a handle that has been closed meanwhile may be somebody else's.
    return native.adopt(settings, handle === undefined ? fd : handle.fd, handle !== undefined);
  }

  closeHandle() {
    this.handle?.close();
    this.handle = null;
  }

  address() {
    return this.bound;
  }

  stopAccepting() {
    this.command('stopAccepting', 0);
  }

  stop() {
    if (!isTracked(this)) {
      // It never started: there is no worker to answer.
      process.nextTick(() => this.onStopped());
      return;
    }
    this.flushDeferred();
    this.stopWanted = true;
    this.stopIfDone();
  }

  /** An order to stop overtakes what was refused: that goes first. */
  stopIfDone() {
    if (this.stopWanted && this.refused.length === 0) this.native.stop();
  }

  onStopped() {
    untrack(this);
    this.closeHandle();
    this.lastInfo = this.info();
    this.native.release();
    this.connections = [];
    this.underWay = [];
    this.slabs.current = null;
    this.smallSlabs.current = null;
    this.owner[kOnStopped]();
  }

  /** The process exits: what was written leaves, as it has with node:net at this point. */
  finishAtExit() {
    this.flushDeferred();
    this.native.discard(); // events no longer hold the worker up, so it does take commands
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let ms = 0; this.refused.length > 0 && ms < EXIT_WAIT_MS; ms++) {
      this.native.flush();
      Atomics.wait(pause, 0, 0, 1);
      this.retryRefused();
    }
    this.native.release();
  }

  ref() {
    this.native.ref();
  }

  unref() {
    this.native.unref();
  }

  info() {
    if (this.lastInfo !== null) return this.lastInfo;
    const counters = this.native.info();
    counters.connectionsRejected += this.rejected;
    if (this.objection !== null) counters.fastPaths.zeroCopyReceive = this.objection;
    return {
      backend: 'io_uring',
      ...counters,
      batches: this.batches,
      features: probeHost().features,
    };
  }

  // --- events

  begin(count) {
    if (count === 0) return;
    this.cursor = 0;
    this.count = count;
    this.batches++;
    this.inBatch = true;
  }

  /**
   * Called by the addon with the number of records of a batch, or with 0 to go on after a handler threw.
   */
  onBatch(count) {
    this.begin(count);
    const { records } = this;
    while (this.cursor < this.count) {
      const at = this.cursor++ * RECORD_LENGTH;
      const kind = records[at + RECORD_KIND];
      const slot = records[at + RECORD_SLOT];
      if (kind === DATA_SMALL || kind === DATA) {
        const slab = (kind === DATA ? this.slabs : this.smallSlabs).current;
        const start = records[at + RECORD_A];
        const connection = this.connections[slot];
        if (connection !== null) {
          connection[kOnData](slab.subarray(start, start + records[at + RECORD_B]));
        }
      } else {
        this.onEvent(kind, slot, records[at + RECORD_A]);
      }
    }
    this.inBatch = false;
    this.flushDeferred();
  }

  onEvent(kind, slot, result) {
    const connection = this.connections[slot];
    switch (kind) {
      case SENT:
        if (!(this.underWay[slot] instanceof Pile)) this.underWay[slot] = null;
        if (connection !== null) {
          connection[kOnSent](result === 0 ? null : systemError(result, 'write'));
        }
        break;
      case OPEN:
        this.connections[slot] = null;
        this.underWay[slot] = null;
        this.connections[slot] = this.owner[kOnOpen](result * SLOTS + slot);
        if (this.connections[slot] === null) this.rejected++;
        break;
      case END:
        if (connection !== null) connection[kOnEnd]();
        break;
      case ERROR:
        if (connection !== null) connection[kOnError](systemError(result, 'read'));
        break;
      case SHUTDOWN:
        if (connection !== null) {
          connection[kOnShutdown](result === 0 ? null : systemError(result, 'shutdown'));
        }
        break;
      case CLOSED:
        this.onClosed(slot, connection, result);
        break;
      case COMMAND_SPACE:
        this.retryRefused();
        break;
      case REQUEST_SMALL:
        if (connection !== null) this.onHead(connection, this.smallSlabs.current, result);
        break;
      case REQUEST_END:
        if (connection !== null) connection[kOnMessageEnd]();
        break;
      case LISTENER_CLOSED:
        this.closeHandle();
        this.owner[kOnListenerClosed](result === 0 ? null : systemError(result, 'accept'));
        break;
      case STOPPED:
        this.onStopped();
        break;
      default:
        if (connection !== null) this.onHttp(kind, connection, result);
    }
  }

  onHead(connection, slab, at) {
    const record = new Record(slab, at);
    connection[kOnHead](record, record.headers());
  }

  /** The rarer events of a connection whose requests the worker parses. */
  onHttp(kind, connection, result) {
    switch (kind) {
      case REQUEST:
        this.onHead(connection, this.slabs.current, result);
        break;
      case TRAILERS:
        connection[kOnTrailers](new Record(this.slabs.current, result).headers());
        break;
      case TRAILERS_SMALL:
        connection[kOnTrailers](new Record(this.smallSlabs.current, result).headers());
        break;
      case RAW:
        connection[kOnRaw]();
        break;
      case FAILED:
        connection[kOnFailed](result);
        break;
    }
  }

  onClosed(slot, connection, result) {
    this.connections[slot] = null;
    this.underWay[slot] = null;
    if (connection === null) return;
    let reason;
    if (result === CLOSE_NO_MEMORY) connection[kOnError](systemError(ENOMEM, 'write'));
    if (result === CLOSE_STOP) reason = 'stop';
    else if (result === CLOSE_IDLE) reason = 'idle';
    connection[kOnClosed](reason);
  }

  // --- the end of a turn

  defer(connection) {
    this.deferred.push(connection);
    if (!this.inBatch) this.scheduleFlush();
  }

  /** Wakes the worker for the commands of this turn; inside a batch the addon does so at its end. */
  scheduleFlush() {
    if (this.flushScheduled) return;
    this.flushScheduled = true;
    process.nextTick(flushTurn, this);
  }

  flushDeferred() {
    const { deferred } = this;
    if (deferred.length === 0) return;
    this.direct = deferred.length <= DIRECT_MAX;
    let flushed = 0;
    try {
      // A flush may end in user code that writes, which defers again: those come to the end of the list.
      while (flushed < deferred.length) deferred[flushed++][kFlush]();
    } finally {
      this.direct = false;
      if (flushed === deferred.length) {
        deferred.length = 0;
      } else {
        deferred.splice(0, flushed); // user code has thrown: the others go on after that
        this.scheduleFlush();
      }
    }
  }

  // --- commands

  /** Gives a command to the worker, or keeps it, in order, until there is room. */
  command(verb, handle, argument) {
    if (this.refused.length > 0 || !this.native[verb](handle, argument)) {
      this.refused.push(verb, handle, argument);
    }
    if (!this.inBatch) this.scheduleFlush();
  }

  retryRefused() {
    const { refused, native } = this;
    let i = 0;
    while (i < refused.length && native[refused[i]](refused[i + 1], refused[i + 2])) i += 3;
    refused.splice(0, i);
    this.stopIfDone();
  }

  /** Holds the memory of a write until the worker says that it has been sent. */
  keep(slot, memory) {
    const held = this.underWay[slot];
    this.underWay[slot] = held === null ? memory : new Pile(held, memory);
  }

  /** True when it has been sent already, or the error with which that failed: then no kOnSent follows. */
  write(handle, chunk) {
    if (this.direct && chunk.length <= DIRECT_BYTES_MAX && this.refused.length === 0) {
      return this.writeNow(handle, chunk);
    }
    this.keep(handle % SLOTS, chunk);
    if (this.refused.length > 0 || !this.native.write(handle, chunk)) {
      this.refused.push('write', handle, chunk);
    }
    if (!this.inBatch) this.scheduleFlush();
    return false;
  }

  writeNow(handle, chunk) {
    const answer = this.native.writeNow(handle, chunk);
    if (answer === WRITE_SENT) return true;
    if (answer < 0) return systemError(answer, 'write');
    this.keep(handle % SLOTS, chunk);
    if (answer === WRITE_REFUSED) this.refused.push('write', handle, chunk);
    if (!this.inBatch) this.scheduleFlush();
    return false;
  }

  writev(handle, chunks) {
    this.keep(handle % SLOTS, chunks);
    let first = 0;
    for (; chunks.length - first > this.gatherMax; first += this.gatherMax) {
      this.command('writevPart', handle, chunks.slice(first, first + this.gatherMax));
    }
    this.command('writev', handle, first === 0 ? chunks : chunks.slice(first));
  }

  pause(handle) {
    this.command('pause', handle);
  }

  resume(handle) {
    this.command('resume', handle);
  }

  shutdown(handle) {
    this.command('shutdown', handle);
  }

  close(handle, reset) {
    this.command(reset ? 'reset' : 'close', handle);
  }

  // --- one connection's socket

  peer(handle) {
    return this.native.peer(handle);
  }

  local(handle) {
    return this.native.local(handle);
  }

  setNoDelay(handle, on) {
    this.native.setNoDelay(handle, on);
  }

  setKeepAlive(handle, on, delayMs) {
    this.native.setKeepAlive(handle, on, Math.floor(delayMs / 1000));
  }

  queuedBytes(handle) {
    return this.native.queuedBytes(handle);
  }
}

function flushTurn(backend) {
  backend.flushScheduled = false;
  try {
    backend.flushDeferred();
  } finally {
    backend.native.flush();
  }
}

function drain(backend) {
  backend.native.drain();
}

module.exports = UringBackend;
