'use strict';

const { setTimeout: delay } = require('node:timers/promises');
const { seconds } = require('./scale');

/**
 * Waits until a condition holds. For state that has no event of its own: counters of info(),
 * the number of threads, a value that has stopped changing.
 *
 * @param {() => unknown} condition polled; the first truthy result is returned
 * @param {string} what named in the error when it never comes true
 */
async function eventually(condition, what, timeoutMs = seconds(10)) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const result = await condition();
    if (result) {
      return result;
    }
    if (Date.now() > deadline) {
      throw new Error(`never came true: ${what}`);
    }
    await delay(5);
  }
}

/**
 * Waits until a value has been the same for many looks in a row: a transfer that has stalled.
 * What is asserted afterwards must hold however early this returns.
 *
 * @param {() => number} read
 * @returns {Promise<number>} the value
 */
async function settled(read, looks = 60) {
  let last = read();
  let same = 0;
  await eventually(
    () => {
      const now = read();
      same = now === last ? same + 1 : 0;
      last = now;
      return same >= looks;
    },
    'a value that stops changing',
    seconds(20),
  );
  return last;
}

module.exports = { eventually, settled };
