'use strict';

const assert = require('node:assert/strict');
const { MIB, memorySlack } = require('./scale');

/**
 * Watches how far the process's resident memory rises above what it is now.
 *
 * @returns {{growth: () => number, within: (bound: number) => void, stop: () => void}} `growth()` is
 *   the highest rise seen so far, in bytes
 */
function watchMemory() {
  const start = process.memoryUsage.rss();
  let peak = start;
  const look = () => {
    peak = Math.max(peak, process.memoryUsage.rss());
  };
  const timer = setInterval(look, 10).unref(); // a test that fails stops nothing
  const growth = () => {
    look();
    return peak - start;
  };
  return {
    growth,
    stop: () => clearInterval(timer),
    within(bound) {
      const grown = growth();
      const text = `memory grew by ${Math.ceil(grown / MIB)} of at most ${bound / MIB} MiB`;
      assert.ok(grown <= bound + memorySlack, text);
    },
  };
}

module.exports = { watchMemory };
