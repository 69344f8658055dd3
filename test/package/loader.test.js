'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { limit } = require('../helpers/scale');

const root = path.join(__dirname, '..', '..');
const { version } = require('../../package.json');
const abi = require('detect-libc').familySync() === 'musl' ? 'musl' : 'gnu';
const fitting = `@searings/linux-${process.arch}-${abi}`;
const other = `@searings/linux-${process.arch}-${abi === 'gnu' ? 'musl' : 'gnu'}`;

/** Loads the addon where searings is installed and tells how that went. */
const program = `
  const { loadBinding } = require('./node_modules/searings/lib/binding');
  const { binding, error } = loadBinding();
  console.log(JSON.stringify({ who: binding?.who, message: error?.message, fix: error?.fix }));
`;

/** What stands in for an addon. */
const addon = (who) => `exports.who = '${who}'; exports.probe = () => {};`;

/** Serves one echo. */
const server = `
  const net = require('node:net');
  process.removeAllListeners('warning').on('warning', () => {});
  const server = require('searings').createTcpServer((c) => c.pipe(c)).listen(0, () => {
    const { backend, fallbackReason } = server.info();
    net.connect(server.address().port).end('hello').setEncoding('utf8').on('data', (echo) => {
      server.close(() => console.log(JSON.stringify({ backend, fallbackReason, echo })));
    });
  });
`;

describe('an installed searings', function () {
  limit(this, 30);
  let project;
  let installed;

  function run(file, args, env = {}) {
    const result = spawnSync(file, args, {
      cwd: project,
      encoding: 'utf8',
      env: { ...process.env, SEARINGS_ADDON: '', SEARINGS_BACKEND: '', ...env },
    });
    assert.equal(result.status, 0, result.stderr);
    return result.stdout;
  }
  const evaluate = (text) => JSON.parse(run(process.execPath, ['-e', text]));

  function addPackage(name, source, ofVersion = version) {
    const folder = path.join(project, 'node_modules', name);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'index.js'), source);
    fs.writeFileSync(path.join(folder, 'package.json'), `{ "version": "${ofVersion}" }`);
  }

  function addBuild(flavour, source) {
    const folder = path.join(installed, 'build', flavour, 'searings.node');
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'index.js'), source);
  }

  beforeEach(() => {
    project = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-installed-'));
    installed = path.join(project, 'node_modules', 'searings');
    for (const name of ['lib', 'npm', 'package.json']) {
      fs.cpSync(path.join(root, name), path.join(installed, name), { recursive: true });
    }
    const libc = path.join('node_modules', 'detect-libc');
    fs.cpSync(path.join(root, libc), path.join(project, libc), { recursive: true });
  });
  afterEach(() => fs.rmSync(project, { recursive: true }));

  it("takes its platform's package, not another's and not a build", () => {
    addPackage(fitting, addon('package'));
    addPackage(other, addon('other'));
    addBuild('release', addon('build'));
    assert.equal(evaluate(program).who, 'package');
  });

  it('takes a build where the package is missing or does not load', () => {
    addPackage(other, addon('other'));
    addBuild('debug', addon('debug'));
    assert.equal(evaluate(program).who, 'debug');
    addPackage(fitting, "throw new Error('GLIBC_2.28 not found')");
    addBuild('release', addon('release'));
    assert.equal(evaluate(program).who, 'release');
  });

  it('says what it tried, why each failed, and what to do', () => {
    addPackage(fitting, "throw new Error('version GLIBC_2.28 not found')");
    const { message, fix } = evaluate(program);
    const [first, ...lines] = message.split('\n');
    assert.match(first, /no native addon that loads on linux-/);
    assert.equal(lines[0], `  ${fitting}: version GLIBC_2.28 not found`);
    assert.match(lines[1], /release\/searings\.node: Cannot find module/);
    assert.match(lines[2], /debug\/searings\.node: Cannot find module/);
    assert.equal(lines[3], `To get one, ${fix}.`);
    assert.ok(fix.includes(fitting), fix);
    assert.match(fix, /npm rebuild searings/);
  });

  it('takes no package of another version, and says so', () => {
    addPackage(fitting, addon('package'), '0.0.9');
    const { message, fix } = evaluate(program);
    const why = `it is of version 0.0.9, and searings of ${version}`;
    assert.equal(message.split('\n')[1], `  ${fitting}: ${why}`);
    assert.ok(fix.includes(`${fitting} ${version}`), fix);
    const { backend, fallbackReason } = evaluate(server);
    assert.equal(backend, 'net');
    assert.equal(fallbackReason, `its native addon does not load (${why})`);
    addBuild('release', addon('build'));
    assert.equal(evaluate(program).who, 'build');
  });

  it('takes nothing else for the addon', () => {
    addPackage(fitting, "exports.who = 'other'");
    assert.match(evaluate(program).message, /is not an addon of searings/);
  });

  it('does not speak of packages where none is prebuilt', () => {
    const elsewhere = `Object.defineProperty(process, 'arch', { value: 'ppc64' });`;
    const { fix } = evaluate(elsewhere + program);
    assert.match(fix, /install cmake.*none is prebuilt for linux-ppc64: npm rebuild searings$/);
    assert.ok(!fix.includes('npm install'), fix);
  });

  it('is installed without an addon where none can be built, says why, and serves', () => {
    const bin = path.join(project, 'bin');
    fs.mkdirSync(bin);
    const output = run(process.execPath, [path.join(installed, 'npm', 'install.js')], {
      PATH: bin,
    });
    assert.match(output, /could not be built \(cmake is not installed\)/);
    assert.match(evaluate(program).message, /it could not be built: cmake is not installed/);
    const { backend, fallbackReason, echo } = evaluate(server);
    assert.deepEqual([backend, echo], ['net', 'hello']);
    assert.match(fallbackReason, /cmake is not installed/);
  });

  it('builds nothing where an addon loads', () => {
    addPackage(fitting, addon('package'));
    assert.equal(run(process.execPath, [path.join(installed, 'npm', 'install.js')]), '');
    assert.equal(fs.existsSync(path.join(installed, 'build')), false);
  });

  it('tells the compiler’s words where the build fails', () => {
    const cmake = path.join(project, 'bin', 'cmake');
    fs.mkdirSync(path.dirname(cmake));
    const script =
      '#!/bin/sh\necho "working"\necho "CMake Error: Could NOT find liburing.h" >&2\nexit 1\n';
    fs.writeFileSync(cmake, script, { mode: 0o755 });
    const PATH = `${path.dirname(cmake)}:${process.env.PATH}`;
    run(process.execPath, [path.join(installed, 'npm', 'install.js')], { PATH });
    assert.match(evaluate(program).message, /could not be built: .*Could NOT find liburing\.h/);
  });
});
