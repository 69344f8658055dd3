'use strict';

const { AsyncResource } = require('node:async_hooks');

/** How much earlier than asked for a timer may come, by this clock: it counts whole milliseconds. */
const EARLY_MS = 1;

function onTimer(idle) {
  idle.timer = null;
  if (idle.ms === 0) return;
  const rest = idle.last + idle.ms - performance.now();
  if (rest > EARLY_MS) idle.arm(rest);
  else idle.expired(idle);
}

/**
 * The inactivity timer of one connection. An HTTP connection turns it off and on with every request, and
 * each byte that comes or goes puts it off: so all of these only note the time, and the timer, when it
 * comes, sees how long it still has to wait.
 */
class IdleTimer {
  /** @param {(idle: IdleTimer) => void} expired it has to set() it again for another time */
  constructor(connection, expired) {
    this.connection = connection;
    this.expired = expired;
    this.ms = 0; // 0: off
    this.last = 0; // when there was something to note
    this.queued = 0; // bytes under way then
    this.scope = null;
    this.due = 0; // when the timer comes
    this.timer = null;
  }

  arm(ms) {
    this.due = performance.now() + ms;
    this.timer = setTimeout(onTimer, ms, this).unref();
  }

  /** 'timeout' belongs to the asynchronous context that asks for it: this one. */
  start(ms, queued) {
    this.scope = new AsyncResource('SEARINGS_TIMEOUT');
    this.set(ms, queued);
  }

  set(ms, queued) {
    if (this.timer !== null && this.due > performance.now() + ms) this.stop();
    this.ms = ms;
    this.queued = queued;
    this.touch();
  }

  touch() {
    if (this.ms === 0) return;
    this.last = performance.now();
    if (this.timer === null) this.arm(this.ms); // it has come already
  }

  /** Off, perhaps for a moment only. */
  pause() {
    this.ms = 0;
  }

  /** Off for good. */
  stop() {
    this.ms = 0;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
  }
}

module.exports = { IdleTimer };
