'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { limit } = require('../helpers/scale');
const { stageRoot } = require('../../scripts/lib/stage');

const root = path.join(__dirname, '..', '..');
const repository = require('../../package.json');

describe('the package searings', function () {
  limit(this, 30);
  let manifest;
  let files;

  before(() => {
    const folder = stageRoot();
    manifest = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
    const list = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent'], { cwd: folder });
    files = JSON.parse(list)[0].files.map((file) => file.path);
  });

  it('names the addon of every platform, in its own version', () => {
    const names = ['x64-gnu', 'x64-musl', 'arm64-gnu', 'arm64-musl'];
    assert.deepEqual(
      manifest.optionalDependencies,
      Object.fromEntries(names.map((name) => [`@searings/linux-${name}`, repository.version])),
    );
  });

  it('builds where none of them fits, and has no other script', () => {
    assert.deepEqual(manifest.scripts, { install: 'node npm/install.js' });
  });

  it('can be published, unlike the repository, and brings none of its tools', () => {
    assert.equal(repository.private, true);
    assert.equal(manifest.private, undefined);
    assert.equal(manifest.devDependencies, undefined);
    assert.deepEqual(manifest.dependencies, repository.dependencies);
  });

  it('has every file of the library, of the command and of the sources', () => {
    const folders = ['lib', 'bin', 'src', 'binding', 'cmake', 'npm'];
    const expected = folders.flatMap((folder) =>
      fs
        .readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name))),
    );
    assert.deepEqual(
      expected.filter((file) => !files.includes(file)),
      [],
    );
    for (const file of ['README.md', 'CHANGELOG.md', 'LICENSE', 'LICENSE-MIT', 'LICENSE-APACHE']) {
      assert.ok(files.includes(file), file);
    }
    for (const file of [
      'index.d.ts',
      'docs/seccomp.json',
      'CMakeLists.txt',
      'deps/llhttp/llhttp.c',
      'deps/uv/uv.h',
    ]) {
      assert.ok(files.includes(file), file);
    }
  });

  it('has nothing else', () => {
    const known = /^(lib|bin|src|binding|cmake|npm|deps)\/|^[A-Z-]+(\.md)?$|^CMakeLists\.txt$/;
    const others = files.filter((file) => !known.test(file));
    assert.deepEqual(others.sort(), ['docs/seccomp.json', 'index.d.ts', 'package.json']);
    assert.deepEqual(
      files.filter((file) => /\.(node|a|o|so|tgz)$/.test(file)),
      [],
    );
  });

  it('has the version that CMake knows', () => {
    const text = fs.readFileSync(path.join(root, 'CMakeLists.txt'), 'utf8');
    assert.equal(text.match(/project\(searings VERSION (\S+)/)[1], repository.version);
  });
});
