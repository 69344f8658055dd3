'use strict';

/*
 * Makes what is published, in build/package/: the tarball of searings and one of each platform's addon,
 * built from the sources in the former, and checked. docs/packaging.md tells how and why.
 *
 *   node scripts/package.js [linux-x64-gnu] [linux-arm64-musl] ...     all platforms if none is named
 */

const path = require('node:path');
const { ensureModules } = require('./lib/build');
const { problemsOf } = require('./lib/elf');
const { ensurePackages } = require('./lib/packages');
const { PLATFORMS } = require('./lib/platforms');
const { fail, must, root, say } = require('./lib/run');
const { out, stageRoot, stagePlatform } = require('./lib/stage');
const { ensureSysroot } = require('./lib/sysroot');

/** Compiles the addon for one platform. @returns {string} its file */
function compile(platform, source, sysroot) {
  const folder = path.join(out, 'work', platform.name);
  must('cmake', [
    ...['-S', source, '-B', folder, '-G', 'Ninja'],
    `-DCMAKE_TOOLCHAIN_FILE=${path.join(root, 'cmake', 'package.cmake')}`,
    `-DSEARINGS_MACHINE=${platform.machine}`,
    `-DSEARINGS_LIBC=${platform.abi}`,
    `-DSEARINGS_SYSROOT=${sysroot}`,
    '-DSEARINGS_WITH_TESTS=OFF',
    '-DCMAKE_COMPILE_WARNING_AS_ERROR=ON',
  ]);
  must('ninja', ['-C', folder, 'searings']);
  return path.join(folder, 'searings.node');
}

/** @returns {string} the tarball */
function pack(folder) {
  const [{ filename }] = JSON.parse(
    must('npm', ['pack', '--json', '--silent', '--pack-destination', out], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  return path.join(out, filename);
}

/** @returns {string} the tarball of one platform's package */
function makePlatform(platform, source) {
  const sysroot = ensureSysroot(platform);
  const addon = compile(platform, source, sysroot);
  const problems = problemsOf(addon, platform, sysroot);
  if (problems.length > 0) {
    fail(`${addon} must not be published:\n  ${problems.join('\n  ')}`);
  }
  return pack(stagePlatform(platform, addon, sysroot));
}

/**
 * Makes the tarballs.
 *
 * @param {string[]} [names] of platforms
 * @returns {string[]} the tarballs, that of searings itself last: it is to be published last
 */
function makePackages(names = PLATFORMS.map(({ name }) => name)) {
  const unknown = names.find((name) => !PLATFORMS.some((platform) => platform.name === name));
  if (unknown) {
    fail(`no platform '${unknown}': ${PLATFORMS.map(({ name }) => name).join(', ')}`);
  }
  const platforms = PLATFORMS.filter(({ name }) => names.includes(name));
  ensurePackages(['build', ...new Set(platforms.map(({ cpu }) => cpu))]);
  ensureModules();
  const source = stageRoot();
  const tarballs = platforms.map((platform) => {
    say(`building ${platform.name}`);
    return makePlatform(platform, source);
  });
  return [...tarballs, pack(source)];
}

if (require.main === module) {
  const names = process.argv.slice(2);
  console.log(makePackages(names.length > 0 ? names : undefined).join('\n'));
}

module.exports = { makePackages };
