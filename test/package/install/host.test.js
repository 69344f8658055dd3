'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { limit } = require('../../helpers/scale');
const {
  makeTarballs,
  makeBarePath,
  makeProject,
  npmInstall,
  serveEcho,
} = require('../../helpers/package');

const platform = `linux-${process.arch}-gnu`;

/** npm takes the platform packages that are not given as not to be had: they are optional. */
describe('npm install of the tarballs', function () {
  limit(this, 300);
  let project;
  let prebuilt;
  let searings;

  before(() => {
    [prebuilt, searings] = makeTarballs([platform]);
  });
  beforeEach(() => {
    project = makeProject();
  });
  afterEach(() => fs.rmSync(project, { recursive: true }));

  const bare = () => makeBarePath(path.join(project, 'bin'));
  const own = (...names) => path.join(project, 'node_modules', ...names);

  it('serves on io_uring by the prebuilt addon, without a compiler', () => {
    npmInstall(project, [prebuilt, searings], bare());
    for (const how of ['require', 'import']) {
      const { backend, echo, addon, fallbackReason } = serveEcho(project, how);
      assert.deepEqual([backend, echo, fallbackReason], ['io_uring', 'hello', null]);
      assert.equal(addon.path, `@searings/${platform}`);
    }
    assert.equal(fs.existsSync(own('searings', 'build')), false);
  });

  it('builds from the sources where no prebuilt addon is, and serves on io_uring', () => {
    const output = npmInstall(project, [searings]);
    assert.match(output, /the addon was built from its sources/);
    const { backend, echo, addon } = serveEcho(project, 'import');
    assert.deepEqual([backend, echo], ['io_uring', 'hello']);
    assert.equal(addon.path, fs.realpathSync(own('searings', 'build', 'release', 'searings.node')));
  });

  it('succeeds without either, says why, and serves on node:net', () => {
    const output = npmInstall(project, [searings], bare());
    assert.match(output, /no prebuilt addon loads here, .*cmake is not installed/);
    const { backend, echo, fallbackReason } = serveEcho(project, 'require');
    assert.deepEqual([backend, echo], ['net', 'hello']);
    assert.match(fallbackReason, /cmake is not installed/);
  });
});
