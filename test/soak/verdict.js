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

function warm(samples) {
  return samples.slice(Math.floor(samples.length * WARM_UP_PART));
}

/** Bytes per minute that RSS grows by after the warm-up: the least-squares line through the samples. */
function slope(samples) {
  const points = warm(samples).map(({ rss }, second) => [second / 60, rss]);
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
  if (last - first <= allowed) return [];
  return [`from ${(first / MIB).toFixed(1)} to ${(last / MIB).toFixed(1)} MiB`];
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
    verdicts.push({ what: 'memory is flat after the warm-up', problems: memory(samples) });
  }
  return verdicts;
}

module.exports = { judge, slope };
