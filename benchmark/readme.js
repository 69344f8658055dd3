'use strict';

/** What the project's README shows of a report. */

const { decimals, plain, range, table } = require('./format');
const { countRounds, environmentLines, verdictLine, versusBase } = require('./report');

const KIB = 1024;

function inSection(report, ...sections) {
  return Object.values(report.cases).filter(({ section }) => sections.includes(section));
}

function factor(one, server, metric) {
  const value = versusBase(one, server, metric);
  return value === null ? '–' : decimals(value, 2);
}

/** Case by case: Node's own, and the same program on either driver. */
function driverTable(report) {
  const lines = inSection(report, 'tcp', 'http')
    .filter((one) => one.servers.searings)
    .map((one) => [
      one.title,
      plain(one.servers[one.base]?.summary.rate, 0),
      factor(one, 'searings', 'rate'),
      factor(one, 'inline', 'rate'),
      factor(one, 'searings', 'p99'),
      factor(one, 'inline', 'p99'),
    ]);
  const headings = ["per second: Node's own", 'worker ×', 'inline ×', 'p99: worker ×', 'inline ×'];
  return table(['case', ...headings], lines);
}

function httpTable(report) {
  const one = report.cases['http-64'];
  if (!one) return [];
  const lines = Object.entries(one.servers).map(([server, { summary }]) => [
    server,
    range(summary.rate, 0),
    server === one.base ? '' : factor(one, server, 'rate'),
    plain(summary.p99, 0),
    plain(summary.mainUs, 1),
  ]);
  const headings = ['requests/s: median (min–max)', '× node:http', 'p99 µs', 'JS µs per request'];
  return ['HTTP hello on 64 connections, by `wrk`:', '', ...table(['server', ...headings], lines)];
}

/** What is less of when it is better. */
function costTable(report) {
  const cell = (metric, digits, scale) => (metric ? plain(metric, digits, scale) : '–');
  const line = (one, title, metric, digits, scale) => [
    `${title}: ${one.title}`,
    ...[one.base, 'searings', 'inline'].map((server) =>
      cell(one.servers[server]?.summary[metric], digits, scale),
    ),
  ];
  const lines = [
    ...inSection(report, 'syscalls').map((one) =>
      line(one, 'system calls per message', 'syscalls', 2),
    ),
    ...inSection(report, 'memory').map((one) =>
      one.servers[one.base]?.summary.rssPerConnection
        ? line(one, 'KiB per connection', 'rssPerConnection', 2, KIB)
        : line(one, 'memory of the server, MiB', 'rss', 0, KIB * KIB),
    ),
  ];
  return table(['less is better', "Node's own", 'worker', 'inline'], lines);
}

function blockedLines(report) {
  const one = report.cases.blocked;
  const p99 = (server) => plain(one.servers[server]?.summary.p99, 1, 1000);
  if (!one?.servers.fixed) return [];
  return [
    `While JavaScript is blocked for 2 of 5 s, a fixed route of \`UringHttpServer\` has a p99 of ${p99('fixed')} ms`,
    `(\`node:http\`: ${p99('node:http')} ms) at 1,000 requests a second.`,
    '',
  ];
}

function roundLines(report) {
  const { rounds, disturbed, failed } = countRounds(report);
  const absent = Object.entries(report.absent).map(
    ([what, why]) => `Not measured: ${what}, ${why}.`,
  );
  return [
    `Of ${rounds} rounds ${disturbed} were disturbed by other processes, ${failed} failed.`,
    ...absent,
  ];
}

function verdictLines({ verdicts }, name) {
  const open = verdicts.filter(({ met }) => !met);
  const met = verdicts.length - open.length;
  const page = `benchmark/results/${name}.md`;
  const sentence = `Of ${verdicts.length} thresholds ${met} are met. All figures: [${page}](${page}).`;
  if (open.length === 0) return [sentence, ''];
  return [`${sentence} Not met:`, '', ...open.map(verdictLine), ''];
}

/** @returns {string} Markdown */
function readmeSection(name, report) {
  return [
    `![searings against Node's own servers](benchmark/results/${name}.svg)`,
    '',
    ...environmentLines(report.environment),
    '',
    ...driverTable(report),
    "× are against Node's own server of the same row: above 1 is more per second, below 1 a shorter p99.",
    '',
    ...httpTable(report),
    ...costTable(report),
    ...blockedLines(report),
    ...roundLines(report),
    ...verdictLines(report, name),
  ].join('\n');
}

module.exports = { readmeSection };
