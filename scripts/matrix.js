'use strict';

/*
 * The JavaScript suites on every Node.js that is supported, one after the other. The binaries come from
 * npm and stay in build/nodes/.
 *
 *   node scripts/matrix.js [20] [22] [24] [26] [arguments for mocha]
 */

const fs = require('node:fs');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');
const { VERSIONS, installNode } = require('./lib/nodes');
const { fail, must, root, run } = require('./lib/run');

/** The suites on one Node.js. @returns {{passed: number, failed: number}} */
function runSuites(program, args) {
  const totals = path.join(root, 'build', `matrix-${process.pid}.txt`);
  const result = run(program, [path.join('scripts', 'test.js'), 'node', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SEARINGS_TEST_TOTALS: totals },
  });
  const written = fs.existsSync(totals) ? fs.readFileSync(totals, 'utf8') : '0 0';
  fs.rmSync(totals, { force: true });
  const [passed, failed] = written.trim().split(' ').map(Number);
  // A run that ended badly has failed, whatever it counted.
  return { passed, failed: result.ok ? failed : Math.max(failed, 1) };
}

function main(args) {
  const first = args.findIndex((arg) => !/^\d+$/.test(arg));
  const majors = first < 0 ? args : args.slice(0, first);
  const rest = first < 0 ? [] : args.slice(first);
  const unknown = majors.find((major) => !(major in VERSIONS));
  if (unknown) fail(`Node.js ${unknown} is none of ${Object.keys(VERSIONS).join(', ')}`);
  bootstrap();
  const rows = [];
  for (const major of majors.length > 0 ? majors : Object.keys(VERSIONS)) {
    const version = VERSIONS[major];
    console.log(`\n==== Node.js ${version}`);
    const program = installNode(version);
    const found = must(program, ['--version']).trim();
    if (found !== `v${version}`) fail(`${program} is ${found}, not v${version}`);
    rows.push({ version, ...runSuites(program, rest) });
  }
  console.log();
  for (const { version, passed, failed } of rows) {
    console.log(`Node.js ${version.padEnd(9)} ${passed} passed, ${failed} failed`);
  }
  const sum = (what) => rows.reduce((total, row) => total + row[what], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

process.chdir(root);
main(process.argv.slice(2));
