'use strict';

const { spawnSync } = require('node:child_process');
const path = require('node:path');

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

/** Runs a command quietly; when it fails, shows all it printed and ends the process. */
function must(command, args, options) {
  const result = run(command, args, options);
  if (!result.ok) {
    process.stderr.write(result.output);
    fail(`${result.why}: ${command} ${args.join(' ')}`);
  }
  return result.output;
}

module.exports = { root, run, must, say, fail };
