'use strict';

const path = require('node:path');
const { SearingsNativeLoadError } = require('./errors');

const FLAVOURS = ['release', 'debug'];

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

/** Where the addon may be, most wanted first. A path in SEARINGS_ADDON is the only one then. */
function candidates(host) {
  const chosen = process.env.SEARINGS_ADDON;
  if (chosen) return [path.resolve(chosen)];
  const name = [host.platform, host.arch, host.libc].filter(Boolean).join('-');
  const build = path.join(__dirname, '..', 'build');
  return [
    `@searings/${name}`,
    ...FLAVOURS.map((flavour) => path.join(build, flavour, 'searings.node')),
  ];
}

function load() {
  const libc = process.env.SEARINGS_ADDON ? null : libcFamily();
  const host = { platform: process.platform, arch: process.arch, libc };
  const attempts = [];
  for (const candidate of candidates(host)) {
    try {
      return { binding: require(candidate), path: candidate, error: null };
    } catch (error) {
      attempts.push({ path: candidate, error });
    }
  }
  host.libc ??= libcFamily();
  return { binding: null, path: null, error: new SearingsNativeLoadError(host, attempts) };
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
 * @returns {{usable: boolean, reason: string | null, code: string | null, features: object}}
 */
function probeHost() {
  probed ??= loadBinding().binding.probe();
  return probed;
}

module.exports = { loadBinding, probeHost };
