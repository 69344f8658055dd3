'use strict';

/*
 * Runs the tests, bringing up what they need first, and ends with one line: `N passed, N failed`.
 *
 *   node scripts/test.js [all|node|c|js|net|parity|types|package|arm64|host|seccomp|asan|tsan|faults|fuzz] [arguments for mocha, or for ctest with c]
 *
 * With SEARINGS_TEST_TOTALS=<file> the counts are also appended there as a line `passed failed`, and what
 * failed to <file>.failures.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');
const { runCTests } = require('./lib/ctest');
const { runFaults } = require('./lib/faults');
const { runFuzz } = require('./lib/fuzz');
const { runMocha, title } = require('./lib/mocha');
const { root, start, fail } = require('./lib/run');
const sanitizer = require('./lib/sanitizer');

const PARITY = 'test/parity/*.test.js';
const HOST = 'test/host/*.test.js';
const SECCOMP = 'test/seccomp/*.test.js';
const PACKAGE = 'test/package/*.test.js';
const installed = (on) => `test/package/install/${on}.test.js`;
const EVERYTHING = ['test/*.test.js', PARITY];
/** All but the tests of the benchmark, which are about no transport. */
const TRANSPORTS = ['test/[1-8]*.test.js', 'test/9[0-3]*.test.js', PARITY];
/** Without what is about programs and commands, whose native part others of these cover. */
const UNDER_ASAN = ['test/[1-578]*.test.js', 'test/9[02]*.test.js', PARITY];
/** Suites to which it may make a difference who runs the ring. */
const OF_DRIVERS = ['test/[1-578]*.test.js', PARITY];
/** Those of them that spend their time in the core. */
const OF_THE_CORE = [
  'test/[2-57]*.test.js',
  'test/8[0-4]*.test.js',
  'test/parity/socket-*.test.js',
];
/** Suites of the transport. The one of the fallback sees the filter, and gives other advice. */
const UNDER_SECCOMP = ['test/1[0-24-9]*.test.js', 'test/[2-578]*.test.js', PARITY];
/** Suites that do not care what kind of stream socket it is. */
const ON_UNIX_SOCKETS = ['22-half-close', '30-backpressure', '41-lifetimes'].map(
  (name) => `test/${name}.test.js`,
);

async function cTests(flavour, args) {
  const counts = await runCTests(flavour, { env: sanitizer.ctestEnvironment(flavour), args });
  title(`C tests (${flavour})`);
  console.log(`   ${counts.passed} passed, ${counts.failed} failed`);
  return counts;
}

/** More than one at a time: what each prints has to stay together. */
let sideBySide = false;

/** One run of mocha, of everything unless it is told. */
function mocha(name, { files = EVERYTHING, ...options } = {}) {
  return runMocha(name, files, { later: sideBySide, ...options });
}

/** Shows that the parity tests are right: node:net itself passes them. */
function reference(args) {
  const env = { SEARINGS_PARITY: 'reference' };
  return mocha('mocha, parity tests on node:net itself', { files: [PARITY], env, args });
}

/** Properties, checked with random events and options. */
function fuzzInJavaScript() {
  return mocha('mocha, properties', { files: ['test/fuzz/*.test.js'] });
}

function packaging(args) {
  return mocha('mocha, the package', { files: [PACKAGE], args });
}

async function typeTest() {
  const tsc = path.join('node_modules', 'typescript', 'bin', 'tsc');
  const result = await start(process.execPath, [tsc, '--project', 'tsconfig.json']);
  title('types');
  process.stdout.write(result.output);
  console.log(result.ok ? '   index.d.ts is sound' : `   ${result.why}`);
  return { passed: result.ok ? 1 : 0, failed: result.ok ? 0 : 1 };
}

/** The profile that docs/ has for containers: what it allows and denies, and some suites under it. */
function underFilter(args) {
  return mocha('mocha, docs/seccomp.json', { files: [SECCOMP], args });
}

/** The transport's suites under that profile, all of them. */
function seccomp(args) {
  const { readProfile, underProfile } = require('../test/helpers/seccomp');
  const prefix = underProfile(readProfile());
  const env = { SEARINGS_BACKEND: 'io_uring' };
  return mocha('mocha, io_uring, under docs/seccomp.json', {
    files: UNDER_SECCOMP,
    env,
    args,
    prefix,
  });
}

function asanMocha(args, driver, files) {
  const env = { ...sanitizer.nodeEnvironment(), SEARINGS_DRIVER: driver };
  const scale = Number(sanitizer.TIME_SCALE);
  return mocha(`mocha, io_uring, ${driver} (asan)`, { files, env, args, scale });
}

function asanReports() {
  const failed = sanitizer.showReports();
  if (failed > 0) console.log(`${failed} sanitizer report(s), printed above`);
  return { passed: 0, failed };
}

const inline = { SEARINGS_DRIVER: 'inline' };
const onNet = { SEARINGS_BACKEND: 'net' };
const onUnix = { SEARINGS_TEST_SOCKETS: 'unix' };

/** Everything that depends on the version of Node.js. */
const javaScript = [
  (args) => mocha('mocha, io_uring', { args }),
  (args) => mocha('mocha, io_uring, inline driver', { files: OF_DRIVERS, args, env: inline }),
  (args) => mocha('mocha, node:net', { files: TRANSPORTS, args, env: onNet }),
  (args) => mocha('mocha, io_uring, Unix sockets', { files: ON_UNIX_SOCKETS, args, env: onUnix }),
  reference,
  fuzzInJavaScript,
  underFilter,
  typeTest,
];

/** What each word on the command line stands for: what must be there, the steps to run, and what comes behind. */
const SUITES = {
  all: {
    needs: { tests: true },
    steps: [() => cTests('release', []), ...javaScript, packaging],
  },
  node: { needs: { tests: true }, steps: javaScript },
  parity: {
    needs: {},
    steps: [
      (args) => mocha('parity, io_uring', { files: [PARITY], args }),
      (args) => mocha('parity, node:net', { files: [PARITY], args, env: onNet }),
      reference,
    ],
  },
  c: { needs: { tests: true }, steps: [(args) => cTests('release', args)] },
  js: { needs: {}, steps: [(args) => mocha('mocha, io_uring', { args })] },
  net: { needs: {}, steps: [(args) => mocha('mocha, node:net', { args, env: onNet })] },
  types: { needs: {}, steps: [typeTest] },
  package: {
    needs: {},
    inTurn: true, // each makes packages, in one place
    steps: [
      packaging,
      (args) => mocha('mocha, installed', { files: [installed('host')], args }),
      (args) => mocha('mocha, on musl', { files: [installed('musl')], args }),
    ],
  },
  arm64: {
    needs: { emulation: true },
    steps: [(args) => mocha('mocha, arm64', { files: [installed('arm64')], args })],
  },
  // As root, with the machine to itself: it changes sysctls, and restores them.
  host: {
    needs: { host: true },
    steps: [(args) => mocha('mocha, the host', { files: [HOST], args })],
  },
  seccomp: { needs: {}, steps: [underFilter, seccomp] },
  asan: {
    needs: { flavour: 'asan', tests: true },
    steps: [
      (args) => asanMocha(args, 'worker', UNDER_ASAN),
      (args) => asanMocha(args, 'inline', OF_THE_CORE),
      () => cTests('asan', []),
    ],
    finish: asanReports,
  },
  fuzz: { needs: { flavour: 'fuzz' }, steps: [runFuzz, fuzzInJavaScript] },
  faults: { needs: { tests: true }, steps: [runFaults] },
  tsan: {
    needs: { flavour: 'tsan', tests: true },
    steps: [(args) => cTests('tsan', args)],
  },
};

/** As many steps at a time as there are processors, two at most: each waits about half of its time. */
async function runSteps({ steps, inTurn }, args) {
  const counts = [];
  const rest = [...steps];
  const lanes = inTurn ? 1 : Math.min(os.availableParallelism(), steps.length, 2);
  sideBySide = lanes > 1;
  const lane = async () => {
    for (let step = rest.shift(); step; step = rest.shift()) counts.push(await step(args));
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return counts;
}

async function main([name = 'all', ...args]) {
  const suite = SUITES[name];
  if (!suite) {
    fail(`unknown suite '${name}': one of ${Object.keys(SUITES).join(', ')}`);
  }
  bootstrap(suite.needs);
  const counts = await runSteps(suite, args);
  if (suite.finish) counts.push(suite.finish());
  const passed = counts.reduce((sum, one) => sum + one.passed, 0);
  const failed = counts.reduce((sum, one) => sum + one.failed, 0);
  const names = counts.flatMap((one) => one.names ?? []).map((what) => `failed: ${what}\n`);
  if (process.env.SEARINGS_TEST_TOTALS) {
    fs.appendFileSync(process.env.SEARINGS_TEST_TOTALS, `${passed} ${failed}\n`);
    fs.appendFileSync(`${process.env.SEARINGS_TEST_TOTALS}.failures`, names.join(''));
  }
  console.log(`\n${names.join('')}`);
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

process.chdir(root);
main(process.argv.slice(2));
