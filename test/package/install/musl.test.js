'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { limit } = require('../../helpers/scale');
const { makeTarballs, makeProject, unpackInto } = require('../../helpers/package');
const { dynamicSymbols } = require('../../../scripts/lib/elf');
const { ensurePackages } = require('../../../scripts/lib/packages');
const { PLATFORMS } = require('../../../scripts/lib/platforms');
const { out } = require('../../../scripts/lib/stage');
const { root } = require('../../../scripts/lib/run');

/** What the addon wants of Node; calling it is the end of the process. */
function standIns(addon) {
  const names = dynamicSymbols(addon)
    .filter(({ name, defined }) => !defined && /^(napi|node_api|uv)_/.test(name))
    .map(({ name }) => `void ${name}(void) { __builtin_trap(); }`);
  return names.join('\n');
}

/** Compiles musl_host.c for musl. @returns {string} the program */
function compileHost({ name, machine }, addon, sysroot, folder) {
  const gcc = `${machine}-linux-gnu-gcc`;
  const triplet = `${machine}-linux-musl`;
  const library = (file) => path.join(sysroot, 'usr', 'lib', triplet, file);
  const program = path.join(folder, `host-${machine}`);
  const ofNode = path.join(folder, 'node.c');
  fs.writeFileSync(ofNode, standIns(addon));
  const compilers = execFileSync(gcc, ['-print-file-name=include'], { encoding: 'utf8' }).trim();
  const headers = [path.join(sysroot, 'usr', 'include', triplet), compilers];
  execFileSync(gcc, [
    ...['-D_GNU_SOURCE', '-fPIE', '-pie', '-rdynamic', '-nostdinc', '-nostdlib', '-o', program],
    ...headers.flatMap((header) => ['-isystem', header]),
    ...['-I', path.join(root, 'src'), library('Scrt1.o'), library('crti.o')],
    ...[path.join(__dirname, 'musl_host.c'), ofNode],
    ...['libsearings_core.a', 'libllhttp.a'].map((file) => path.join(out, 'work', name, file)),
    path.join(sysroot, 'usr', 'lib', `${machine}-linux-gnu`, 'liburing.a'),
    ...['-L', path.join(sysroot, 'lib', triplet), '-l:libc.so', '-lgcc', library('crtn.o')],
  ]);
  return program;
}

/** Loads a platform's packed addon in a process of musl, whose libc is its own program loader. */
function runOn(name, emulator = []) {
  const platform = PLATFORMS.find((one) => one.name === name);
  const [tarball] = makeTarballs([name]);
  const project = makeProject();
  try {
    unpackInto(project, tarball, 'addon');
    const addon = path.join(project, 'node_modules', 'addon', 'searings.node');
    const sysroot = path.join(out, 'sysroot', platform.debian);
    const program = compileHost(platform, addon, sysroot, project);
    const loader = path.join(sysroot, 'lib', `${platform.machine}-linux-musl`, 'libc.so');
    const [file, ...args] = [...emulator, loader, program, addon];
    return execFileSync(file, args, { encoding: 'utf8' }).trim().split('\n');
  } finally {
    fs.rmSync(project, { recursive: true });
  }
}

describe('on musl', function () {
  limit(this, 300);

  it('x64: the prebuilt addon loads, and its core serves on io_uring', () => {
    assert.deepEqual(runOn('linux-x64-musl'), ['loaded, Node-API 8', 'echo: hello']);
  });

  it('arm64, emulated: the prebuilt addon loads', () => {
    ensurePackages(['emulation']);
    const [loaded, served] = runOn('linux-arm64-musl', ['qemu-aarch64-static']);
    assert.equal(loaded, 'loaded, Node-API 8');
    assert.match(served, /Function not implemented/);
  });
});
