'use strict';

/* Needs root. What is attached is in a network namespace of its own, and gone with it. */

const assert = require('node:assert/strict');
const { launcher, searings, searingsJson } = require('../helpers/launch');
const { limit } = require('../helpers/scale');

/** The report there, after the commands of `script`. */
async function loopbackWith(what, script = ':') {
  const prefix = [launcher('with_xdp'), what, 'sh', '-c', `${script}; exec "$@"`, 'sh'];
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

  it('what holds the program, so that the fix removes it', async () => {
    const { lo } = await loopbackWith('program');
    assert.equal(lo.xdp.link, 0);
    const [, { code, fix }] = lo.blockers;
    assert.equal(code, 'xdp');
    assert.equal(fix, 'ip link set dev lo xdpgeneric off');
    const fixed = await loopbackWith('program', fix);
    assert.deepEqual(fixed.codes, ['virtual']);
  });

  it('the link that holds the program, which only the link lets go', async () => {
    const off = 'ip link set dev lo xdpgeneric off 2>/dev/null';
    const { codes } = await loopbackWith('link', off);
    assert.deepEqual(codes, ['virtual', 'xdp'], 'it is held');
    const script = 'grep -h link_id /proc/self/fdinfo/*; exec "$@"';
    const prefix = [launcher('with_xdp'), 'link', 'sh', '-c', script, 'sh'];
    const { stdout } = await searings(['zcrx-probe', '--interface', 'lo'], { prefix });
    const [, id] = /^link_id:\s+(\d+)$/m.exec(stdout);
    assert.match(stdout, new RegExp(`^ +fix: bpftool link detach id ${id} `, 'm'));
  });

  it('that what holds it is not to be known without CAP_SYS_ADMIN', async () => {
    const drop = 'setpriv --bounding-set=-sys_admin,-bpf';
    const prefix = [launcher('with_xdp'), 'link', ...drop.split(' ')];
    const { report } = await searingsJson(['zcrx-probe', '--interface', 'lo'], { prefix });
    const [{ xdp, blockers }] = report.interfaces;
    assert.equal(xdp.link, null);
    assert.match(blockers[1].fix, /^ip link set dev lo xdpgeneric off .*bpftool link detach/);
  });

  it('an AF_XDP socket', async () => {
    const { lo, codes } = await loopbackWith('socket');
    assert.equal(lo.xdp.mode, 'none');
    assert.deepEqual(lo.rxQueue.usedBy, ['afXdp']);
    assert.deepEqual(codes, ['virtual', 'queue-used']);
  });
});
