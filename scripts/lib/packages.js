'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { run, say, fail } = require('./run');

/** What each kind of work needs from the system: how to see it, and the Debian package it is in. */
const NEEDS = {
  build: [
    { program: 'gcc', package: 'gcc' },
    { header: 'stdio.h', package: 'libc6-dev' },
    { program: 'cmake', package: 'cmake' },
    { program: 'ninja', package: 'ninja-build' },
    { header: 'liburing.h', package: 'liburing-dev' },
    { file: '/usr/share/llhttp/llhttp.c', package: 'node-llhttp' },
    { header: 'uv.h', package: 'libuv1-dev' },
  ],
  ctest: [{ header: 'cmocka.h', package: 'libcmocka-dev' }],
  lint: [
    { program: 'clang-format', package: 'clang-format' },
    { program: 'clang-tidy', package: 'clang-tidy' },
  ],
  fuzz: [
    { program: 'clang', package: 'clang' },
    { library: 'libclang_rt.fuzzer', package: 'libclang-rt-dev' },
  ],
  x64: [{ program: 'x86_64-linux-gnu-gcc', package: 'gcc-x86-64-linux-gnu' }],
  arm64: [
    { program: 'aarch64-linux-gnu-gcc', package: 'gcc-aarch64-linux-gnu' },
    { file: '/usr/aarch64-linux-gnu/include/stdio.h', package: 'libc6-dev-arm64-cross' },
  ],
  emulation: [
    { program: 'qemu-aarch64-static', package: 'qemu-user-static' },
    { file: '/usr/aarch64-linux-gnu/lib/libstdc++.so.6', package: 'libstdc++6-arm64-cross' },
  ],
  host: [{ program: 'ip', package: 'iproute2' }],
  redis: [{ program: 'redis-benchmark', package: 'redis-tools' }],
  wrk: [{ program: 'wrk', package: 'wrk' }],
};

const HEADER_FOLDERS = ['/usr/include', '/usr/local/include'];
const ATTEMPTS = 3;
const PAUSE_MS = 2000;

/** One of the libraries that come with clang, in a folder of its version. */
function isWithClang(name) {
  const folder = run('clang', ['-print-runtime-dir']);
  if (!folder.ok || !fs.existsSync(folder.output.trim())) return false;
  return fs.readdirSync(folder.output.trim()).some((file) => file.startsWith(name));
}

function isThere(need) {
  if (need.library) {
    return isWithClang(need.library);
  }
  if (need.program) {
    const folders = (process.env.PATH || '').split(path.delimiter);
    return folders.some((folder) => fs.existsSync(path.join(folder, need.program)));
  }
  if (need.file) {
    return fs.existsSync(need.file);
  }
  return HEADER_FOLDERS.some((folder) => fs.existsSync(path.join(folder, need.header)));
}

/** Whether a program is in one of the folders of PATH. */
function hasProgram(program) {
  return isThere({ program });
}

/** The words that make a command run as root: none needed, sudo if it asks nothing, or null. */
function rootPrefix() {
  if (process.getuid() === 0) {
    return [];
  }
  return run('sudo', ['-n', 'true']).ok ? ['sudo', '-n'] : null;
}

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Runs apt-get as root, more than once if need be: mirrors have their moments. */
function apt(prefix, args) {
  const command = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-q',
    '-y',
    '-o',
    'DPkg::Lock::Timeout=120',
    ...args,
  ];
  let result;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    result = run(command[0], command.slice(1));
    if (result.ok) {
      return true;
    }
    say(`attempt ${attempt} of ${ATTEMPTS} failed: apt-get ${args.join(' ')}`);
    sleep(PAUSE_MS);
  }
  process.stderr.write(result.output);
  return false;
}

/**
 * Installs the system packages that are missing, or says which they are and ends the process.
 *
 * @param {Array<keyof typeof NEEDS>} kinds
 */
function ensurePackages(kinds) {
  const missing = kinds.flatMap((kind) => NEEDS[kind]).filter((need) => !isThere(need));
  if (missing.length === 0) {
    return;
  }
  const names = missing.map((need) => need.package);
  const command = `apt-get update && apt-get install -y ${names.join(' ')}`;
  const prefix = isThere({ program: 'apt-get' }) ? rootPrefix() : null;
  if (prefix === null) {
    fail(`missing: ${names.join(', ')} (Debian names). As root, run:\n\n    ${command}\n`);
  }
  say(`installing ${names.join(' ')}`);
  // A source that cannot be updated need not be the one these packages come from.
  apt(prefix, ['update']);
  if (!apt(prefix, ['install', '--no-install-recommends', ...names])) {
    fail('the installation failed, see above');
  }
  const still = missing.filter((need) => !isThere(need));
  if (still.length > 0) {
    fail(`still missing after the installation: ${still.map((need) => need.package).join(', ')}`);
  }
}

module.exports = { ensurePackages, hasProgram };
