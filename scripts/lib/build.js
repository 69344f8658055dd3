'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { root, must, say } = require('./run');

const FLAVOURS = ['release', 'debug', 'asan', 'tsan', 'fuzz'];

function buildFolder(flavour) {
  return path.join(root, 'build', flavour);
}

function modified(file) {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** `npm ci`, unless node_modules is what the lock file says. */
function ensureModules() {
  const lock = path.join(root, 'package-lock.json');
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  if (modified(installed) >= modified(lock)) {
    return;
  }
  say('installing npm packages');
  const npm = process.env.npm_execpath;
  const args = ['ci', '--no-audit', '--no-fund'];
  if (npm && /\.c?js$/.test(npm)) {
    must(process.execPath, [npm, ...args]);
  } else {
    must('npm', args);
  }
}

/** Makes build/<flavour> ready for ninja. Tests stay configured once they were asked for. */
function configure(flavour, tests) {
  const folder = buildFolder(flavour);
  const cache = path.join(folder, 'CMakeCache.txt');
  const ready = fs.existsSync(path.join(folder, 'build.ninja'));
  const text = ready ? fs.readFileSync(cache, 'utf8') : '';
  // A tree that was moved or copied along with its build folder cannot be built on.
  const ours = text.includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`);
  const hasTests = text.includes('SEARINGS_WITH_TESTS:BOOL=ON');
  if (ready && ours && (hasTests || !tests)) {
    // For what was added or renamed since. Building would do so too, but not everyone builds.
    must('ninja', ['-C', folder, 'build.ninja']);
    return;
  }
  if (ready && !ours) {
    fs.rmSync(folder, { recursive: true });
  }
  must('cmake', ['--preset', flavour, `-DSEARINGS_WITH_TESTS=${tests ? 'ON' : 'OFF'}`]);
}

/**
 * Configures what needs it and builds what changed; says nothing when nothing did.
 *
 * @param {string} flavour one of FLAVOURS
 * @param {{tests?: boolean, compile?: boolean}} wanted `compile: false` stops after configuring
 */
function build(flavour, { tests = false, compile = true } = {}) {
  configure(flavour, tests);
  if (!compile) {
    return;
  }
  const folder = buildFolder(flavour);
  const targets = tests || flavour === 'fuzz' ? ['all'] : ['searings'];
  const output = must('ninja', ['-C', folder, ...targets]);
  if (!output.includes('no work to do')) {
    say(`built ${flavour}`);
  }
}

/** Builds one program and nothing else. @returns {string} its path */
function buildTarget(flavour, target) {
  configure(flavour, false);
  // Whoever runs a test under a sanitizer does not want the compiler under it.
  must('ninja', ['-C', buildFolder(flavour), target], {
    env: { ...process.env, LD_PRELOAD: '' },
  });
  return path.join(buildFolder(flavour), target);
}

module.exports = { FLAVOURS, buildFolder, ensureModules, build, buildTarget };
