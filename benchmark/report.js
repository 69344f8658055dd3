'use strict';

/** From samples to medians, a Markdown table, and the judgement of the thresholds. */

const { cases, thresholds } = require('./cases');

/** From this share of its CPU on, the generator may be what limits the rate. */
const SATURATED = 0.95;

/** A round in which others took more than this share of one of the two CPUs says little. */
const DISTURBED = 0.1;

function median(sorted) {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median, smallest and largest of every numeric metric over the rounds. */
function summarize(samples) {
  const summary = {};
  for (const key of Object.keys(samples[0] ?? {})) {
    const values = samples.map((sample) => sample[key]).filter((value) => Number.isFinite(value));
    if (values.length !== samples.length) continue;
    values.sort((a, b) => a - b);
    summary[key] = { median: median(values), min: values[0], max: values.at(-1) };
  }
  return summary;
}

function decimals(value, digits) {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function plain(metric, digits) {
  return metric ? decimals(metric.median, digits) : '–';
}

function range(metric, digits, scale = 1) {
  if (!metric) return 'failed';
  const [middle, min, max] = [metric.median, metric.min, metric.max].map((value) =>
    decimals(value / scale, digits),
  );
  return `${middle} (${min}–${max})`;
}

function ratio(ours, base) {
  return ours && base ? ours.median / base.median : null;
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

function generatorCell(metric) {
  if (!metric) return '–';
  return `${decimals(metric.median * 100, 0)} %${metric.median >= SATURATED ? ' (!)' : ''}`;
}

function versusNet(name, metric, results) {
  const value = ratio(results[name].summary[metric], results.net?.summary[metric]);
  return name !== 'net' && value !== null ? decimals(value, 2) : '';
}

function trafficTable(results) {
  const lines = [
    row(
      ['case', 'server', 'per second: median (min–max)', '× net', 'p50 µs', 'p99 µs'].concat([
        'JS µs',
        'worker µs',
        'process µs',
        'enters',
        'generator CPU',
      ]),
    ),
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  for (const [name, servers] of Object.entries(results)) {
    if (cases[name].load.mode === 'idle') continue;
    for (const [server, { summary }] of Object.entries(servers)) {
      lines.push(
        row([
          cases[name].title,
          server,
          range(summary.rate, 0),
          versusNet(server, 'rate', servers),
          plain(summary.p50, 0),
          range(summary.p99, 0),
          plain(summary.mainUs, 2),
          plain(summary.workerUs, 2),
          plain(summary.totalUs, 2),
          plain(summary.enters, 3),
          generatorCell(summary.loadCpu),
        ]),
      );
    }
  }
  lines.push('', 'JS, worker, process: CPU time per message; process is all threads together.');
  lines.push(`(!): the generator used ${SATURATED * 100} % of its CPU or more, so the rate may be`);
  lines.push("its limit and not the server's.");
  return lines;
}

function idleTable(results) {
  const lines = [
    row(['case', 'server', 'RSS per connection, KiB: median (min–max)', '× net']),
    '| --- | --- | ---: | ---: |',
  ];
  for (const [name, servers] of Object.entries(results)) {
    if (cases[name].load.mode !== 'idle') continue;
    for (const [server, { summary }] of Object.entries(servers)) {
      lines.push(
        row([
          cases[name].title,
          server,
          range(summary.rssPerConnection, 2, 1024),
          versusNet(server, 'rssPerConnection', servers),
        ]),
      );
    }
  }
  return lines;
}

function limitText({ min, max, below }) {
  if (min !== undefined) return `≥ ${min}`;
  if (max !== undefined) return `≤ ${max}`;
  return `< ${below}`;
}

function isMet({ min, max, below }, value) {
  if (min !== undefined) return value >= min;
  if (max !== undefined) return value <= max;
  return value < below;
}

/** Medians of mostly disturbed rounds, or of rounds on the fallback, prove nothing. */
function isVoid({ samples }) {
  const disturbed = samples.filter(({ foreign }) => foreign > DISTURBED).length;
  return disturbed * 2 >= samples.length || samples.some(({ backend }) => backend === 'net');
}

/** @returns {{ text: string, value: number | null, comparable: boolean, met: boolean }[]} */
function judge(results) {
  const verdicts = [];
  for (const threshold of thresholds) {
    const servers = results[threshold.case];
    const judged = servers?.[threshold.server ?? 'searings'];
    if (!judged || !(servers.net || threshold.absolute)) continue;
    const ours = judged.summary[threshold.metric];
    const value = threshold.absolute
      ? (ours?.median ?? null)
      : ratio(ours, servers.net.summary[threshold.metric]);
    const comparable = !isVoid(judged) && !(servers.net && isVoid(servers.net));
    verdicts.push({
      comparable,
      text: `${threshold.case}: ${threshold.text} ${limitText(threshold)}`,
      value,
      met: comparable && value !== null && isMet(threshold, value),
    });
  }
  return verdicts;
}

function verdictLine({ text, value, comparable, met }) {
  const verdict = met ? 'met' : 'missed';
  const measured = value === null ? 'not measured' : `measured ${decimals(value, 3)}`;
  return `- ${comparable ? verdict : 'void'}: ${text}, ${measured}`;
}

function warnings(results) {
  const lines = [];
  for (const [name, servers] of Object.entries(results)) {
    for (const [server, { samples, failures }] of Object.entries(servers)) {
      for (const failure of failures) lines.push(`- failed: ${name}, ${server}: ${failure}`);
      const disturbed = samples.filter(({ foreign }) => foreign > DISTURBED).length;
      if (disturbed) {
        lines.push(
          `- disturbed by other processes: ${name}, ${server}, ${disturbed} of ${samples.length}`,
        );
      }
      if (server !== 'net' && samples.some(({ backend }) => backend === 'net')) {
        lines.push(`- not io_uring: ${name} was measured on the net fallback`);
      }
    }
  }
  return lines;
}

/** @returns {string} Markdown */
function render(results, environment) {
  const { node, kernel, cpu, rounds, seconds } = environment;
  const lines = [`Node ${node}, Linux ${kernel}, ${cpu}; ${rounds} rounds of ${seconds} s.`, ''];
  const modes = Object.keys(results).map((name) => cases[name].load.mode);
  if (modes.some((mode) => mode !== 'idle')) lines.push(...trafficTable(results), '');
  if (modes.includes('idle')) lines.push(...idleTable(results), '');
  const verdicts = judge(results);
  if (verdicts.length) lines.push('Acceptance:', '', ...verdicts.map(verdictLine), '');
  const remarks = warnings(results);
  if (remarks.length) lines.push('Remarks:', '', ...remarks, '');
  return lines.join('\n');
}

module.exports = { DISTURBED, generatorCell, judge, plain, range, ratio, render, row, summarize };
