'use strict';

const { loadBinding } = require('../binding');
const { connectionClose, connectionOpen } = require('../diagnostics');
const { kOnListenerClosed } = require('../symbols');
const { makeHead } = require('./http-head');
const { Record } = require('../backend/http-record');
const { HttpRequest } = require('./http-request');
const { TellerBackend } = require('./teller');

const { constants } = loadBinding().binding;
const { RECORD_KIND, RECORD_SLOT, RECORD_A, RECORD_B } = constants;
const { OPEN, DATA, DATA_SMALL, REQUEST, REQUEST_SMALL, REQUEST_END, CLOSED } = constants;
const { COMMAND_SPACE, LISTENER_CLOSED, STOPPED } = constants;
const { POST_TAKEN, POST_NO_SPACE, REPLY_HEAD, REPLY_1_0, REPLY_CLOSE } = constants;
const { HTTP_KEEP_ALIVE, HTTP_HEAD, HTTP_1_0 } = constants;

const SLOTS = 2 ** constants.SLOT_BITS;

/** A request that has not been answered: what the worker has to be told with its response. */
class Pending {
  constructor(connectionId, seq, flags, request) {
    this.connectionId = connectionId;
    this.seq = seq;
    this.flags = flags; // HTTP_*
    this.request = request;
    this.chunks = null; // of a body that is arriving
    this.next = null; // of the same connection
  }
}

/** `UringHttpServer` on the native worker, which parses, keeps the order, and answers what it can. */
class HttpUring extends TellerBackend {
  constructor(server, options, batched) {
    super(server, options, batched);
    this.ids = []; // by slot
    this.newest = []; // by slot: the pending request that came last
    this.pending = new Map(); // by request id
    this.lastId = 0;
  }

  // --- events

  take(at) {
    const { records } = this;
    const kind = records[at + RECORD_KIND];
    const slot = records[at + RECORD_SLOT];
    const a = records[at + RECORD_A];
    switch (kind) {
      case REQUEST_SMALL:
        this.onRequest(slot, this.smallSlabs.current, a);
        break;
      case REQUEST:
        this.onRequest(slot, this.slabs.current, a);
        break;
      case DATA_SMALL:
        this.onBody(slot, this.smallSlabs.current.subarray(a, a + records[at + RECORD_B]));
        break;
      case DATA:
        this.onBody(slot, this.slabs.current.subarray(a, a + records[at + RECORD_B]));
        break;
      case REQUEST_END:
        this.onRequestEnd(slot);
        break;
      default:
        this.takeOther(kind, slot, a);
    }
  }

  takeOther(kind, slot, result) {
    switch (kind) {
      case OPEN:
        this.onOpen(slot, result * SLOTS + slot);
        break;
      case CLOSED:
        this.forget(slot);
        break;
      case COMMAND_SPACE:
        this.retryRefused();
        break;
      case LISTENER_CLOSED:
        this.owner[kOnListenerClosed]();
        break;
      case STOPPED:
        this.takeStopped();
        break;
    }
  }

  onOpen(slot, id) {
    this.ids[slot] = id;
    this.newest[slot] = null;
    if (connectionOpen.hasSubscribers) {
      this.publish(connectionOpen, id, { peer: this.native.peer(id) });
    }
  }

  onRequest(slot, slab, at) {
    const record = new Record(slab, at);
    const request = new HttpRequest(
      ++this.lastId,
      record.method,
      record.url,
      record.minor === 0 ? '1.0' : '1.1',
      record.keepAlive,
      () => record.headers(),
    );
    const pending = new Pending(this.ids[slot], record.seq, record.flags, request);
    this.pending.set(request.requestId, pending);
    pending.next = this.newest[slot];
    this.newest[slot] = pending;
    if (record.complete) this.tell(request);
    else pending.chunks = [];
  }

  onBody(slot, chunk) {
    this.newest[slot]?.chunks?.push(chunk);
  }

  onRequestEnd(slot) {
    const pending = this.newest[slot];
    if (!pending?.chunks) return;
    const { chunks, request } = pending;
    pending.chunks = null;
    if (chunks.length > 0) request.body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    this.tell(request);
  }

  /** The connection is gone: its requests can no more be answered. */
  forget(slot) {
    for (let pending = this.newest[slot]; pending; pending = pending.next) {
      this.pending.delete(pending.request.requestId);
    }
    this.newest[slot] = null;
    if (connectionClose.hasSubscribers) this.publish(connectionClose, this.ids[slot]);
    this.ids[slot] = 0;
  }

  unlink(pending) {
    const slot = pending.connectionId % SLOTS;
    this.pending.delete(pending.request.requestId);
    if (this.newest[slot] === pending) {
      this.newest[slot] = pending.next;
      return;
    }
    let before = this.newest[slot];
    while (before.next !== pending) before = before.next;
    before.next = pending.next;
  }

  // --- commands

  respond(requestId, status, headers, body) {
    const pending = this.pending.get(requestId);
    const has = pending !== undefined && pending.chunks === null;
    const toHead = has && (pending.flags & HTTP_HEAD) !== 0;
    const head = makeHead(status, headers, body === undefined ? 0 : body.length, toHead);
    if (!has) return false;
    let { flags } = head;
    if (toHead) flags |= REPLY_HEAD;
    if (pending.flags & HTTP_1_0) flags |= REPLY_1_0;
    if (!(pending.flags & HTTP_KEEP_ALIVE)) flags |= REPLY_CLOSE;
    this.unlink(pending);
    const { connectionId, seq } = pending;
    const answer = this.native.respond(connectionId, seq, flags, head.text, body);
    if (answer === POST_NO_SPACE) {
      this.refused.push('respondAgain', connectionId, [seq, flags, head.text, body]);
    }
    if (!this.inBatch) this.scheduleFlush();
    return answer === POST_TAKEN || answer === POST_NO_SPACE;
  }
}

module.exports = HttpUring;
