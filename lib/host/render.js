'use strict';

/*
 * Reports as text for people. Everything here is about looks; the facts come from the other files.
 */

const { fixOf } = require('./diagnosis');

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 };
const STATUS_COLOURS = { ok: 'green', note: 'dim', warning: 'yellow', blocker: 'red' };
const VERDICT_COLOURS = { ready: 'green', fallback: 'yellow', broken: 'red' };

/** @returns {(style: string, text: string) => string} */
function painter(colour) {
  return (style, text) => (colour ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text);
}

function count(number, word) {
  return `${number} ${word}${number === 1 ? '' : 's'}`;
}

function widest(words) {
  return Math.max(...words.map((word) => word.length));
}

// --- doctor

function headline({ verdict, summary, checks }, paint) {
  const warnings = checks.filter(({ status }) => status === 'warning').length;
  const extra = warnings > 0 ? `, with ${count(warnings, 'warning')}` : '';
  return `${paint('bold', paint(VERDICT_COLOURS[verdict], verdict))}: ${summary}${extra}`;
}

function checkLines({ id, status, text, fix }, width, paint) {
  const mark = paint(STATUS_COLOURS[status], status.padEnd(8));
  const lines = [`  ${mark} ${id.padEnd(width)}  ${text}`];
  if (fix !== null)
    lines.push(`  ${' '.repeat(8)} ${' '.repeat(width)}  ${paint('bold', `fix: ${fix}`)}`);
  return lines;
}

/** @param {object} report of doctor() */
function renderDoctor(report, colour) {
  const paint = painter(colour);
  const width = widest(report.checks.map(({ id }) => id));
  return [
    `searings ${report.searings}`,
    headline(report, paint),
    '',
    ...report.checks.flatMap((check) => checkLines(check, width, paint)),
    '',
  ].join('\n');
}

// --- capabilities

function featureLine([name, { available, since, probe, reason }], width, paint) {
  const mark = available ? paint('green', 'yes') : paint('red', 'no ');
  const why = available ? paint('dim', probe) : reason;
  return `  ${mark} ${name.padEnd(width)}  ${since.padEnd(5)} ${why}`;
}

function limitText(limit) {
  return limit === null ? 'unknown' : `${limit.soft} (hard: ${limit.hard})`;
}

function known(value) {
  return value ?? 'unknown';
}

function transportLines({ problem, addon }, paint) {
  if (problem === null) return [paint('green', 'servers run on io_uring')];
  return [
    `${paint('yellow', 'servers run on node:net')}: ${problem.reason}`,
    ...addon.attempts.map(({ path, error }) => `  ${path}: ${error}`),
    `  ${paint('bold', `fix: ${fixOf(problem)}`)}`,
  ];
}

/** @param {object} report of capabilities() */
function renderCapabilities(report, colour) {
  const paint = painter(colour);
  const { kernel, limits, sandbox, addon } = report;
  const entries = Object.entries(report.features);
  const width = widest(entries.map(([name]) => name));
  return [
    `Linux ${kernel.release} ${kernel.arch}, addon: ${addon.path ?? 'does not load'}`,
    ...transportLines(report, paint),
    '',
    ...entries.map((entry) => featureLine(entry, width, paint)),
    '',
    `  locked memory           ${limitText(limits.memlock)} bytes`,
    `  open files              ${limitText(limits.nofile)}`,
    `  net.core.somaxconn      ${known(limits.somaxconn)}`,
    `  io_uring_disabled       ${limits.ioUringDisabled ?? 'not there'}, group ${limits.ioUringGroup ?? 'none'}`,
    `  seccomp                 ${known(sandbox.seccomp)}`,
    `  container               ${sandbox.container ?? 'none seen'}`,
    '',
  ].join('\n');
}

// --- zcrx-probe

function problemLines({ text, fix }, status, indent, paint) {
  return [
    `${indent}${paint(STATUS_COLOURS[status], status.padEnd(8))} ${text}`,
    `${indent}${' '.repeat(8)} ${paint('bold', `fix: ${fix}`)}`,
  ];
}

function facts(one) {
  const queues = one.rxQueues === null ? 'queues unknown' : count(one.rxQueues, 'receive queue');
  const split = `data split ${one.dataSplit ?? 'unknown'}`;
  const threshold = one.splitThreshold === null ? '' : ` from ${one.splitThreshold} bytes`;
  const rules = one.ntuple === null ? 'unknown' : one.ntuple.on ? 'on' : 'off';
  const contexts = one.rssContexts === null ? '' : `, ${count(one.rssContexts, 'RSS context')}`;
  return `${one.operstate}, ${queues}, ${split}${threshold}, flow rules ${rules}${contexts}, XDP ${one.xdp.mode}`;
}

function interfaceLines(one, paint) {
  const verdict = one.ready ? paint('green', 'ready') : paint('red', 'not ready');
  const driver = one.driver ?? one.kind ?? 'no driver';
  const lines = [
    `${paint('bold', one.name)} (${driver}), queue ${one.rxQueue.index}: ${verdict}`,
    `  ${paint('dim', facts(one))}`,
  ];
  if (one.active?.ok) lines.push(`  ${paint('green', 'the queue was registered, and released')}`);
  if (one.activeHeldBack !== null) {
    lines.push(`  ${paint('yellow', `the queue was not registered: ${one.activeHeldBack}`)}`);
  }
  for (const problem of one.blockers) lines.push(...problemLines(problem, 'blocker', '  ', paint));
  for (const problem of one.warnings) lines.push(...problemLines(problem, 'warning', '  ', paint));
  return lines;
}

/** @param {object} report of zcrxProbe() */
function renderZcrx(report, colour) {
  const paint = painter(colour);
  const ignored = report.advisories.filter((advisory) => advisory.ignored);
  return [
    `zero-copy receive on Linux ${report.kernel}: ${
      report.ready ? paint('green', 'it can work') : paint('red', 'it cannot work')
    }`,
    ...report.blockers.flatMap((one) => problemLines(one, 'blocker', '', paint)),
    ...ignored.map(({ id, title }) => `${paint('dim', 'ignored ')} ${id}: ${title}`),
    ...report.interfaces.flatMap((one) => ['', ...interfaceLines(one, paint)]),
    '',
  ].join('\n');
}

module.exports = { renderCapabilities, renderDoctor, renderZcrx };
