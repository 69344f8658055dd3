'use strict';

/* On which rung of the ladder servers stand on this kernel, and what they say about it. */

const assert = require('node:assert/strict');
const os = require('node:os');
const searings = require('../..');
const { runNode, searingsJson } = require('../helpers/launch');
const { limit } = require('../helpers/scale');
const { KERNELS, versionOf } = require('./expected');

const ECHO = require.resolve('../helpers/programs/echo-once');
const FAST_PATHS = {
  recvBundle: 'useRecvBundle',
  incrementalBuffers: 'useIncrementalBuffers',
  zeroCopySend: 'useZeroCopySend',
  registeredSendBuffer: 'useRegisteredSendBuffer',
};
/** The feature that a fast path is made of. */
const FEATURE_OF = { zeroCopySend: 'sendZeroCopy' };

/** info() of a server that listens, which is then stopped. */
async function infoOf(options) {
  const server = searings.createTcpServer(options);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const info = server.info();
  await server.stop();
  return info;
}

describe(`the ladder on ${os.release()}`, function () {
  limit(this, 20);
  const expected = KERNELS[versionOf(os.release())];
  const { backend, problem, missing } = expected;
  const onUring = backend === 'io_uring';
  const codeOf = (feature) => missing[feature]?.split(':')[0];

  it('capabilities() finds what this kernel has, and why it has no more', () => {
    const found = searings.capabilities();
    assert.equal(found.usable, onUring);
    assert.equal(found.problem?.cause, onUring ? undefined : 'kernel');
    const reasons = Object.entries(found.features)
      .filter(([, { available }]) => !available)
      .map(([name, { reason }]) => [name, reason]);
    assert.deepEqual(Object.fromEntries(reasons), missing);
  });

  for (const driver of ['worker', 'inline']) {
    it(`info() names the transport, the rung and the fast paths (${driver})`, async () => {
      const asked = Object.fromEntries(Object.values(FAST_PATHS).map((option) => [option, true]));
      const info = await infoOf({ driver, ...asked });
      assert.equal(info.backend, backend);
      assert.equal(info.driver, onUring ? driver : null);
      if (!onUring) {
        assert.equal(info.fallbackReason, `io_uring is not usable here: ${problem}`);
        return;
      }
      assert.equal(info.fallbackReason, null);
      assert.equal(info.restrictedRing, 'on');
      for (const [feature, word] of Object.entries(info.features)) {
        assert.equal(word, codeOf(feature) ?? 'available', feature);
      }
      // One way of filling buffers at a time: bundles stand back.
      const incremental = codeOf('incrementalBuffers') === undefined;
      assert.equal(info.fastPaths.recvBundle, incremental ? 'EBUSY' : codeOf('recvBundle'));
    });
  }

  for (const [path, option] of Object.entries(FAST_PATHS)) {
    it(`${option} alone is on, or off with its reason`, async () => {
      const { fastPaths } = await infoOf({ [option]: true });
      if (!onUring) return assert.equal(fastPaths, undefined);
      assert.equal(fastPaths[path], codeOf(FEATURE_OF[path] ?? path) ?? 'on');
    });
  }

  it('a program of its own serves there, and is warned if that is by fallback', async () => {
    const { code, stdout, stderr } = await runNode([ECHO]);
    assert.equal(code, 0, stderr);
    const seen = JSON.parse(stdout);
    assert.equal(seen.backend, backend);
    assert.equal(seen.echo, 'hello');
    assert.deepEqual(seen.warnings, onUring ? [] : ['SEARINGS_FALLBACK']);
  });

  it('every kind of server says the same to doctor', async () => {
    const { report } = await searingsJson(['doctor']);
    assert.ok(report.servers.length > 5);
    for (const one of report.servers) {
      assert.equal(one.ok, true, `${one.server}: ${one.error}`);
      assert.equal(one.backend, backend, one.server);
    }
    assert.equal(report.verdict, onUring ? 'ready' : 'fallback');
  });
});
