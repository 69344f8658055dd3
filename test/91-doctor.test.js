'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { capabilities } = require('..');
const { checksOf } = require('../lib/host/checks');
const { diagnose } = require('../lib/host/diagnosis');
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

const { EACCES, EAFNOSUPPORT, ENOSYS, EPERM } = os.constants.errno;
const SOCKET = { x64: 41, arm64: 198 }[process.arch];
const AF_UNIX = 1;
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
      assert.match(memlock.fix, /^sudo prlimit --pid \$\$ --memlock=8388608/);
      const nofile = checkOf(report, 'nofile');
      assert.equal(nofile.status, 'warning');
      assert.match(nofile.text, /open files: 64/);
      assert.match(nofile.fix, /^sudo prlimit --pid \$\$ --nofile=65536/);
    });

    it('as an unprivileged user with enough locked memory for one server', async () => {
      const report = await assertReady({ prefix: [...unprivileged(), ...withLimits({ l: 192 })] });
      assert.equal(checkOf(report, 'memlock').status, 'ok');
    });

    it('as an unprivileged user without any locked memory', () =>
      assertFallback({ prefix: [...unprivileged(), ...withLimits({ l: 0 })] }, 'io_uring', {
        cause: 'memlock',
        reason: /ENOMEM: the limit of locked memory/,
        fix: /^sudo prlimit --pid \$\$ --memlock=8388608/,
      }));

    it('where there are no Unix sockets', () =>
      assertReady(denying(`${SOCKET}:${AF_UNIX}`, EAFNOSUPPORT)));

    it('where TLS 1.3 is the least', () =>
      assertReady({ env: { NODE_OPTIONS: '--tls-min-v1.3' } }));

    it('where Node.js loads no addons', () =>
      assertFallback({ env: { NODE_OPTIONS: '--no-addons' } }, 'addon', {
        cause: 'addon',
        reason: /loading addons is disabled/,
        fix: /^node without --no-addons; with --permission: --allow-addons/,
      }));

    it('without the addon', () =>
      assertFallback({ env: { SEARINGS_ADDON: '/nowhere.node' } }, 'addon', {
        cause: 'addon',
        reason: /does not load \(\/nowhere\.node: Cannot find module/,
        fix: /^unset SEARINGS_ADDON/,
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

  it('has zero-copy receive among the checks, with what to do for those who want it', async () => {
    const { report } = await searingsJson(['doctor'], { prefix: unprivileged() });
    const { status, text, fix } = checkOf(report, 'zcrx');
    const { ready, blockers, interfaces } = report.zeroCopyReceive;
    const could = interfaces.some((one) => one.blockers.length === 0);
    assert.equal(status, ready ? 'ok' : 'note');
    assert.ok(text.includes(ready ? 'can work' : could ? blockers[0].text : 'no interface can'));
    assert.equal(fix, ready ? null : could ? blockers[0].fix : 'npx searings zcrx-probe --all');
    const { stdout } = await searings(['doctor', '--require-zcrx'], { prefix: unprivileged() });
    assert.ok(stdout.includes(text) && stdout.includes(`fix: ${fix}`), stdout);
  });

  for (const [name, id] of [
    ['SEARINGS_DRIVER', 'driver'],
    ['SEARINGS_BACKEND', 'choice'],
  ]) {
    it(`tells once of a ${name} that there is not`, async () => {
      const { code, report } = await searingsJson(['doctor'], { env: { [name]: 'bogus' } });
      assert.equal(code, 1);
      assert.equal(report.verdict, 'broken');
      const blockers = report.checks.filter(({ status }) => status === 'blocker');
      assert.deepEqual(
        blockers.map((one) => [one.id, one.fix]),
        [[id, `unset ${name}`]],
      );
    });
  }

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

  describe('judges', () => {
    const works = {
      server: 'createTcpServer',
      ok: true,
      backend: 'io_uring',
      medianUs: 1,
      maxUs: 2,
    };
    const silent = { ...works, ok: false, error: 'no answer within 5 s', code: null };
    const noZeroCopy = { ready: false, blockers: [], interfaces: [] };
    const oldKernel = { code: 'kernel', text: 'too old', fix: 'install Linux 7' };
    const files = (soft, hard) => ({ limits: { nofile: { soft, hard } } });
    const namespaced = { initialUserNamespace: false, capIpcLock: true, capSysAdmin: true };
    const memlock = { soft: 0, hard: 0 };

    /** The host as it is but for this. */
    function hostWith({ limits, sandbox, ...others }) {
      const host = { ...capabilities(), ...others };
      const initially = { initialUserNamespace: true, capSysResource: false };
      return {
        ...host,
        limits: { ...host.limits, ...limits },
        sandbox: { ...host.sandbox, ...initially, ...sandbox },
      };
    }

    function judge(changes, id, servers = [works]) {
      return checkOf({ checks: checksOf(hostWith(changes), servers, noZeroCopy) }, id);
    }

    it('a server that does not answer by how many files there may be, else by loopback', () => {
      const id = 'server:createTcpServer';
      assert.match(judge(files(24, 65536), id, [silent]).fix, /^ulimit -n 65536; in a systemd/);
      assert.match(judge(files(65536, 65536), id, [silent]).fix, /^ip link set dev lo up/);
      const refused = [{ ...silent, code: 'EMFILE' }];
      assert.match(judge(files(65536, 65536), id, refused).fix, /^ulimit -n 65536; in a systemd/);
    });

    it('a server that does not serve by its error', () => {
      const id = 'server:createTcpServer';
      const fixFor = (code) => judge(files(65536, 65536), id, [{ ...silent, code }]).fix;
      assert.match(fixFor('EADDRNOTAVAIL'), /^ip link set dev lo up/);
      assert.match(fixFor('EAGAIN'), /TasksMax=infinity/);
      assert.match(fixFor('EAFNOSUPPORT'), /RestrictAddressFamilies=/);
      assert.match(fixFor('ERR_SSL_WHATEVER'), /^npx searings doctor --json/);
    });

    it('zero-copy receive by the machine only where an interface could', () => {
      const zcrx = (interfaces) => {
        const found = { ready: false, blockers: [oldKernel], interfaces };
        return checkOf({ checks: checksOf(hostWith({}), [works], found) }, 'zcrx').fix;
      };
      const card = { name: 'eth0', ready: false, blockers: [] };
      assert.equal(zcrx([card]), oldKernel.fix);
      const virtual = { ...card, blockers: [{ code: 'virtual' }] };
      assert.equal(zcrx([virtual]), 'npx searings zcrx-probe --all');
    });

    it('a limit by what can raise it', () => {
      const systemd =
        /^in a systemd unit: LimitNOFILE=65536; with Docker: --ulimit nofile=65536 {3}\(/;
      const { fix } = judge(files(64, 64), 'nofile');
      if (process.getuid() === 0) assert.match(fix, systemd);
      else assert.match(fix, /^sudo prlimit --pid \$\$ --nofile=65536; in a systemd unit: /);
      assert.match(judge(files(64, 8192), 'nofile').fix, /^ulimit -n 8192; /);
      const able = { ...files(64, 64), sandbox: { capSysResource: true } };
      assert.match(judge(able, 'nofile').fix, /^ulimit -n 65536; /);
      const inside = { ...able, sandbox: { capSysResource: true, ...namespaced } };
      assert.match(judge(inside, 'nofile').fix, systemd);
      for (const one of [fix, judge(able, 'nofile').fix]) assert.ok(!/\).*\(/.test(one), one);
    });

    it('locked memory by the capabilities that count', () => {
      const limits = { memlock };
      assert.equal(judge({ limits, sandbox: { capIpcLock: true } }, 'memlock').status, 'ok');
      assert.equal(judge({ limits, sandbox: namespaced }, 'memlock').status, 'warning');
    });

    it('a switch that cannot be read as such, and as missing where it was not there yet', () => {
      const limits = { ioUringDisabled: null };
      const on = (version) => judge({ limits, kernel: { release: 'x', version } }, 'sysctl');
      assert.deepEqual([on([6, 18, 0]).status, on([6, 1, 0]).status], ['note', 'ok']);
      assert.match(on([6, 18, 0]).text, /cannot be read/);
    });

    it('errors of a kernel in what is off by default as nothing to act on', () => {
      const kernel = { release: '6.14.2', version: [6, 14, 2] };
      const { status, text } = judge({ kernel }, 'kernel');
      assert.equal(status, 'note');
      assert.match(text, /errors in bundles and incremental buffers/);
    });

    it('EPERM inside of a user namespace by the sysctl, whatever root there may', () => {
      const at = (sandbox) =>
        diagnose('EPERM', hostWith({ limits: { ioUringDisabled: 1, ioUringGroup: -1 }, sandbox }));
      const { cause, command } = at({ ...namespaced, seccomp: 'none' });
      assert.deepEqual([cause, command], ['sysctl', 'sysctl -w kernel.io_uring_disabled=0']);
      const initially = { capSysAdmin: true, seccomp: 'none' };
      assert.equal(at(initially).cause, 'policy');
    });

    it('errors that say nothing of the kernel not by its age', () => {
      const causes = ['EINVAL', 'EOPNOTSUPP', 'EIO', 'ETIME'].map(
        (code) => diagnose(code, hostWith({})).cause,
      );
      assert.deepEqual(causes, ['kernel', 'kernel', 'unknown', 'unknown']);
    });
  });

  it('calls an old Node.js what it is, and tells where servers run', async () => {
    const faked = "Object.defineProperty(process.versions, 'node', { value: '18.20.0' })";
    const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'searings-')), 'old.js');
    fs.writeFileSync(file, faked);
    const { code, report } = await searingsJson(['doctor'], {
      env: { NODE_OPTIONS: `--require ${file}` },
    });
    fs.rmSync(path.dirname(file), { recursive: true });
    assert.equal(code, 0);
    assert.equal(checkOf(report, 'node').status, 'warning');
    assert.equal(report.verdict, 'ready');
  });

  it('has colours on a terminal, unless NO_COLOR is set', async () => {
    assert.ok((await onTerminal(['doctor'])).includes(`${COLOUR}32m`));
    const plain = await onTerminal(['doctor'], { NO_COLOR: '1' });
    assert.match(plain, /ready: servers run on io_uring/);
    assert.ok(!plain.includes(COLOUR));
  });
});
