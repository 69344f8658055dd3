'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { capabilities } = require('..');
const { compareVersions, parseRelease } = require('../lib/host/system');
const { threads, threadsBackTo } = require('./helpers/leftovers');
const { runNode, ROOT, unprivileged, withLimits } = require('./helpers/launch');
const { limit } = require('./helpers/scale');

const WANTED = [
  'multishotAccept',
  'multishotRecv',
  'bufferRing',
  'incrementalBuffers',
  'recvBundle',
  'sendBundle',
  'sendZeroCopy',
  'registeredSendBuffer',
  'deferTaskrun',
  'registeredRing',
  'napi',
  'sqpoll',
  'msgRing',
  'futexWait',
  'recvZeroCopy',
  'cqe32',
];

function openFiles() {
  return fs.readdirSync('/proc/self/fd').length;
}

const PROGRAM = `console.log(JSON.stringify(require(${JSON.stringify(ROOT)}).capabilities()))`;

/** What capabilities() gives in a process of its own. */
async function inProcess(env) {
  const { stdout, stderr } = await runNode(['-e', PROGRAM], { env });
  assert.equal(stderr, '');
  return JSON.parse(stdout);
}

/** The same with so few descriptors; null where they are too few for Node and its modules. */
async function withFiles(n) {
  const prefix = [...unprivileged(), ...withLimits({ n })];
  const { code, stdout } = await runNode(['-e', PROGRAM], { prefix });
  return code === 0 ? JSON.parse(stdout) : null;
}

describe('capabilities()', function () {
  limit(this, 20);

  it('tells of every feature whether it works, since when there is such a one, and how it looked', () => {
    const { features, kernel, usable, problem } = capabilities();
    assert.equal(usable, features.multishotRecv.available);
    assert.equal(problem === null, usable);
    for (const name of WANTED) assert.ok(name in features, name);
    for (const [name, feature] of Object.entries(features)) {
      assert.deepEqual(
        Object.keys(feature).sort(),
        ['available', 'probe', 'reason', 'since'],
        name,
      );
      assert.match(feature.since, /^\d+\.\d+$/);
      assert.ok(feature.probe.length > 10, name);
      assert.equal(feature.reason === null, feature.available, name);
      // Newer kernels have it; older ones may, because vendors backport.
      const expected = compareVersions(kernel.version, parseRelease(feature.since)) >= 0;
      if (name === 'recvZeroCopy' && !feature.available)
        assert.match(feature.reason, expected ? /^EPERM: / : /^E/);
      else if (expected) assert.equal(feature.reason, null, name);
    }
  });

  it('tells the kernel, the limits and the sandbox', () => {
    const { kernel, limits, sandbox } = capabilities();
    assert.equal(kernel.release, os.release());
    assert.equal(kernel.version.join('.'), /^\d+\.\d+\.\d+/.exec(os.release())[0]);
    assert.equal(kernel.arch, os.machine());
    const somaxconn = fs.readFileSync('/proc/sys/net/core/somaxconn', 'utf8');
    assert.equal(limits.somaxconn, Number(somaxconn));
    assert.ok([0, null].includes(limits.ioUringDisabled));
    for (const { soft, hard } of [limits.memlock, limits.nofile]) {
      for (const value of [soft, hard]) assert.ok(value === 'unlimited' || value > 0);
    }
    assert.ok(['none', 'strict', 'filter'].includes(sandbox.seccomp));
    assert.equal(typeof sandbox.capNetAdmin, 'boolean');
    assert.equal(typeof sandbox.initialUserNamespace, 'boolean');
  });

  it('leaves no descriptor and no thread behind', async () => {
    const before = [openFiles(), threads()];
    for (let i = 0; i < 5; i++) capabilities();
    assert.ok(openFiles() <= before[0]); // Node 26 may read certificates meanwhile, and close them
    await threadsBackTo(before[1]); // the kernel's own end a moment after their rings
  });

  it('says why nothing is available where the addon does not load', async () => {
    const { usable, problem, features, addon } = await inProcess({
      SEARINGS_ADDON: '/nowhere.node',
    });
    assert.equal(usable, false);
    assert.equal(problem.cause, 'addon');
    assert.equal(problem.command, 'unset SEARINGS_ADDON');
    assert.equal(addon.path, null);
    assert.equal(addon.attempts[0].path, '/nowhere.node');
    for (const { available, reason } of Object.values(features)) {
      assert.equal(available, false);
      assert.match(reason, /addon does not load/);
    }
  });

  for (const [what, source] of [
    ['exports nothing', ''],
    ['is null', 'module.exports = null'],
    ['throws what is no error', 'throw null'],
  ]) {
    it(`takes a module that ${what} for an addon that does not load`, async () => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-'));
      const SEARINGS_ADDON = path.join(folder, 'other.js');
      fs.writeFileSync(SEARINGS_ADDON, source);
      try {
        const { usable, problem, addon } = await inProcess({ SEARINGS_ADDON });
        assert.equal(usable, false);
        assert.equal(problem.cause, 'addon');
        assert.equal(addon.path, null);
        assert.equal(addon.attempts[0].path, SEARINGS_ADDON);
      } finally {
        fs.rmSync(folder, { recursive: true });
      }
    });
  }

  it('names the limit of open files wherever it leaves too little room', async () => {
    let n = 16;
    let report = null;
    while (report === null && n < 64) report = await withFiles(n++);
    assert.equal(report.problem.cause, 'nofile', 'with the fewest that do');
    for (; report.problem !== null; report = await withFiles(n++)) {
      const { problem, features } = report;
      assert.equal(problem.cause, 'nofile', `${n - 1}: ${problem.reason}`);
      assert.match(problem.command, /nofile=65536/);
      for (const { reason } of Object.values(features)) {
        assert.match(reason ?? '', /^$|EMFILE|does not load|^EPERM: takes CAP_NET_ADMIN/);
      }
    }
  });
});
