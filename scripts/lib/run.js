'use strict';

const { spawn, spawnSync } = require('node:child_process');
const path = require('node:path');

/** The longest that a timer can be set to. */
const NO_LIMIT_MS = 2 ** 31 - 1;

const root = path.resolve(__dirname, '..', '..');

/** One line about what is going on; on stderr, so that results alone are on stdout. */
function say(text) {
  process.stderr.write(`searings: ${text}\n`);
}

/** Ends the process with a message a user can act on. */
function fail(text) {
  say(text);
  process.exit(1);
}

/**
 * Runs a command in the root of the project and waits for it.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnSyncOptions} [options]
 * @returns {{ok: boolean, output: string, why: string}} `output` is empty when stdio is inherited;
 *   `why` says how the command ended when it did not end well
 */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    killSignal: 'SIGKILL',
    ...options,
  });
  const ok = result.status === 0 && !result.error;
  const output = `${result.stdout || ''}${result.stderr || ''}`;
  return { ok, output, why: ok ? '' : describeEnd(command, result) };
}

function describeEnd(command, result) {
  const name = path.basename(command);
  if (result.error?.code === 'ETIMEDOUT') {
    return `${name} did not end in time and was killed`;
  }
  if (result.error) {
    return `${name} could not be run: ${result.error.message}`;
  }
  return result.signal
    ? `${name} was killed by ${result.signal}`
    : `${name} exited with ${result.status}`;
}

/**
 * The same without waiting for it: resolves when the command has ended. Of the options, `timeout` and what
 * spawn() has.
 *
 * @returns {Promise<{ok: boolean, output: string, why: string}>}
 */
function start(command, args, { timeout, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...options,
    });
    const output = [];
    let error;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (data) => output.push(data));
    }
    const timer = setTimeout(() => {
      error = { code: 'ETIMEDOUT' };
      child.kill('SIGKILL');
      // What it started may have them too, and outlive it.
      for (const stream of [child.stdout, child.stderr]) stream?.destroy();
    }, timeout ?? NO_LIMIT_MS);
    child.on('error', (err) => {
      error = err;
      child.emit('close', null, null);
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      const ok = status === 0 && !error;
      const why = ok ? '' : describeEnd(command, { error, status, signal });
      resolve({ ok, output: String(Buffer.concat(output)), why });
    });
  });
}

/** Runs a command quietly; when it fails, shows all it printed and ends the process. */
function must(command, args, options) {
  const result = run(command, args, options);
  if (!result.ok) {
    process.stderr.write(result.output);
    fail(`${result.why}: ${command} ${args.join(' ')}`);
  }
  return result.output;
}

module.exports = { root, run, start, must, say, fail };
