'use strict';

/*
 * The addon's part, played in JavaScript: takes the commands of a backend and answers with batches of
 * events, in the layout of the real one. What happens when is the test's to say.
 */

const { loadBinding } = require('../../lib/binding');

const { constants } = loadBinding().binding;
const { OPEN, DATA, DATA_SMALL, END, SENT, SHUTDOWN, CLOSED } = constants;
const { COMMAND_SPACE, LISTENER_CLOSED, STOPPED } = constants;
const SLOTS = 2 ** constants.SLOT_BITS;
const SMALL_BYTES_MAX = 1024;
const RECORDS = ['KIND', 'SLOT', 'A', 'B'].map((name) => constants[`RECORD_${name}`]);

class FakeWorker {
  constructor(_options, records, onBatch, onSlab) {
    this.records = records;
    this.onBatch = onBatch;
    this.onSlab = onSlab;
    this.slabs = new Map(); // by kind: { bytes, used }
    this.pending = []; // events that were not delivered yet: [kind, slot, a] or [DATA, slot, bytes]
    this.open = new Map(); // by slot: { id, ended, written, closing, shut }
    this.generation = 0;
    this.refusals = 0; // a bit for each command to come: whether it is refused
    this.refused = false;
    this.direct = false; // the socket takes every second writeNow()
    this.thrown = []; // by handlers
    this.delivering = false;
    this.stopped = false;
    this.released = false;
  }

  // --- what the test lets happen

  /** @returns {number} its slot */
  openConnection() {
    let slot = 0;
    while (this.open.has(slot)) slot++;
    this.open.set(slot, { id: ++this.generation * SLOTS + slot, ended: false, closing: false });
    this.pending.push([OPEN, slot, this.generation]);
    return slot;
  }

  receive(slot, bytes) {
    const one = this.open.get(slot);
    if (one !== undefined && !one.ended && !one.closing) this.pending.push([DATA, slot, bytes]);
  }

  endOf(slot) {
    const one = this.open.get(slot);
    if (one === undefined || one.ended || one.closing) return;
    one.ended = true;
    this.pending.push([END, slot, 0]);
  }

  /** One batch of at most `max` records, one per connection. @returns {boolean} whether there was one */
  deliver(max) {
    const taken = this.take(max);
    if (taken.length === 0) return false;
    taken.forEach((record, at) => {
      record.forEach((value, i) => {
        this.records[at * constants.RECORD_LENGTH + RECORDS[i]] = value;
      });
    });
    this.delivering = true;
    for (let count = taken.length; !this.call(count); count = 0) {}
    this.delivering = false;
    return true;
  }

  /** @returns {boolean} false when a handler has thrown, and the rest of the batch is still to come */
  call(count) {
    try {
      this.onBatch(count);
      return true;
    } catch (error) {
      this.thrown.push(error);
      return false;
    }
  }

  take(max) {
    const records = [];
    const seen = new Set();
    while (this.pending.length > 0 && records.length < max) {
      const [kind, slot, a] = this.pending[0];
      const ofConnection = kind <= CLOSED;
      if (ofConnection && seen.has(slot)) break;
      seen.add(ofConnection ? slot : null);
      const record = kind === DATA ? this.copy(slot, a, records.length > 0) : [kind, slot, a, 0];
      if (record === null) break; // its bytes go into the next slab
      this.pending.shift();
      if (kind === CLOSED) this.open.delete(slot);
      records.push(record);
    }
    return records;
  }

  /** Slabs change between batches only. */
  copy(slot, bytes, inBatch) {
    const small = bytes.length <= SMALL_BYTES_MAX;
    let slab = this.slabs.get(small);
    if (slab === undefined || slab.bytes.length - slab.used < bytes.length) {
      if (inBatch) return null;
      slab = { bytes: this.onSlab(small), used: 0 };
      this.slabs.set(small, slab);
    }
    bytes.copy(slab.bytes, slab.used);
    const record = [small ? DATA_SMALL : DATA, slot, slab.used, bytes.length];
    slab.used += bytes.length;
    return record;
  }

  // --- commands

  command(id, action) {
    const refuse = (this.refusals & 1) === 1;
    this.refusals >>>= 1;
    if (refuse) {
      this.refused = true;
      return false;
    }
    const slot = id % SLOTS;
    const one = this.open.get(slot);
    if (one?.id === id && !one.closing) action(slot, one);
    return true;
  }

  flush() {
    if (!this.refused) return;
    this.refused = false;
    this.pending.push([COMMAND_SPACE, 0, 0]);
  }

  write(id) {
    return this.command(id, (slot) => this.pending.push([SENT, slot, 0]));
  }

  /** Past the worker, when nothing that was given before is still to leave. */
  writeNow(id) {
    const slot = id % SLOTS;
    const busy = this.pending.some(([kind, of]) => kind === SENT && of === slot);
    this.direct = !this.direct;
    if (!busy && this.direct) return constants.WRITE_SENT;
    return this.write(id) ? constants.WRITE_QUEUED : constants.WRITE_REFUSED;
  }

  writev(id) {
    return this.write(id);
  }

  writevPart(id) {
    return this.command(id, () => {});
  }

  pause(id) {
    return this.command(id, () => {});
  }

  resume(id) {
    return this.command(id, () => {});
  }

  shutdown(id) {
    return this.command(id, (slot) => this.pending.push([SHUTDOWN, slot, 0]));
  }

  close(id) {
    return this.command(id, (slot, one) => {
      one.closing = true;
      this.pending.push([CLOSED, slot, 0]);
    });
  }

  reset(id) {
    return this.close(id);
  }

  stopAccepting() {
    if (!this.command(0, () => {})) return false;
    this.pending.push([LISTENER_CLOSED, 0, 0]);
    return true;
  }

  stop() {
    if (this.stopped) return;
    this.stopped = true;
    for (const [slot, one] of this.open) {
      if (!one.closing) this.pending.push([CLOSED, slot, constants.CLOSE_STOP]);
      one.closing = true;
    }
    this.pending.push([LISTENER_CLOSED, 0, 0], [STOPPED, 0, 0]);
  }

  // --- the rest of the interface

  release() {
    this.released = true;
  }

  listen() {
    return 0;
  }

  start() {
    return 0;
  }

  address() {
    return { address: '127.0.0.1', family: 'IPv4', port: 1 };
  }

  peer() {
    return this.address();
  }

  local() {
    return this.address();
  }

  info() {
    return { connectionsRejected: 0 };
  }

  queuedBytes() {
    return 0;
  }

  setNoDelay() {}
  setKeepAlive() {}
  ref() {}
  unref() {}
  drain() {}
  discard() {}
}

/** Lets the servers made from now on have fake workers. @returns {{workers: FakeWorker[], undo: () => void}} */
function useFakeWorkers() {
  const { binding } = loadBinding();
  const real = binding.createTransport;
  const workers = [];
  binding.createTransport = (...args) => {
    workers.push(new FakeWorker(...args));
    return workers.at(-1);
  };
  return {
    workers,
    undo: () => {
      binding.createTransport = real;
    },
  };
}

module.exports = { useFakeWorkers };
