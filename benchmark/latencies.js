'use strict';

/**
 * The latencies of a run in an HdrHistogram: Node's own, which is HdrHistogram_c. The generator hands them over one
 * by one when it is done, so that keeping them costs nothing while it measures.
 */

const { createHistogram } = require('node:perf_hooks');

const BYTES = Uint32Array.BYTES_PER_ELEMENT;
const PER_US = 100; // sea_load counts in 10 ns
const HIGHEST = 2 ** 32;
const SHARES = { p50: 50, p90: 90, p99: 99, 'p99.9': 99.9 };

class Latencies {
  #histogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: 3 });
  #rest = Buffer.alloc(0);

  /** @param {Buffer} bytes the next ones of what sea_load writes; a number may be cut in two */
  add(bytes) {
    const all = this.#rest.length ? Buffer.concat([this.#rest, bytes]) : bytes;
    const whole = all.length - (all.length % BYTES);
    const copy = all.buffer.slice(all.byteOffset, all.byteOffset + whole);
    for (const value of new Uint32Array(copy)) this.#histogram.record(Math.max(1, value));
    this.#rest = all.subarray(whole);
  }

  get count() {
    return this.#histogram.count;
  }

  /** In µs; null without latencies. */
  percentiles() {
    const at = (share) => (this.count ? this.#histogram.percentile(share) / PER_US : null);
    return Object.fromEntries(Object.entries(SHARES).map(([name, share]) => [name, at(share)]));
  }
}

module.exports = { Latencies };
