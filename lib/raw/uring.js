'use strict';

const { getSystemErrorName } = require('node:util');
const { loadBinding } = require('../binding');
const { connectionClose, connectionError, connectionOpen } = require('../diagnostics');
const { systemError } = require('../errors');
const { kOnListenerClosed } = require('../symbols');
const { RawEvent } = require('./event');
const { TellerBackend } = require('./teller');

const { constants } = loadBinding().binding;
const { RECORD_KIND, RECORD_SLOT, RECORD_A, RECORD_B } = constants;
const { OPEN, DATA, DATA_SMALL, END, ERROR, DRAIN, CLOSED } = constants;
const { COMMAND_SPACE, LISTENER_CLOSED, STOPPED } = constants;
const { POST_TAKEN, POST_NO_SPACE, CLOSE_NO_MEMORY } = constants;

const SLOTS = 2 ** constants.SLOT_BITS;
const SLOT_MASK = SLOTS - 1; // `id & SLOT_MASK` is the slot: & takes an id modulo 2 ** 32
const SLOTS_FIRST = 256;
const ENOMEM = -12;

/** What is no more to be told of a connection. */
const NO_DATA = 1; // 'data', 'end' and 'drain': it has been given its last send, or is being closed
const NO_ERROR = 2; // 'error': it was told, or the connection is being closed by the user
const CLOSING = 4; // closeConnection() has nothing more to do

function longer(array, Type) {
  const grown = new Type(array.length * 2);
  grown.set(array);
  return grown;
}

/**
 * The raw server on the native worker: a backend whose connections are ids, and whose sends need no
 * object, no callback and no SENT event, because the core keeps their bytes.
 */
class RawUring extends TellerBackend {
  constructor(server, options, batched) {
    const { maxConnections: connectionsMax } = options;
    super(server, { ...options, connectionsMax, mixedBatches: batched }, batched);
    this.ids = new Float64Array(SLOTS_FIRST); // by slot: who is there
    this.open = new Float64Array(SLOTS_FIRST); // by slot: who can be sent to
    this.told = new Uint8Array(SLOTS_FIRST); // by slot: NO_DATA, NO_ERROR, CLOSING
    this.slotsUsed = 0;
    this.postIds = new Float64Array(SLOTS_FIRST); // of one sendBatch() or broadcast()
    this.crowded = new Set(); // refused because of the command ring
    this.drained = []; // of those, whose 'drain' is due
    this.sendRefusals = 0;
  }

  info() {
    return { ...super.info(), sendRefusals: this.sendRefusals };
  }

  // --- events

  step() {
    if (this.drained.length === 0) return super.step();
    this.onDrained(this.drained.pop());
    return true;
  }

  take(at) {
    const { records } = this;
    const kind = records[at + RECORD_KIND];
    const slot = records[at + RECORD_SLOT];
    if (kind === DATA_SMALL || kind === DATA) {
      if (this.told[slot] & NO_DATA) return;
      const slab = (kind === DATA ? this.slabs : this.smallSlabs).current;
      const start = records[at + RECORD_A];
      const data = slab.subarray(start, start + records[at + RECORD_B]);
      this.tell(new RawEvent('data', this.ids[slot], data));
      return;
    }
    this.takeOther(kind, slot, records[at + RECORD_A]);
  }

  takeOther(kind, slot, result) {
    switch (kind) {
      case OPEN:
        this.onOpen(slot, result);
        break;
      case END:
        if (!(this.told[slot] & NO_DATA)) this.tell(new RawEvent('end', this.ids[slot]));
        break;
      case ERROR:
        this.onError(slot, result);
        break;
      case DRAIN:
        if (this.open[slot] !== 0) this.tell(new RawEvent('drain', this.ids[slot]));
        break;
      case CLOSED:
        this.onClosed(slot, result);
        break;
      case COMMAND_SPACE:
        this.retryRefused();
        for (const id of this.crowded) this.drained.push(id);
        this.crowded.clear();
        break;
      case LISTENER_CLOSED:
        if (result !== 0)
          this.tell(new RawEvent('error', 0, undefined, getSystemErrorName(result)));
        this.owner[kOnListenerClosed]();
        break;
      case STOPPED:
        this.takeStopped();
        break;
    }
  }

  onOpen(slot, generation) {
    const id = generation * SLOTS + slot;
    while (slot >= this.ids.length) {
      this.ids = longer(this.ids, Float64Array);
      this.open = longer(this.open, Float64Array);
      this.told = longer(this.told, Uint8Array);
    }
    if (slot >= this.slotsUsed) this.slotsUsed = slot + 1;
    this.ids[slot] = id;
    this.open[slot] = id;
    this.told[slot] = 0;
    const peer = this.native.peer(id);
    if (connectionOpen.hasSubscribers) this.publish(connectionOpen, id, { peer });
    this.tell(new RawEvent('connect', id, undefined, undefined, peer));
  }

  /** A handler that was told before may have closed it. */
  onDrained(id) {
    if (this.open[id & SLOT_MASK] === id) this.tell(new RawEvent('drain', id));
  }

  onError(slot, errno) {
    if (this.told[slot] & NO_ERROR) return;
    const id = this.ids[slot];
    this.retire(slot, NO_DATA | NO_ERROR | CLOSING);
    this.command('close', id);
    this.publishError(id, errno, 'read');
    this.tell(new RawEvent('error', id, undefined, getSystemErrorName(errno)));
  }

  onClosed(slot, reason) {
    const id = this.ids[slot];
    if (reason === CLOSE_NO_MEMORY && !(this.told[slot] & NO_ERROR)) {
      this.retire(slot, NO_ERROR);
      this.cursor--; // 'close' comes next
      this.publishError(id, ENOMEM, 'write');
      this.tell(new RawEvent('error', id, undefined, 'ENOMEM'));
      return;
    }
    this.ids[slot] = 0;
    this.open[slot] = 0;
    if (connectionClose.hasSubscribers) this.publish(connectionClose, id);
    this.tell(new RawEvent('close', id));
  }

  publishError(id, errno, syscall) {
    if (!connectionError.hasSubscribers) return;
    this.publish(connectionError, id, { error: systemError(errno, syscall) });
  }

  /** The connection can no more be sent to, and less is told of it. */
  retire(slot, untold) {
    this.open[slot] = 0;
    this.told[slot] |= untold;
  }

  // --- commands

  /** Wakes the worker for what was given to it; inside a batch the addon does so at its end. */
  wake() {
    if (!this.inBatch) this.scheduleFlush();
  }

  post(id, bytes, finish) {
    const slot = id & SLOT_MASK;
    if (this.open[slot] !== id) return false;
    const answer = this.native.post(id, bytes, finish);
    this.wake();
    if (answer !== POST_TAKEN) {
      this.sendRefusals++;
      if (answer === POST_NO_SPACE) this.crowded.add(id);
      return false;
    }
    if (finish) this.retire(slot, NO_DATA);
    return true;
  }

  /** Room for n ids and the number that broadcast() puts behind them. */
  roomForIds(n) {
    while (this.postIds.length <= n) this.postIds = longer(this.postIds, Float64Array);
    return this.postIds;
  }

  /**
   * All entries are taken, or none.
   *
   * @param {{connectionId: number}[]} entries
   * @param {Uint8Array[]} bytes of each; overwritten
   */
  postMany(entries, bytes, finish) {
    const ids = this.roomForIds(entries.length);
    const { open } = this;
    let n = 0;
    for (let i = 0; i < entries.length; i++) {
      const id = entries[i].connectionId;
      if (open[id & SLOT_MASK] === id) {
        ids[n] = id;
        bytes[n++] = bytes[i];
      }
    }
    if (n === 0) return entries.length === 0;
    const answer = this.native.postMany(ids, bytes, n, finish);
    this.wake();
    if (answer === POST_TAKEN) {
      for (let i = 0; finish && i < n; i++) this.retire(ids[i] & SLOT_MASK, NO_DATA);
      return true;
    }
    this.sendRefusals++;
    for (let i = 0; answer === POST_NO_SPACE && i < n; i++) this.crowded.add(ids[i]);
    return false;
  }

  /** @param {number[] | null} connectionIds null: all @returns {number} how many took it */
  broadcast(connectionIds, bytes) {
    const n = connectionIds === null ? this.slotsUsed : connectionIds.length;
    const ids = this.roomForIds(n);
    let wanted = 0;
    for (let i = 0; i < n; i++) {
      const id = connectionIds === null ? this.open[i] : connectionIds[i];
      const there = id !== 0 && this.open[id & SLOT_MASK] === id;
      ids[i] = there ? id : 0;
      if (there) wanted++;
    }
    const taken = this.native.broadcast(ids, n, bytes);
    this.wake();
    if (taken < wanted) {
      this.sendRefusals += wanted - taken;
      for (let i = ids[n]; i < n; i++) if (ids[i] !== 0) this.crowded.add(ids[i]);
    }
    return taken;
  }

  closeConnection(id) {
    const slot = id & SLOT_MASK;
    if (this.ids[slot] !== id || this.told[slot] & CLOSING) return false;
    this.retire(slot, NO_DATA | NO_ERROR | CLOSING);
    this.command('close', id);
    return true;
  }

  setPaused(id, paused) {
    if (this.open[id & SLOT_MASK] !== id) return false;
    this.command(paused ? 'pause' : 'resume', id);
    return true;
  }
}

module.exports = RawUring;
