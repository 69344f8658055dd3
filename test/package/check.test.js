'use strict';

const assert = require('node:assert/strict');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { limit } = require('../helpers/scale');
const { problemsOf } = require('../../scripts/lib/elf');

const MACHINE = { x64: 'x86_64', arm64: 'aarch64' }[process.arch];
const OTHER = MACHINE === 'x86_64' ? 'aarch64' : 'x86_64';
const EXPORT = '__attribute__((visibility("default"))) int napi_register_module_v1(void)';

/** What is wrong with addons, by the check that every prebuilt one has to pass. */
describe('the check of a prebuilt addon', function () {
  limit(this, 30);
  let folder;

  /** Compiles a shared object. @returns {string} its file */
  function compile(name, source, options = []) {
    const file = path.join(folder, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    const args = ['-shared', '-fPIC', '-fvisibility=hidden', '-w', '-x', 'c', '-'];
    const command = [...args, '-x', 'none', '-o', file, ...options];
    execFileSync('gcc', command, { input: source, stdio: 'pipe' });
    return file;
  }

  /** The complaints about an addon whose one function has this body. */
  function check(body, { abi = 'gnu', machine = MACHINE, options = ['-s'], more = '' } = {}) {
    const source = `${more}\n${EXPORT} { ${body} }\n`;
    const file = compile('addon.node', source, [...options, ...(abi === 'musl' ? MUSL() : [])]);
    return problemsOf(file, { abi, machine }, path.join(folder, 'sysroot'));
  }

  /** Makes the linker take the stand-in for musl, which has no more than getpid(). */
  function MUSL() {
    const libc = path.join('sysroot', 'lib', `${MACHINE}-linux-musl`, 'libc.so');
    const source = '__attribute__((visibility("default"))) int getpid(void) { return 1; }';
    const file = compile(libc, source, ['-nostdlib', '-Wl,-soname,libc.so']);
    return ['-nostdlib', file];
  }

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-check-'));
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  it('has nothing to say of what the oldest glibc has, and of what Node exports', () => {
    assert.deepEqual(check('return getpid() + napi_get_undefined() + uv_async_send();'), []);
  });

  it('finds a function that is younger than glibc 2.28', () => {
    const [problem, ...others] = check('return strerrorname_np(1) != 0;', {
      more: 'const char *strerrorname_np(int);',
    });
    assert.match(problem, /^strerrorname_np is not in glibc 2\.28 \(GLIBC_2\.32\)$/);
    assert.deepEqual(others, []);
  });

  it('finds a new version of an old function, and knows that it is old by the header', () => {
    const more = 'int pthread_create(void);';
    assert.match(check('return pthread_create();', { more })[0], /^pthread_create .*GLIBC_2\.34/);
    const pins = path.join(__dirname, '..', '..', 'cmake', 'glibc-2.28.h');
    assert.deepEqual(
      check('return pthread_create();', { more, options: ['-s', '-include', pins] }),
      [],
    );
  });

  it('finds a function that nobody has', () => {
    assert.match(check('return no_such_function();')[0], /^no_such_function .*no version/);
  });

  it('finds a library that need not be there', () => {
    const options = ['-s', '-Wl,--no-as-needed', '-l:libm.so.6'];
    assert.deepEqual(check('return 1;', { options }), ['it needs libm.so.6']);
  });

  it('finds what is not stripped, what exports too much, and what exports nothing', () => {
    assert.deepEqual(check('return 1;', { options: [] }), ['it is not stripped']);
    const more = '__attribute__((visibility("default"))) int other;';
    assert.deepEqual(check('return 1;', { more }), ['it exports other']);
    const empty = compile('empty.node', 'static int nothing;', ['-s']);
    assert.deepEqual(problemsOf(empty, { abi: 'gnu', machine: MACHINE }), ['it exports nothing']);
  });

  it('finds an addon for another machine', () => {
    assert.deepEqual(check('return 1;', { machine: OTHER }), [`it is not for ${OTHER}`]);
  });

  it('holds an addon for musl against musl', () => {
    assert.deepEqual(check('return getpid();', { abi: 'musl' }), []);
    const unknown = check('return gnu_get_libc_version() != 0;', { abi: 'musl' });
    assert.deepEqual(unknown, ['gnu_get_libc_version is not in musl']);
  });

  it('finds glibc in an addon for musl', () => {
    const addon = compile('glibc.node', `${EXPORT} { return getpid(); }`, [
      '-s',
      ...MUSL().slice(2),
    ]);
    const platform = { abi: 'musl', machine: MACHINE };
    const problems = problemsOf(addon, platform, path.join(folder, 'sysroot'));
    assert.ok(problems.includes('it needs libc.so.6'), problems.join());
    assert.ok(
      problems.some((text) => /^getpid is not in musl \(GLIBC_/.test(text)),
      problems.join(),
    );
  });
});
