'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const os = require('node:os');
const { text } = require('node:stream/consumers');
const {
  COMMAND,
  unprivileged,
  launcher,
  searings,
  searingsJson,
  withLimits,
} = require('./helpers/launch');
const { assertFallback, assertReady, checkOf, visit } = require('./helpers/places');
const { limit } = require('./helpers/scale');

const { EACCES, ENOSYS, EPERM } = os.constants.errno;
const IO_URING_SETUP = 425;
const IO_URING_REGISTER = 427;

const nodeHasRings = Number(process.versions.uv.split('.')[1]) >= 50;

function denying(call, errno) {
  return { prefix: [launcher('deny'), String(call), String(errno)] };
}

/** As a terminal sees it: `script` gives the command one. */
async function onTerminal(args, env = {}) {
  const { NO_COLOR, FORCE_COLOR, CI, ...ours } = process.env; // in CI Node sees no colours
  const command = [process.execPath, COMMAND, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...ours, TERM: 'xterm-256color', SEARINGS_BACKEND: '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return text(child.stdout);
}

const COLOUR = '\u001b[';

describe('searings doctor', function () {
  limit(this, 40);

  describe('tells where servers run, and why', () => {
    it('on this machine', async () => {
      const report = await assertReady({});
      assert.equal(checkOf(report, 'io_uring').status, 'ok');
      assert.equal(report.searings, require('../package.json').version);
      assert.equal(report.node, process.version);
    });

    it('under a seccomp filter that denies io_uring_setup', async () => {
      const place = denying(IO_URING_SETUP, EPERM);
      const report = await assertFallback(place, 'io_uring', {
        cause: 'seccomp',
        reason: /io_uring_setup failed with EPERM: a seccomp filter/,
        fix: /seccomp|SystemCallFilter/,
      });
      assert.equal(report.host.sandbox.seccomp, 'filter');
    });

    it('under a seccomp filter that hides io_uring_setup', () =>
      assertFallback(denying(IO_URING_SETUP, ENOSYS), 'io_uring', {
        cause: 'seccomp',
        reason: /io_uring_setup failed with ENOSYS.*seccomp filter/,
        fix: /seccomp|SystemCallFilter/,
      }));

    // One that denies io_uring_enter ends newer Nodes themselves.
    it('under a seccomp filter that denies io_uring_register', () =>
      assertFallback(denying(IO_URING_REGISTER, EACCES), 'io_uring', {
        cause: 'seccomp',
        reason: /provided buffer ring failed with EACCES: a seccomp filter/,
        fix: /seccomp|SystemCallFilter/,
      }));

    it('as an unprivileged user with little locked memory and few descriptors', async () => {
      const place = { prefix: [...unprivileged(), ...withLimits({ l: 64, n: 64 })] };
      // From libuv 1.50 on Node.js has rings itself; it is a race whether they leave room for ours.
      const { code, report, served } = await visit(place);
      assert.equal(served.echo, 'hello');
      assert.equal(code, report.verdict === 'ready' ? 0 : 1);
      if (nodeHasRings && report.verdict === 'fallback') {
        assert.equal(report.host.problem.cause, 'memlock');
      } else {
        assert.equal(report.verdict, 'ready');
      }
      const memlock = checkOf(report, 'memlock');
      assert.equal(memlock.status, 'warning');
      assert.match(memlock.text, /64 KiB, less than the \d+ KiB of Node\.js and a server/);
      assert.match(memlock.fix, /ulimit -l \d+/);
      const nofile = checkOf(report, 'nofile');
      assert.equal(nofile.status, 'warning');
      assert.match(nofile.text, /open files: 64/);
      assert.match(nofile.fix, /ulimit -n \d+/);
    });

    it('as an unprivileged user with enough locked memory for one server', async () => {
      const report = await assertReady({ prefix: [...unprivileged(), ...withLimits({ l: 192 })] });
      assert.equal(checkOf(report, 'memlock').status, 'ok');
    });

    it('as an unprivileged user without any locked memory', () =>
      assertFallback({ prefix: [...unprivileged(), ...withLimits({ l: 0 })] }, 'io_uring', {
        cause: 'memlock',
        reason: /ENOMEM: the limit of locked memory/,
        fix: /ulimit -l \d+/,
      }));

    it('without the addon', () =>
      assertFallback({ env: { SEARINGS_ADDON: '/nowhere.node' } }, 'addon', {
        cause: 'addon',
        reason: /does not load \(\/nowhere\.node: Cannot find module/,
        fix: /npm install/,
      }));

    it('where node:net was chosen', async () => {
      const place = { env: { SEARINGS_BACKEND: 'net' } };
      const { code, report } = await searingsJson(['doctor', '--require-ready'], place);
      assert.equal(code, 1);
      assert.equal(report.verdict, 'fallback');
      assert.equal(checkOf(report, 'choice').fix, 'unset SEARINGS_BACKEND');
    });

    it('where a fallback was forbidden and io_uring is denied', async () => {
      const place = { ...denying(IO_URING_SETUP, EPERM), env: { SEARINGS_BACKEND: 'io_uring' } };
      const { code, report } = await searingsJson(['doctor'], place);
      assert.equal(code, 1, 'nothing serves');
      assert.equal(report.verdict, 'broken');
      const server = checkOf(report, 'server:createTcpServer');
      assert.match(server.text, /does not serve: io_uring is not usable here/);
      assert.equal(server.fix, 'unset SEARINGS_BACKEND');
    });
  });

  it('exits with 2 where zero-copy receive is required and cannot be had', async () => {
    const { code, report } = await searingsJson(['doctor', '--require-ready', '--require-zcrx'], {
      prefix: unprivileged(),
    });
    assert.equal(report.verdict, 'ready');
    assert.equal(
      report.zeroCopyReceive.ready,
      process.getuid() === 0 ? false : report.zeroCopyReceive.ready,
    );
    assert.equal(code, report.zeroCopyReceive.ready ? 0 : 2);
  });

  it('exits with 1 where neither is to be had', async () => {
    const place = denying(IO_URING_SETUP, EPERM);
    const { code } = await searings(['doctor', '--require-ready', '--require-zcrx'], place);
    assert.equal(code, 1);
  });

  it('prints a screen for people, with the fixes', async () => {
    const { code, stdout, stderr } = await searings(['doctor'], denying(IO_URING_SETUP, EPERM));
    assert.equal(code, 0);
    assert.equal(stderr, '', 'no warning about the fallback on top');
    assert.match(stdout, /^fallback: servers run, on node:net instead of io_uring$/m);
    assert.match(stdout, /^ {2}blocker +io_uring +io_uring_setup failed with EPERM/m);
    assert.match(stdout, /^ +fix: .*seccomp/m);
    assert.match(stdout, /^ {2}ok +server:createTcpServer +on net, a round trip takes \d+ µs/m);
    assert.ok(stdout.split('\n').length < 40, 'it fits on a screen');
    assert.ok(!stdout.includes(COLOUR), 'no colour in a pipe');
  });

  it('has colours on a terminal, unless NO_COLOR is set', async () => {
    assert.ok((await onTerminal(['doctor'])).includes(`${COLOUR}32m`));
    const plain = await onTerminal(['doctor'], { NO_COLOR: '1' });
    assert.match(plain, /ready: servers run on io_uring/);
    assert.ok(!plain.includes(COLOUR));
  });
});
