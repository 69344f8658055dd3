'use strict';

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { seconds } = require('./scale');

const ROOT = path.join(__dirname, '..', '..');
const COMMAND = path.join(ROOT, 'bin', 'searings.js');
/** Locked memory is counted per user: each run of the tests has one to itself. */
const SOMEBODY = 60000 + (process.pid % 5000);

let folder;

function binFolder() {
  if (folder === undefined) {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-launch-'));
    fs.chmodSync(folder, 0o755); // for those who are not root
    process.once('exit', () => fs.rmSync(folder, { recursive: true }));
  }
  return folder;
}

/** Builds test/c/launchers/<name>.c, once. @returns {string} the program */
function launcher(name) {
  const program = path.join(binFolder(), name);
  if (!fs.existsSync(program)) {
    const source = path.join(ROOT, 'test', 'c', 'launchers', `${name}.c`);
    const { LD_PRELOAD, ...env } = process.env; // no sanitizer in the compiler
    execFileSync('gcc', ['-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror', '-o', program, source], {
      env,
    });
  }
  return program;
}

/** Words in front of a command that let it run as somebody who may read every file, and no more. */
function unprivileged(id = SOMEBODY) {
  if (process.getuid() !== 0) return [];
  const read = '+dac_read_search';
  const ids = [`--reuid=${id}`, `--regid=${id}`, '--clear-groups'];
  return ['setpriv', ...ids, `--inh-caps=${read}`, `--ambient-caps=${read}`];
}

/** Words in front of a command that set limits: `{ l: 64 }` is `ulimit -l 64`. */
function withLimits(limits) {
  const settings = Object.entries(limits).map(([letter, value]) => `ulimit -${letter} ${value}`);
  return ['sh', '-c', `${settings.join('; ')}; exec "$@"`, 'sh'];
}

/**
 * Runs node to its end, with `prefix` in front. The transport is the one that a user would get.
 *
 * @returns {Promise<{code: number | null, stdout: string, stderr: string}>}
 */
async function runNode(args, { prefix = [], env = {}, limitMs = seconds(20) } = {}) {
  const [program, ...rest] = [...prefix, process.execPath, ...args];
  const child = spawn(program, rest, {
    env: { ...process.env, SEARINGS_BACKEND: '', SEARINGS_ZCRX_IGNORE_ADVISORIES: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const exited = new Promise((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const code = await exited;
  clearTimeout(killer);
  return { code, stdout, stderr };
}

/** Runs the `searings` command. */
function searings(args, place) {
  return runNode([COMMAND, ...args], place);
}

/** Runs the `searings` command with --json. @returns {Promise<{code: number, report: object}>} */
async function searingsJson(args, place) {
  const { code, stdout, stderr } = await searings([...args, '--json'], place);
  try {
    return { code, report: JSON.parse(stdout) };
  } catch (error) {
    throw new Error(`exit code ${code}, no JSON: ${error.message}\n${stdout}${stderr}`);
  }
}

module.exports = {
  COMMAND,
  ROOT,
  launcher,
  runNode,
  searings,
  searingsJson,
  unprivileged,
  withLimits,
};
