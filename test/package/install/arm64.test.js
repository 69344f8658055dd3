'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { limit } = require('../../helpers/scale');
const { makeTarballs, makeProject, unpackInto, serveEcho } = require('../../helpers/package');
const { VERSIONS, installNode } = require('../../../scripts/lib/nodes');
const { root } = require('../../../scripts/lib/run');

/** Where the emulator looks for the libraries of the other machine. */
const LIBRARIES = '/usr/aarch64-linux-gnu';

describe('on arm64, emulated', function () {
  limit(this, 300);
  let project;
  let node;

  before(() => {
    const [prebuilt, searings] = makeTarballs(['linux-arm64-gnu']);
    project = makeProject();
    unpackInto(project, prebuilt, '@searings/linux-arm64-gnu');
    unpackInto(project, searings, 'searings');
    const libc = path.join('node_modules', 'detect-libc');
    fs.cpSync(path.join(root, libc), path.join(project, libc), { recursive: true });
    node = ['qemu-aarch64-static', '-L', LIBRARIES, installNode(VERSIONS[22], 'arm64')];
  });
  after(() => fs.rmSync(project, { recursive: true }));

  for (const how of ['require', 'import']) {
    it(`${how}: the prebuilt addon loads, and as the emulator has no io_uring, node:net serves`, () => {
      const { arch, addon, backend, echo, fallbackReason } = serveEcho(project, how, node);
      assert.equal(arch, 'arm64');
      assert.deepEqual([addon.path, addon.error], ['@searings/linux-arm64-gnu', null]);
      assert.deepEqual([backend, echo], ['net', 'hello']);
      assert.match(fallbackReason, /ENOSYS/);
    });
  }
});
