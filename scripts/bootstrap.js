'use strict';

/*
 * Brings a fresh clone to the point where it runs: system packages, npm packages, the build. Every
 * npm script starts here, also before node_modules exists, so only Node's own modules are used.
 * When all is there it prints nothing and takes a fraction of a second.
 *
 *   node scripts/bootstrap.js [release|debug|asan|tsan|fuzz] [--tests]
 */

const { FLAVOURS, ensureModules, build } = require('./lib/build');
const { ensurePackages } = require('./lib/packages');
const { fail } = require('./lib/run');

const OLDEST_NODE = 20;

/**
 * @param {object} [wanted]
 * @param {string} [wanted.flavour] which build
 * @param {boolean} [wanted.tests] the C tests too
 * @param {boolean} [wanted.lint] the linters too
 * @param {boolean} [wanted.emulation] an emulator for arm64 too
 * @param {boolean} [wanted.host] what the tests of the host call too
 * @param {boolean} [wanted.compile] false: configure only
 */
function bootstrap(wanted = {}) {
  const {
    flavour = 'release',
    tests = false,
    lint = false,
    emulation = false,
    host = false,
    compile = true,
  } = wanted;
  if (process.platform !== 'linux') {
    fail(`searings is an io_uring transport: it builds on Linux only, not on ${process.platform}`);
  }
  if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
    fail(`searings needs Node.js ${OLDEST_NODE} or newer; this is ${process.version}`);
  }
  const kinds = { ctest: tests, lint, emulation, host, fuzz: flavour === 'fuzz' };
  ensurePackages(['build', ...Object.keys(kinds).filter((kind) => kinds[kind])]);
  ensureModules();
  build(flavour, { tests, compile });
  if (flavour === 'fuzz') build('release'); // the addon, for the properties in JavaScript
}

if (require.main === module) {
  const args = process.argv.slice(2);
  const flavour = args.find((arg) => !arg.startsWith('--')) ?? 'release';
  if (!FLAVOURS.includes(flavour)) {
    fail(`unknown flavour '${flavour}': one of ${FLAVOURS.join(', ')}`);
  }
  bootstrap({ flavour, tests: args.includes('--tests') || flavour === 'tsan' });
}

module.exports = { bootstrap };
