'use strict';

/** A line per measurement on stderr, with what is still to come. */

const { methodOf } = require('./cases');

/** Seconds that starting, stopping and reading take beside the load, as measured. */
const AROUND = { load: 0.8, wrk: 1, idle: 6, syscalls: 4, blocked: 6 };

/** Seconds that one measurement takes, about. */
function expected(benchmark, { seconds, warmup }) {
  const method = methodOf(benchmark);
  const load = method === 'load' || method === 'wrk' ? seconds + warmup : 0;
  return AROUND[method] + load + (benchmark.load?.connections ?? 0) / 5000;
}

function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
}

function brief(sample) {
  if (sample.syscalls !== undefined)
    return `${sample.syscalls.toFixed(2)} system calls per message`;
  if (sample.rate === undefined) {
    return `${(sample.rssPerConnection / 1024).toFixed(2)} KiB per connection`;
  }
  const p99 = sample.p99 === null ? '' : `, p99 ${Math.round(sample.p99)} µs`;
  return `${Math.round(sample.rate)}/s${p99}`;
}

class Progress {
  #planned = 0;
  #done = 0;
  #count = 0;
  #total = 0;
  #repeats = 0;
  #start = performance.now();

  /** What is to be measured, so often. */
  plan(benchmark, options, times) {
    this.#planned += expected(benchmark, options) * times;
    this.#total += times;
  }

  say(text) {
    process.stderr.write(`${text}\n`);
  }

  /** The measurement is to be done once more. */
  repeat(text) {
    this.#repeats += 1;
    this.say(text);
  }

  /** The share of measurements that were done once more. */
  get repeated() {
    return this.#repeats / this.#total;
  }

  /** The measurement is over, for good. */
  finish(benchmark, options, label, text) {
    this.#done += expected(benchmark, options);
    this.#count += 1;
    const elapsed = (performance.now() - this.#start) / 1000;
    const left = (this.#planned - this.#done) * (elapsed / this.#done);
    this.say(`[${this.#count}/${this.#total}, ${clock(left)} left] ${label}: ${text}`);
  }

  describe() {
    return `${this.#total} measurements, about ${clock(this.#planned)} minutes`;
  }
}

module.exports = { Progress, brief };
