'use strict';

/*
 * Runs when searings is installed. Where no prebuilt addon loads, it builds one from the sources, if it can.
 * It never fails: without an addon searings runs on node:net, and its error tells what is written here.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');

const BUILD_LIMIT_MS = 10 * 60 * 1000;
const OPTIONS = ['-DCMAKE_BUILD_TYPE=Release', '-DSEARINGS_WITH_TESTS=OFF'];

const root = path.join(__dirname, '..');
const folder = path.join(root, 'build', 'release');

function run(command, args) {
  const env = { ...process.env, SEARINGS_ADDON: '' };
  const result = spawnSync(command, args, {
    cwd: root,
    env,
    encoding: 'utf8',
    timeout: BUILD_LIMIT_MS,
    killSignal: 'SIGKILL',
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  return { ok: result.status === 0, output, missing: result.error?.code === 'ENOENT' };
}

/** In a process of its own: nothing is loaded twice in one. @returns {{ok: boolean, output: string}} */
function tryToLoad() {
  const program = `const { error } = require('./lib/binding').loadBinding();
    const ours = error?.attempts.find(({ path }) => path.startsWith(${JSON.stringify(folder)}));
    if (error) console.log(ours?.error.message ?? error.message);
    process.exitCode = error ? 1 : 0`;
  return run(process.execPath, ['-e', program]);
}

/** What a compiler and CMake say before they say that it was for nothing. */
function firstError(output) {
  const lines = output.split('\n').map((line) => line.trim());
  const start = lines.findIndex((line) => /\berror\b|CMake Error/i.test(line));
  return start < 0
    ? 'no reason given'
    : lines
        .slice(start, start + 2)
        .join(' ')
        .trim();
}

/** @returns {string | null} why it could not be built */
function build() {
  fs.rmSync(folder, { recursive: true, force: true });
  const generator = run('ninja', ['--version']).ok ? ['-G', 'Ninja'] : [];
  // Without a number make starts everything at once, which small machines have no memory for.
  const jobs = String(Math.min(os.availableParallelism(), 4));
  const steps = [
    [...generator, ...['-S', root, '-B', folder], ...OPTIONS],
    ['--build', folder, '--target', 'searings', '--parallel', jobs],
  ];
  for (const args of steps) {
    const { ok, output, missing } = run('cmake', args);
    if (missing) return 'cmake is not installed';
    if (!ok) return firstError(output);
  }
  const { ok, output } = tryToLoad();
  return ok ? null : `what was built does not load: ${output.split('\n', 1)[0]}`;
}

function main() {
  if (tryToLoad().ok) return;
  const reason = build();
  if (reason === null) return console.log('searings: the addon was built from its sources');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'failure.txt'), `${reason}\n`);
  console.log(
    `searings: no prebuilt addon loads here, and it could not be built (${reason}). ` +
      'Servers will run on node:net; `npx searings doctor` tells what to do.',
  );
}

try {
  main();
} catch (error) {
  console.log(`searings: no addon was built (${error.message}). Servers will run on node:net.`);
}
