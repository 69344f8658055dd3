'use strict';

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { start } = require('./run');

const MOCHA_LIMIT_MS = 15 * 60 * 1000;
const MOCHA_TEST_LIMIT_MS = 30000;

function title(text) {
  console.log(`\n== ${text}`);
}

/**
 * One run of mocha; prints what it prints, at once or in the end.
 *
 * @param {{env?: object, args?: string[], scale?: number, prefix?: string[], limitMs?: number, later?: boolean}} [options]
 *   `scale`: how many times longer each test may take; `prefix`: a command that runs it; `limitMs`: of all of it;
 *   `later`: prints in the end
 * @returns {Promise<{passed: number, failed: number, names: string[]}>} `names`: what failed
 */
async function runMocha(name, files, options = {}) {
  const { env = {}, args = [], scale = 1, prefix = [], limitMs = MOCHA_LIMIT_MS } = options;
  if (!options.later) title(name);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-test-'));
  const file = path.join(folder, 'counts.json');
  const [program, ...command] = [
    ...prefix,
    process.execPath,
    path.join('node_modules', 'mocha', 'bin', 'mocha.js'),
    '--reporter',
    path.join('scripts', 'lib', 'mocha-reporter.js'),
    '--timeout',
    String(MOCHA_TEST_LIMIT_MS * scale),
    ...args,
    ...files,
  ];
  const to = options.later ? 'pipe' : 'inherit';
  const result = await start(program, command, {
    stdio: ['ignore', to, to],
    timeout: limitMs,
    env: { ...process.env, ...env, SEARINGS_MOCHA_COUNTS: file },
  });
  if (options.later) title(`${name}\n${result.output}`);
  const written = fs.existsSync(file);
  const counts = written ? JSON.parse(fs.readFileSync(file, 'utf8')) : { passed: 0, failed: 0 };
  fs.rmSync(folder, { recursive: true });
  if (!result.ok && (counts.failed === 0 || !written)) {
    // It crashed, was killed, or could not load a file: no test failed, but the run did.
    console.log(result.why);
    counts.failed += 1;
    counts.names = [...(counts.names ?? []), result.why];
  }
  counts.names = (counts.names ?? []).map((what) => `${name}: ${what}`);
  return counts;
}

module.exports = { runMocha, title };
