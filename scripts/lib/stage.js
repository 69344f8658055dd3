'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { PLATFORMS } = require('./platforms');
const { root } = require('./run');

const out = path.join(root, 'build', 'package');
const LICENSES = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT'];

/** What a build from the package's sources needs besides a compiler, CMake and liburing. */
const DEPS = {
  'llhttp/api.c': '/usr/share/llhttp/api.c',
  'llhttp/http.c': '/usr/share/llhttp/http.c',
  'llhttp/llhttp.c': '/usr/share/llhttp/llhttp.c',
  'llhttp/llhttp.h': '/usr/share/include/llhttp/llhttp.h',
  'llhttp/copyright': '/usr/share/doc/node-llhttp/copyright',
  'uv/uv.h': '/usr/include/uv.h',
  'uv/uv': '/usr/include/uv',
  'uv/copyright': '/usr/share/doc/libuv1-dev/copyright',
  'node-api': path.join(root, 'node_modules', 'node-api-headers', 'include'),
  'node-api/LICENSE': path.join(root, 'node_modules', 'node-api-headers', 'LICENSE'),
};

function copy(from, to) {
  fs.mkdirSync(path.dirname(to), { recursive: true });
  fs.cpSync(from, to, { recursive: true, dereference: true });
}

function emptyFolder(name) {
  const folder = path.join(out, name);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  return folder;
}

function writeManifest(folder, manifest) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

function ownManifest() {
  const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env;
  // npm compares this with where the package says it was built.
  if (server && name) manifest.repository = { type: 'git', url: `git+${server}/${name}.git` };
  return manifest;
}

/**
 * Lays out the package `searings`. Only here does its manifest name the platform packages and the script
 * that builds where none fits: in the repository, where these packages need not be published yet, npm would
 * look for them in vain.
 *
 * @returns {string} its folder
 */
function stageRoot() {
  const folder = emptyFolder('searings');
  const { private: _, devDependencies, overrides, ...manifest } = ownManifest();
  const names = PLATFORMS.map(({ name }) => [`@searings/${name}`, manifest.version]);
  for (const name of [...manifest.files, 'README.md']) {
    const from = path.join(root, name);
    if (fs.existsSync(from)) copy(from, path.join(folder, name));
  }
  for (const [to, from] of Object.entries(DEPS)) copy(from, path.join(folder, 'deps', to));
  writeManifest(folder, {
    ...manifest,
    scripts: { install: 'node npm/install.js' },
    optionalDependencies: Object.fromEntries(names),
  });
  return folder;
}

/**
 * Lays out one platform's package.
 *
 * @param {object} platform one of PLATFORMS
 * @param {string} addon the built addon
 * @param {string} sysroot what it was built with
 * @returns {string} its folder
 */
function stagePlatform({ name, cpu, libc }, addon, sysroot) {
  const folder = emptyFolder(name);
  const { version, license, engines, repository } = ownManifest();
  copy(addon, path.join(folder, 'searings.node'));
  for (const file of LICENSES) copy(path.join(root, file), path.join(folder, file));
  const ofLiburing = path.join(sysroot, 'usr', 'share', 'doc', 'liburing-dev', 'copyright');
  copy(ofLiburing, path.join(folder, 'licenses', 'liburing'));
  copy(DEPS['llhttp/copyright'], path.join(folder, 'licenses', 'llhttp'));
  fs.writeFileSync(
    path.join(folder, 'README.md'),
    `# @searings/${name}\n\nThe native addon of searings for Linux on ${cpu} with ${libc}; ` +
      'npm installs it along with searings. liburing and llhttp are part of it.\n',
  );
  writeManifest(folder, {
    name: `@searings/${name}`,
    version,
    description: `The native addon of searings for Linux on ${cpu} with ${libc}`,
    license,
    repository,
    main: 'searings.node',
    files: ['searings.node', 'licenses/', ...LICENSES],
    engines,
    os: ['linux'],
    cpu: [cpu],
    libc: [libc],
    preferUnplugged: true,
  });
  return folder;
}

module.exports = { out, stageRoot, stagePlatform };
