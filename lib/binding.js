'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { version } = require('../package.json');
const { SearingsNativeLoadError, firstLine } = require('./errors');
const { tooFewFiles } = require('./host/diagnosis');
const { system } = require('./host/system');

const FLAVOURS = ['release', 'debug'];
const PREBUILT_FOR = ['x64', 'arm64'];
const BUILD = path.join(__dirname, '..', 'build');

let loaded;
let probed;

function libcFamily() {
  if (process.platform !== 'linux') return null;
  try {
    return require('detect-libc').familySync();
  } catch {
    return null;
  }
}

/** The package with the addon for a host; both where it could not be told which libc it has. */
function platformPackages({ platform, arch, libc }) {
  if (platform !== 'linux' || !PREBUILT_FOR.includes(arch)) return [];
  const abis = { glibc: ['gnu'], musl: ['musl'] }[libc] ?? ['gnu', 'musl'];
  return abis.map((abi) => `@searings/linux-${arch}-${abi}`);
}

/** Where the addon may be, most wanted first. A path in SEARINGS_ADDON is the only one then. */
function candidates(host) {
  const chosen = process.env.SEARINGS_ADDON;
  if (chosen) return [path.resolve(chosen)];
  const built = FLAVOURS.map((flavour) => path.join(BUILD, flavour, 'searings.node'));
  return [...platformPackages(host), ...built];
}

const TOOLS = "install cmake 3.25, make, a C compiler and liburing's headers 2.3, or newer";
const REBUILD = 'npm rebuild searings';

/** Of a Node.js that was told to load no addon. */
const DISABLED = ['ERR_DLOPEN_DISABLED', 'ERR_ACCESS_DENIED'];

function hasTooFewFiles(error) {
  return error?.code === 'EMFILE' || /too many open files/i.test(firstLine(error));
}

/**
 * What would bring an addon: what to do, and how.
 *
 * @returns {{cause: string, advice: string, command: string}}
 */
function remedyFor(host, attempts) {
  if (attempts.some(({ error }) => hasTooFewFiles(error))) return tooFewFiles(system());
  const cause = 'addon';
  if (attempts.some(({ error }) => DISABLED.includes(error?.code))) {
    const command = 'node without --no-addons; with --permission: --allow-addons';
    return { cause, advice: 'let Node.js load addons', command };
  }
  if (process.env.SEARINGS_ADDON) {
    const advice = 'set SEARINGS_ADDON to an addon, or not at all';
    return { cause, advice, command: 'unset SEARINGS_ADDON' };
  }
  const [name] = platformPackages(host);
  if (name === undefined) {
    const advice = `${TOOLS}: none is prebuilt for ${host.platform}-${host.arch}`;
    return { cause, advice, command: REBUILD };
  }
  const comes = `so that ${name} ${version} comes with it`;
  const advice = `install searings without omitting optional dependencies, ${comes}, or ${TOOLS}`;
  const command = `npm install --include=optional searings; to build it: ${REBUILD}`;
  return { cause, advice, command };
}

/** Those of another version may know other calls. What is built is built from the sources beside it. */
function checkVersion(candidate) {
  if (path.isAbsolute(candidate)) return;
  const found = require(`${candidate}/package.json`).version;
  if (found !== version) throw new Error(`it is of version ${found}, and searings of ${version}`);
}

function requireAddon(candidate) {
  checkVersion(candidate);
  const binding = require(candidate);
  if (typeof binding?.probe !== 'function')
    throw new Error(`${candidate} is not an addon of searings`);
  return binding;
}

/** What npm/install.js left where it could not build the addon; null where it did not try. */
function buildFailure(candidate) {
  try {
    const reason = fs.readFileSync(path.join(path.dirname(candidate), 'failure.txt'), 'utf8');
    return new Error(`it could not be built: ${reason.trim()}`);
  } catch {
    return null;
  }
}

function load() {
  const libc = process.env.SEARINGS_ADDON ? null : libcFamily();
  const host = { platform: process.platform, arch: process.arch, libc };
  const attempts = [];
  for (const candidate of candidates(host)) {
    try {
      return { binding: requireAddon(candidate), path: candidate, error: null };
    } catch (error) {
      attempts.push({ path: candidate, error: buildFailure(candidate) ?? error });
    }
  }
  host.libc ??= libcFamily();
  const error = new SearingsNativeLoadError(host, attempts, remedyFor(host, attempts));
  return { binding: null, path: null, error };
}

/**
 * The native addon. It is looked for once per process (and worker thread); a failure is remembered.
 *
 * @returns {{binding: object | null, path: string | null, error: SearingsNativeLoadError | null}}
 */
function loadBinding() {
  loaded ??= load();
  return loaded;
}

/**
 * What io_uring can do here, found by trying. Asked once, because the kernel does not change under a
 * running process and because the probe's own rings count against RLIMIT_MEMLOCK for a while.
 *
 * @returns {{usable: boolean, reason: string | null, code: string | null, watchResets: boolean, undeferred: boolean, features: object}}
 */
function probeHost() {
  probed ??= loadBinding().binding.probe();
  return probed;
}

module.exports = { loadBinding, probeHost };
