'use strict';

/**
 * From samples to medians, Markdown tables, and the judgement of the thresholds. A report is what run.js saves
 * as JSON: `environment`, `absent` peers, `verdicts`, and by name `cases`, each with its `title`, `section`,
 * `base` (the server that the others are compared with) and `servers`.
 */

const { thresholds } = require('./cases');
const { decimals, plain, range, table } = require('./format');

/** From this share of its CPU on, the generator may be what limits the rate. */
const SATURATED = 0.95;

/** A round in which others took more than this share of one of the two CPUs says little. */
const DISTURBED = 0.1;

const MIB = 1024 * 1024;
const TOP_CALLS = 4;

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

function ratio(ours, base) {
  return ours && base ? ours.median / base.median : null;
}

function generatorCell(metric) {
  if (!metric) return '–';
  return `${decimals(metric.median * 100, 0)} %${metric.median >= SATURATED ? ' (!)' : ''}`;
}

/**
 * A metric of a server against that of the case's base; not the rate of a case in which the generator sets it.
 * @returns {number | null}
 */
function versusBase({ base, servers, paced }, server, metric) {
  if (server === base || (paced && metric === 'rate')) return null;
  return ratio(servers[server]?.summary[metric], servers[base]?.summary[metric]);
}

function factorCell(one, server, metric) {
  const value = versusBase(one, server, metric);
  return value === null ? '' : decimals(value, 2);
}

/** One row per case and server. @param {(summary: object, one: object, server: string) => string[]} cells */
function rows(report, section, cells) {
  return Object.values(report.cases)
    .filter((one) => one.section === section)
    .flatMap((one) =>
      Object.entries(one.servers).map(([server, { summary, samples }]) => [
        one.title,
        server,
        ...cells(summary, one, server, samples),
      ]),
    );
}

const COSTS = ['JS µs', 'worker µs', 'process µs', 'enters', 'RSS MiB', 'generator CPU'];

function trafficTable(report, section) {
  const headings = ['case', 'server', 'per second: median (min–max)', '× base', 'p50 µs', 'p99 µs'];
  return table(
    [...headings, ...COSTS],
    rows(report, section, (summary, one, server) => [
      range(summary.rate, 0),
      factorCell(one, server, 'rate'),
      plain(summary.p50, 0),
      range(summary.p99, 0),
      plain(summary.mainUs, 2),
      plain(summary.workerUs, 2),
      plain(summary.totalUs, 2),
      plain(summary.enters, 3),
      plain(summary.rss, 0, MIB),
      generatorCell(summary.loadCpu),
    ]),
    2,
  );
}

function memoryTable(report) {
  return table(
    ['case', 'server', 'per connection, KiB: median (min–max)', '× base', 'RSS of the server, MiB'],
    rows(report, 'memory', (summary, one, server) => [
      summary.rssPerConnection ? range(summary.rssPerConnection, 2, 1024) : '–',
      factorCell(one, server, summary.rssPerConnection ? 'rssPerConnection' : 'rss'),
      range(summary.rss, 0, MIB),
    ]),
    2,
  );
}

function callsCell(samples) {
  const calls = Object.entries(samples[0]?.byCall ?? {}).sort(([, a], [, b]) => b - a);
  return calls
    .slice(0, TOP_CALLS)
    .map(([name, count]) => `${name} ${decimals(count, 2)}`)
    .join(', ');
}

function syscallTable(report) {
  return table(
    ['case', 'server', 'system calls per message', '× base', 'most frequent'],
    rows(report, 'syscalls', (summary, one, server, samples) => [
      plain(summary.syscalls, 3),
      factorCell(one, server, 'syscalls'),
      callsCell(samples),
    ]),
    2,
  );
}

function blockedTable(report) {
  return table(
    ['case', 'server', 'p50 ms', 'p99 ms: median (min–max)', 'longest, ms'],
    rows(report, 'blocked', (summary) => [
      plain(summary.p50, 2, 1000),
      range(summary.p99, 2, 1000),
      range(summary.max, 2, 1000),
    ]),
    2,
  );
}

function limitText({ min, max, below }) {
  if (min !== undefined) return `≥ ${decimals(min)}`;
  if (max !== undefined) return `≤ ${decimals(max)}`;
  return `< ${decimals(below)}`;
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

function judgeOne(threshold, { base, servers }) {
  const server = threshold.server ?? 'searings';
  const judged = servers[server];
  if (!judged || !(servers[base] || threshold.absolute)) return null;
  const ours = judged.summary[threshold.metric];
  const value = threshold.absolute
    ? (ours?.median ?? null)
    : ratio(ours, servers[base].summary[threshold.metric]);
  const comparable = !isVoid(judged) && (threshold.absolute || !isVoid(servers[base]));
  const against = threshold.absolute ? '' : ` against ${base}`;
  return {
    comparable,
    text: `${threshold.case}, ${server}: ${threshold.text}${against} ${limitText(threshold)}`,
    value,
    met: comparable && value !== null && isMet(threshold, value),
  };
}

/** @returns {{ text: string, value: number | null, comparable: boolean, met: boolean }[]} */
function judge(cases) {
  return thresholds
    .filter((threshold) => cases[threshold.case])
    .map((threshold) => judgeOne(threshold, cases[threshold.case]))
    .filter((verdict) => verdict !== null);
}

function verdictLine({ text, value, comparable, met }) {
  const verdict = met ? 'met' : 'missed';
  const measured = value === null ? 'not measured' : `measured ${decimals(value, 3)}`;
  return `- ${comparable ? verdict : 'void'}: ${text}, ${measured}`;
}

function remarksOn(name, server, { samples, failures }) {
  const lines = failures.map((failure) => `- failed: ${name}, ${server}: ${failure}`);
  const disturbed = samples.filter(({ foreign }) => foreign > DISTURBED).length;
  if (disturbed) {
    lines.push(
      `- disturbed by other processes: ${name}, ${server}, ${disturbed} of ${samples.length}`,
    );
  }
  if (server !== 'net' && samples.some(({ backend }) => backend === 'net')) {
    lines.push(`- not io_uring: ${name}, ${server} was measured on the fallback`);
  }
  return lines;
}

function remarks({ cases, absent }) {
  const lines = Object.entries(absent).map(([peer, why]) => `- not measured: ${peer}: ${why}`);
  for (const [name, { servers }] of Object.entries(cases)) {
    for (const [server, result] of Object.entries(servers)) {
      lines.push(...remarksOn(name, server, result));
    }
  }
  return lines;
}

/** What was measured with what. @returns {string[]} lines */
function environmentLines(environment) {
  const { date, node, kernel, cpu, commit, rounds, seconds, others, command, versions } =
    environment;
  const pins =
    environment.serverCpu === null
      ? `server on any CPU, load generator on CPU ${environment.loadCpu}`
      : `server on CPU ${environment.serverCpu} with all its threads, load generator on CPU ${environment.loadCpu}`;
  return [
    `${date.slice(0, 10)}, commit ${commit}: Node ${node}, Linux ${kernel}, ${cpu}; ${pins};`,
    `${rounds} interleaved rounds of ${seconds} s (cases without thresholds: ${others.rounds} of ${others.seconds} s), medians.`,
    Object.values(versions).join('; '),
    '',
    '```sh',
    command,
    '```',
  ];
}

function notes(report) {
  const sections = new Set(Object.values(report.cases).map(({ section }) => section));
  const lines = [];
  if (sections.has('tcp') || sections.has('http')) {
    lines.push(
      '× base: against the first server of the case. JS, worker, process: CPU time per message; process is',
      'all threads together. enters: `io_uring_enter` calls per message.',
      `(!): the generator used ${SATURATED * 100} % of its CPU or more, so the rate may be its limit and not the`,
      "server's.",
      '',
    );
  }
  return lines;
}

/** @returns {string} Markdown */
function render(report) {
  const lines = [
    ...environmentLines(report.environment),
    '',
    ...trafficTable(report, 'tcp'),
    ...trafficTable(report, 'http'),
    ...notes(report),
    ...memoryTable(report),
    ...syscallTable(report),
    ...blockedTable(report),
  ];
  if (report.verdicts.length) {
    lines.push('Acceptance:', '', ...report.verdicts.map(verdictLine), '');
  }
  const said = remarks(report);
  if (said.length) lines.push('Remarks:', '', ...said, '');
  return lines.join('\n');
}

/** How many rounds there were, and how many of them others disturbed, or failed. */
function countRounds({ cases }) {
  const results = Object.values(cases).flatMap(({ servers }) => Object.values(servers));
  const samples = results.flatMap((one) => one.samples);
  const failed = results.flatMap((one) => one.failures).length;
  const disturbed = samples.filter(({ foreign }) => foreign > DISTURBED).length;
  return { rounds: samples.length + failed, disturbed, failed };
}

module.exports = {
  DISTURBED,
  countRounds,
  environmentLines,
  generatorCell,
  judge,
  ratio,
  render,
  summarize,
  verdictLine,
  versusBase,
};
