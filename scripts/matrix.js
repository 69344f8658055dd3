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
const { fail, must, root, run, say } = require('./lib/run');

const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

/** Installs a Node.js, unless it is there. @returns {string} its program */
function install(version) {
  const folder = path.join(root, 'build', 'nodes', version);
  const name = `node-linux-${process.arch}`;
  const program = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!fs.existsSync(program)) {
    say(`installing Node.js ${version}`);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    const quiet = ['--no-audit', '--no-fund', '--no-package-lock'];
    must('npm', ['install', ...quiet, '--prefix', folder, `${name}@${version}`]);
  }
  const found = must(program, ['--version']).trim();
  if (found !== `v${version}`) fail(`${program} is ${found}, not v${version}`);
  return program;
}

/** The suites on one Node.js. @returns {{passed: number, failed: number}} */
function runSuites(program, args) {
  const totals = path.join(root, 'build', `matrix-${process.pid}.txt`);
  const result = run(program, [path.join('scripts', 'test.js'), 'node', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, SEARINGS_TEST_TOTALS: totals },
  });
  const written = fs.existsSync(totals) ? fs.readFileSync(totals, 'utf8') : '0 0';
  for (const file of [totals, `${totals}.failures`]) fs.rmSync(file, { force: true });
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
    rows.push({ version, ...runSuites(install(version), rest) });
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
