'use strict';

const { loadBinding } = require('../binding');
const UringBackend = require('../backend/uring');
const { kOnEvent, kOnEvents } = require('../symbols');

const { RECORD_LENGTH } = loadBinding().binding.constants;

/**
 * The native worker for the raw servers: what happens is told in objects, one by one or, with
 * startBatch(), in arrays. A subclass says what there is to tell: `take()`.
 */
class TellerBackend extends UringBackend {
  constructor(server, options, batched) {
    super(server, options);
    this.batched = batched;
    this.untold = []; // of one startBatch() call
  }

  /** As in UringBackend: with a count, or with 0 to go on after a handler threw. */
  onBatch(count) {
    this.begin(count);
    while (this.step());
    this.inBatch = false;
  }

  /** @returns {boolean} false when all of the batch has been told */
  step() {
    if (this.cursor < this.count) this.take(this.cursor++ * RECORD_LENGTH);
    else if (this.untold.length > 0) this.deliver();
    else return false;
    return true;
  }

  tell(what) {
    if (!this.batched) {
      this.owner[kOnEvent](what);
      return;
    }
    this.untold.push(what);
    if (this.untold.length === this.options.eventBatchSize) this.deliver();
  }

  /** For those who watch; with `hasSubscribers` asked. */
  publish(channel, connectionId, more) {
    channel.publish({ server: this.owner, connectionId, ...more });
  }

  deliver() {
    const { untold } = this;
    this.untold = [];
    this.owner[kOnEvents](untold);
  }

  /** The last event of all, after everything else has been told. */
  takeStopped() {
    if (this.untold.length > 0) {
      this.cursor--; // again, after those: whether their handler throws or not
      this.deliver();
    } else {
      this.onStopped();
    }
  }
}

module.exports = { TellerBackend };
