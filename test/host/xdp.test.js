'use strict';

/* Needs root. What is attached is in a network namespace of its own, and gone with it. */

const assert = require('node:assert/strict');
const { launcher, searingsJson } = require('../helpers/launch');
const { limit } = require('../helpers/scale');

async function loopbackWith(what) {
  const prefix = [launcher('with_xdp'), what];
  const { report } = await searingsJson(['zcrx-probe', '--interface', 'lo'], { prefix });
  const [lo] = report.interfaces;
  return { lo, libraries: report.libraries, codes: lo.blockers.map(({ code }) => code) };
}

describe('zcrx-probe sees', function () {
  limit(this, 20);

  it('an XDP program, and its name where a library for that is installed', async () => {
    const { lo, libraries, codes } = await loopbackWith('program');
    assert.equal(lo.xdp.mode, 'generic');
    const named = libraries.libbpf !== null || libraries.libxdp !== null;
    assert.deepEqual(lo.xdp.programs, named ? ['let_pass'] : []);
    assert.deepEqual(codes, ['virtual', 'xdp']);
  });

  it('an AF_XDP socket', async () => {
    const { lo, codes } = await loopbackWith('socket');
    assert.equal(lo.xdp.mode, 'none');
    assert.deepEqual(lo.rxQueue.usedBy, ['afXdp']);
    assert.deepEqual(codes, ['virtual', 'queue-used']);
  });
});
