'use strict';

const { codedError, firstLine } = require('../errors');
const { loadBinding, probeHost } = require('../binding');
const { diagnose } = require('../host/diagnosis');
const { system } = require('../host/system');
const NetBackend = require('./net');

let probed;
let warned = false;

/**
 * What io_uring can do here: null when it can be used, otherwise why not. Asked once, because neither the
 * kernel nor the addon changes under a running process.
 */
function probe() {
  const { error } = loadBinding();
  if (error) {
    const broken = error.attempts.find((attempt) => attempt.error.code !== 'MODULE_NOT_FOUND');
    const reason = broken
      ? `its native addon does not load (${firstLine(broken.error)})`
      : 'its native addon is not installed';
    return { error, reason, fix: error.fix };
  }
  const { usable, reason, code } = probeHost();
  if (usable) return null;
  const message = `io_uring is not usable here: ${reason}`;
  const unavailable = codedError(Error, 'SEARINGS_IO_URING_UNAVAILABLE', message);
  unavailable.reason = code;
  const { advice, command } = diagnose(code, system());
  return { error: unavailable, reason: message, fix: `${advice}: ${command}` };
}

function warnOnce(reason, fix) {
  if (warned) return;
  warned = true;
  process.emitWarning(
    `searings runs on node:net, not on io_uring: ${reason}. To get io_uring, ${fix}. ` +
      '`npx searings doctor` tells more. To silence this warning, set SEARINGS_BACKEND=net.',
    { type: 'SearingsFallbackWarning', code: 'SEARINGS_FALLBACK' },
  );
}

/** For a program that tells of the fallback itself. */
function silenceWarning() {
  warned = true;
}

function onNet(fallbackReason) {
  return { name: 'net', driver: null, Backend: NetBackend, fallbackReason, error: null };
}

function onUring({ driver }, error) {
  const Backend = error === null ? require('./uring') : null;
  return { name: 'io_uring', driver, Backend, fallbackReason: null, error };
}

/**
 * Decides which transport a server gets. `SEARINGS_BACKEND=net` forces node:net and
 * `SEARINGS_BACKEND=io_uring` forbids it; otherwise io_uring is used where it is usable, and node:net,
 * with one warning per process, where it is not and the `fallback` option allows it.
 *
 * @param {{fallback: boolean, driver: string}} options
 * @returns {{name: string, driver: string | null, Backend: Function | null, fallbackReason: string | null, error: Error | null}}
 *   `error` is set when no transport is left
 */
function selectBackend(options) {
  const wanted = process.env.SEARINGS_BACKEND || 'auto';
  if (wanted === 'net') {
    return onNet('SEARINGS_BACKEND=net');
  }
  if (wanted !== 'auto' && wanted !== 'io_uring') {
    const message = `SEARINGS_BACKEND must be auto, io_uring or net. Received '${wanted}'`;
    return onUring(options, codedError(TypeError, 'ERR_INVALID_ARG_VALUE', message));
  }
  probed ??= { problem: probe() };
  const { problem } = probed;
  if (problem === null) return onUring(options, null);
  if (wanted === 'io_uring' || !options.fallback) return onUring(options, problem.error);
  warnOnce(problem.reason, problem.fix);
  return onNet(problem.reason);
}

module.exports = { selectBackend, silenceWarning };
