'use strict';

const MIB = 1024 * 1024;

/** Sanitizer builds run many times slower; their scripts set this factor for every time limit. */
const timeScale = Number(process.env.SEARINGS_TEST_TIME_SCALE || 1);

/** Sanitizers keep freed memory; their scripts grant the memory bounds this many MiB more. */
const memorySlack = Number(process.env.SEARINGS_TEST_MEMORY_SLACK_MIB || 0) * MIB;

/** The full sizes of the integrity and lifetime runs instead of those of the everyday suite. */
const full = process.env.SEARINGS_TEST_FULL === '1';

/** @returns {number} a limit of so many seconds, in milliseconds, for the build under test */
function seconds(count) {
  return count * 1000 * timeScale;
}

/** Sets the time limit of every test of a suite: `describe('…', function () { limit(this, 10) })` */
function limit(suite, count) {
  suite.timeout(seconds(count));
}

module.exports = { MIB, timeScale, memorySlack, full, seconds, limit };
