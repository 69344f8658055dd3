'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { ROOT, runNode } = require('../helpers/launch');
const { limit, seconds } = require('../helpers/scale');
const { readProfile, systemCalls, underProfile, withoutCalls } = require('../helpers/seccomp');

const RING = ['io_uring_setup', 'io_uring_enter', 'io_uring_register'];
const MOCHA = path.join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
/** Some of everything; `npm run test:seccomp` runs the rest. */
const SUITES = ['20-data', '22-half-close', '40-close', '71-raw-batch'];

/** Serves once, and tells on what. */
const PROGRAM = `
  const fs = require('node:fs');
  const { createTcpServer } = require(${JSON.stringify(ROOT)});
  const server = createTcpServer((connection) => connection.pipe(connection)).listen(0, () => {
    const { backend, fallbackReason } = server.info();
    const client = require('node:net').connect(server.address().port, () => client.end('hello'));
    client.setEncoding('utf8').on('data', (echo) => server.close(() => {
      const [, mode] = /Seccomp:\\s(\\d)/.exec(fs.readFileSync('/proc/self/status', 'utf8'));
      console.log(JSON.stringify({ backend, fallbackReason, echo, mode }));
    }));
  });
`;

async function serveUnder(profile) {
  const { code, stdout, stderr } = await runNode(['-e', PROGRAM], {
    prefix: underProfile(profile),
  });
  assert.equal(code, 0, stderr);
  return { ...JSON.parse(stdout), stderr };
}

describe('docs/seccomp.json', function () {
  limit(this, 60);
  const profile = readProfile();

  it('denies by default, allows each call once, and knows what it names', () => {
    assert.equal(profile.defaultAction, 'SCMP_ACT_ERRNO');
    assert.deepEqual(
      profile.archMap.map(({ architecture }) => architecture),
      ['SCMP_ARCH_X86_64', 'SCMP_ARCH_AARCH64'],
    );
    const names = profile.syscalls.flatMap((rule) => rule.names);
    assert.equal(new Set(names).size, names.length);
    for (const name of RING) assert.ok(names.includes(name), name);
    const known = systemCalls();
    // Those that only the older architecture has are not typing errors either.
    const strange = names.filter((name) => !known.has(name));
    assert.deepEqual(process.arch === 'x64' ? strange : [], []);
    const { action, errnoRet } = profile.syscalls.find((rule) => rule.names.includes('clone3'));
    assert.deepEqual([action, errnoRet], ['SCMP_ACT_ERRNO', 38]); // ENOSYS: libc goes on with clone
  });

  it('lets servers run on io_uring', async () => {
    const { backend, echo, mode, stderr } = await serveUnder(profile);
    assert.deepEqual({ backend, echo, mode }, { backend: 'io_uring', echo: 'hello', mode: '2' });
    assert.equal(stderr, '');
  });

  it('without the calls of io_uring: node:net serves, and says why', async () => {
    const none = await serveUnder(withoutCalls(profile, RING));
    assert.deepEqual([none.backend, none.echo], ['net', 'hello']);
    assert.match(none.fallbackReason, /io_uring_setup.*EPERM/);
    assert.match(none.stderr, /SEARINGS_FALLBACK.*seccomp profile/s);
  });

  // Without io_uring_enter alone Node.js 22 and newer, which has rings of its own, does not start.
  it('without io_uring_register alone: the same', async () => {
    const one = await serveUnder(withoutCalls(profile, ['io_uring_register']));
    assert.deepEqual([one.backend, one.echo], ['net', 'hello']);
    assert.match(one.fallbackReason, /EPERM/);
  });

  it('has no other way into a new namespace or another process', async () => {
    const program = `
      const { spawnSync } = require('node:child_process');
      const run = (...words) => spawnSync(words[0], words.slice(1)).status;
      console.log(JSON.stringify([run('true'), run('unshare', '--user', 'true')]));
    `;
    const { stdout } = await runNode(['-e', program], { prefix: underProfile(profile) });
    assert.deepEqual(JSON.parse(stdout), [0, 1]);
  });

  it('is enough for the transport: its suites pass under it', async () => {
    const files = SUITES.map((name) => path.join(ROOT, 'test', `${name}.test.js`));
    const { code, stdout, stderr } = await runNode(
      [MOCHA, '--no-config', '--reporter', 'dot', '--timeout', '20000', ...files],
      {
        prefix: underProfile(profile),
        env: { SEARINGS_BACKEND: 'io_uring' },
        limitMs: seconds(50),
      },
    );
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /\d\d+ passing/);
  });
});
