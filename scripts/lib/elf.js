'use strict';

const path = require('node:path');
const { must } = require('./run');

const OLDEST_GLIBC = [2, 28];
const MACHINE_NAMES = { x86_64: 'X86-64', aarch64: 'AArch64' };
const LIBRARIES = {
  gnu: ['libc.so.6', 'libdl.so.2', 'libpthread.so.0', 'ld-linux-aarch64.so.1'],
  musl: ['libc.so'],
};
/** What Node itself exports. */
const OF_THE_HOST = /^(napi_|node_api_|uv_)/;

function readelf(option, file) {
  return must('readelf', ['--wide', option, file]).split('\n');
}

/** @returns {{name: string, version?: string, defined: boolean, weak: boolean}[]} those not local */
function dynamicSymbols(file) {
  return readelf('--dyn-syms', file)
    .map((line) => line.trim().split(/\s+/))
    .filter(([number, , , , binding]) => /^\d+:$/.test(number) && binding !== 'LOCAL')
    .map(([, , , , binding, , section, symbol]) => {
      const [name, version] = symbol.split(/@+/);
      return { name, version, defined: section !== 'UND', weak: binding === 'WEAK' };
    });
}

function isTooNew(version) {
  const [, major, minor] = version.match(/^GLIBC_(\d+)\.(\d+)/) ?? [];
  if (major === undefined) return true;
  const [oldestMajor, oldestMinor] = OLDEST_GLIBC;
  return major > oldestMajor || (Number(major) === oldestMajor && minor > oldestMinor);
}

function strangers(file, { abi, machine }, sysroot) {
  // A weak symbol without a version is one that the compiler's own files can do without.
  const wanted = dynamicSymbols(file).filter(({ name, version, defined, weak }) => {
    return !defined && !OF_THE_HOST.test(name) && !(weak && version === undefined);
  });
  if (abi === 'gnu') {
    return wanted
      .filter(({ version }) => version === undefined || isTooNew(version))
      .map(({ name, version }) => `${name} is not in glibc 2.28 (${version ?? 'no version'})`);
  }
  const libc = path.join(sysroot, 'lib', `${machine}-linux-musl`, 'libc.so');
  const known = new Set(dynamicSymbols(libc).map(({ name }) => name));
  return wanted
    .filter(({ name, version }) => version !== undefined || !known.has(name))
    .map(({ name, version }) => `${name} is not in musl${version ? ` (${version})` : ''}`);
}

function wrongLibraries(file, { abi }) {
  return readelf('--dynamic', file)
    .map((line) => line.match(/\(NEEDED\).*\[(.*)\]/)?.[1])
    .filter((name) => name !== undefined && !LIBRARIES[abi].includes(name))
    .map((name) => `it needs ${name}`);
}

/**
 * What is wrong with a prebuilt addon: symbols and libraries that its platform may not have, and what
 * should not be in a package.
 *
 * @param {string} file
 * @param {{abi: string, machine: string}} platform
 * @param {string} sysroot where the platform's musl is
 * @returns {string[]}
 */
function problemsOf(file, platform, sysroot) {
  const problems = [...strangers(file, platform, sysroot), ...wrongLibraries(file, platform)];
  const machine = readelf('--file-header', file).find((line) => /^ *Machine:/.test(line));
  if (!machine?.includes(MACHINE_NAMES[platform.machine])) {
    problems.push(`it is not for ${platform.machine}`);
  }
  if (readelf('--sections', file).some((line) => line.includes('.symtab'))) {
    problems.push('it is not stripped');
  }
  const exported = dynamicSymbols(file).filter(({ defined }) => defined);
  for (const { name } of exported.filter(({ name }) => !/^napi_|^node_api_/.test(name))) {
    problems.push(`it exports ${name}`);
  }
  if (exported.length === 0) problems.push('it exports nothing');
  return problems;
}

module.exports = { dynamicSymbols, problemsOf };
