'use strict';

/* What a soak has shown. */

const MIB = 1024 * 1024;

/** Shorter runs are over before everything is warm, and show nothing of memory. */
const SAMPLES_MIN = 50;
/** Samples come each second. What is filled on first use is full after this part of the run. */
const WARM_UP_PART = 0.3;
/** Allocators and the traffic of the moment move RSS by so much either way. */
const NOISE = 24 * MIB;
const GROWTH_PART = 0.1;
/** What is reachable, at its least: what grows here is a leak of JavaScript's. */
const LIVE_NOISE = 4 * MIB;
/** Of a long run, the least RSS of each minute in the second half. What the allocators keep for the peaks
 * moves the rest by 30 MiB. Eight bytes lost per connection are about a MiB per minute. */
const LONG = 1200; // samples: in shorter ones it still levels off
const MINUTE = 60;
const SLOPE_MAX = MIB; // per minute

function warm(samples) {
  return samples.slice(Math.floor(samples.length * WARM_UP_PART));
}

/** Bytes per minute by which the least RSS of a minute grows in the second half: least squares. */
function slope(samples) {
  const points = [];
  for (let i = Math.floor(samples.length / 2); i + MINUTE <= samples.length; i += MINUTE) {
    const least = Math.min(...samples.slice(i, i + MINUTE).map(({ rss }) => rss));
    points.push([points.length, least]);
  }
  const n = points.length;
  const mean = (i) => points.reduce((sum, point) => sum + point[i], 0) / n;
  const [x, y] = [mean(0), mean(1)];
  const over = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0);
  const under = points.reduce((sum, [px]) => sum + (px - x) ** 2, 0);
  return under === 0 ? 0 : over / under;
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

function memory(samples) {
  const values = warm(samples).map(({ rss }) => rss);
  const third = Math.floor(values.length / 3);
  const first = median(values.slice(0, third));
  const last = median(values.slice(-third));
  const allowed = Math.max(NOISE, first * GROWTH_PART);
  const problems = [];
  if (last - first > allowed) {
    problems.push(`RSS from ${(first / MIB).toFixed(1)} to ${(last / MIB).toFixed(1)} MiB`);
  }
  const late = slope(samples);
  if (samples.length >= LONG && late > SLOPE_MAX) {
    problems.push(`RSS grows by ${(late / 1024).toFixed(0)} KiB/min in the second half`);
  }
  return problems;
}

/** The least that was in use in the first third after the warm-up, in the last, and at the end. */
function floors(samples, { live }) {
  const values = warm(samples).map((one) => one.live);
  const third = Math.floor(values.length / 3);
  return [Math.min(...values.slice(0, third)), Math.min(...values.slice(-third)), live];
}

function inUse(samples, ended) {
  const [first, last, end] = floors(samples, ended);
  const problems = [];
  if (last - first > LIVE_NOISE) problems.push(`in use: ${first} bytes at first, ${last} at last`);
  if (end - first > LIVE_NOISE) problems.push(`in use at the end: ${end} bytes`);
  return problems;
}

/** Of servers whose peers all stayed to the end, what they have counted is what was written. */
function accounts({ infos }, { bytes }) {
  return Object.entries(bytes)
    .filter(([name]) => name.startsWith('calm') || name === 'fast')
    .filter(([name, n]) => infos[name].bytesReceived !== n || infos[name].bytesSent !== n)
    .map(([name, n]) => {
      const { bytesReceived, bytesSent } = infos[name];
      return `${name}: ${n} bytes written, ${bytesReceived} received, ${bytesSent} sent`;
    });
}

function leftovers({ infos, problems, left }) {
  const counted = Object.entries(infos)
    .filter(([, info]) => info.connectionsAccepted !== info.connectionsClosed)
    .map(([name]) => `${name}: more connections accepted than closed`);
  const kept = Object.entries(left)
    .filter(([, n]) => n > 0)
    .map(([what, n]) => `${n} ${what} left`);
  return [...problems, ...counted, ...kept];
}

/** @returns {{what: string, problems: string[]}[]} */
function judge({ finished, ended, code, samples, problems = [] }) {
  if (!finished || !ended) {
    return [{ what: 'both processes live to the end', problems: [...problems, 'one did not'] }];
  }
  const verdicts = [
    { what: 'both processes live to the end', problems: code === 0 ? [] : [`exit code ${code}`] },
    { what: 'every activity ends as it should', problems: finished.problems },
    { what: 'every byte is accounted for', problems: accounts(ended, finished) },
    { what: 'nothing is left', problems: leftovers(ended) },
  ];
  if (samples.length >= SAMPLES_MIN) {
    const problems = [...memory(samples), ...inUse(samples, ended)];
    verdicts.push({ what: 'memory is flat after the warm-up', problems });
  }
  return verdicts;
}

module.exports = { floors, judge, LONG, slope };
