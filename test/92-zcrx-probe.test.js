'use strict';

const assert = require('node:assert/strict');
const os = require('node:os');
const Ajv = require('ajv');
const { zcrxProbe } = require('..');
const { advisoriesFor } = require('../lib/host/advisories');
const { blockersOf, factsOf, warningsOf } = require('../lib/host/interfaces');
const schema = require('../docs/zcrx-probe.schema.json');
const { unprivileged, launcher, searings, searingsJson } = require('./helpers/launch');
const { limit } = require('./helpers/scale');

const { EPERM } = os.constants.errno;
const IO_URING_SETUP = 425;
const OVERRIDE = { SEARINGS_ZCRX_IGNORE_ADVISORIES: 'all' };
const isRoot = process.getuid() === 0;

const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

function assertValid(report) {
  assert.ok(validate(report), JSON.stringify(validate.errors, null, 2));
}

function codes(problems) {
  return problems.map(({ code }) => code);
}

/** What the addon would tell of a card that is all set up, but for what is given. */
function card(changes = {}) {
  const { errors, users, ...rest } = changes;
  return {
    index: 7,
    name: 'eth7',
    kind: null,
    parent: '0000:01:00.0',
    driver: 'mlx5_core',
    flags: 1,
    operstate: 6,
    xdpAttached: 0,
    xdpPrograms: [],
    rxQueues: 4,
    rxQueuesMax: 8,
    dataSplit: 2,
    hasSplitThreshold: true,
    splitThreshold: 0,
    ntuplePossible: true,
    ntupleOn: true,
    hasRssTable: true,
    rssSpreadsToQueue: false,
    hasRssContexts: true,
    rssContexts: 0,
    ...rest,
    users: { ioUring: false, afXdp: false, dmabuf: false, leased: false, ...users },
    errors: {
      driver: null,
      channels: null,
      rings: null,
      ntuple: null,
      rss: null,
      users: null,
      ...errors,
    },
  };
}

/** The blockers and warnings of such a card, as `code: fix`. */
function judge(changes, rxQueue = 3) {
  const facts = factsOf(card(changes), rxQueue);
  const lines = (problems) => problems.map(({ code, fix }) => `${code}: ${fix}`);
  return { blockers: lines(blockersOf(facts)), warnings: lines(warningsOf(facts)) };
}

describe('zcrxProbe()', function () {
  limit(this, 20);

  it('tells of every interface, in the form of the schema', () => {
    const report = zcrxProbe();
    assertValid(report);
    const names = report.interfaces.map(({ name }) => name);
    for (const name of Object.keys(os.networkInterfaces())) assert.ok(names.includes(name), name);
    assert.equal(report.kernel, os.release());
    assert.equal(
      report.ready,
      report.interfaces.some(({ ready }) => ready),
    );
  });

  it('asks about one interface and one queue', () => {
    const { interfaces } = zcrxProbe({ interface: 'lo', rxQueue: 5 });
    assert.equal(interfaces.length, 1);
    const [lo] = interfaces;
    assert.equal(lo.name, 'lo');
    assert.equal(lo.rxQueue.index, 5);
    assert.equal(lo.active, null);
    assert.deepEqual(codes(lo.blockers), ['virtual']);
  });

  it('says that an interface is not there', () => {
    const report = zcrxProbe({ interface: 'nothing0' });
    assertValid(report);
    assert.deepEqual(report.interfaces, []);
    const blocker = report.blockers.find(({ code }) => code === 'interface');
    assert.match(blocker.text, /no interface nothing0/);
    assert.equal(blocker.fix, 'ip -brief link');
  });

  it('refuses wrong options', () => {
    const wrong = (options, code) => assert.throws(() => zcrxProbe(options), { code });
    wrong({ interface: 1 }, 'ERR_INVALID_ARG_TYPE');
    wrong({ interface: '' }, 'ERR_INVALID_ARG_VALUE');
    wrong({ rxQueue: '0' }, 'ERR_INVALID_ARG_TYPE');
    wrong({ rxQueue: -1 }, 'ERR_OUT_OF_RANGE');
    wrong({ rxQueue: 65536 }, 'ERR_OUT_OF_RANGE');
    wrong({ rxBufferSize: 5000 }, 'ERR_INVALID_ARG_VALUE');
    wrong({ rxBufferSize: 2048 }, 'ERR_INVALID_ARG_VALUE');
    wrong({ active: 1 }, 'ERR_INVALID_ARG_TYPE');
    wrong({ activ: true }, 'ERR_INVALID_ARG_VALUE');
    wrong('eth0', 'ERR_INVALID_ARG_TYPE');
  });
});

describe('what keeps zero-copy receive from a queue', () => {
  for (const [what, changes, blockers, warnings = []] of [
    ['nothing, of a card that is set up', {}, []],
    ['an interface that is down', { flags: 0 }, ['down: ip link set dev eth7 up']],
    ['a queue that is not there yet', { rxQueues: 2 }, ['queue: ethtool -L eth7 combined 4']],
    [
      'a queue that the card does not have',
      { rxQueues: 2, rxQueuesMax: 2 },
      ['queue: --rx-queue 1'],
    ],
    [
      'headers and data together',
      { dataSplit: 1 },
      ['data-split: ethtool -G eth7 tcp-data-split on'],
    ],
    [
      'a driver that does not tell',
      { errors: { rings: 'EOPNOTSUPP' } },
      ['data-split: ethtool -G eth7 tcp-data-split on'],
    ],
    [
      'a threshold for the split',
      { splitThreshold: 256 },
      ['split-threshold: ethtool -G eth7 hds-thresh 0'],
    ],
    [
      'an XDP program',
      { xdpAttached: 1, xdpPrograms: ['drop_all'] },
      ['xdp: ip link set dev eth7 xdp off'],
    ],
    [
      'an AF_XDP socket',
      { users: { afXdp: true } },
      ['queue-used: ss --xdp -a -p   (to find it; or take another queue)'],
    ],
    [
      'no, but flow rules that are off are worth a warning',
      { ntupleOn: false },
      [],
      ['flow-steering: ethtool -K eth7 ntuple on'],
    ],
    [
      'no, but other traffic in the queue is',
      { rssSpreadsToQueue: true },
      [],
      ['rss: ethtool -X eth7 weight 1 1 1 0'],
    ],
    [
      'no, but a driver that is not known is',
      { driver: 'e1000e' },
      [],
      ['driver: searings zcrx-probe --interface eth7 --active'],
    ],
  ]) {
    it(what, () => assert.deepEqual(judge(changes), { blockers, warnings }));
  }

  it('the only queue', () => {
    const { blockers } = judge({ rxQueues: 1 }, 0);
    assert.deepEqual(blockers, ['queues: ethtool -L eth7 combined 2']);
  });

  it('several things at once, each with its fix', () => {
    const { blockers } = judge({ flags: 0, dataSplit: 1, splitThreshold: 1, xdpAttached: 2 });
    const names = blockers.map((line) => line.split(':')[0]);
    assert.deepEqual(names, ['down', 'data-split', 'split-threshold', 'xdp']);
  });
});

describe('kernel advisories', () => {
  const ids = (version, arch = 'x86_64') =>
    advisoriesFor({ version, arch }).map(({ id }) => id.slice('CVE-'.length));

  it('go by ranges of versions', () => {
    assert.deepEqual(ids([6, 14, 9]), []);
    assert.deepEqual(ids([6, 15, 6]).slice(0, 2), ['2025-38504', '2025-40046']);
    assert.ok(!ids([6, 15, 7]).includes('2025-38504'));
    assert.ok(ids([6, 17, 2]).includes('2025-40046'));
    assert.ok(!ids([6, 17, 3]).includes('2025-40046'));
    assert.deepEqual(ids([6, 18, 20]), ['2026-43174']);
    assert.ok(ids([6, 19, 0]).includes('2026-43121'), 'a second range');
    assert.deepEqual(ids([7, 1, 0]), []);
  });

  it('may concern some machines only', () => {
    assert.ok(!ids([6, 18, 1]).includes('2026-43224'));
    assert.ok(ids([6, 18, 1], 'armv7l').includes('2026-43224'));
  });
});

describe('searings zcrx-probe', function () {
  limit(this, 20);

  it('--all --json has the form of the schema', async () => {
    const { code, report } = await searingsJson(['zcrx-probe', '--all']);
    assert.equal(code, 0);
    assertValid(report);
    assert.ok(report.interfaces.length > 0);
  });

  it('--require-ready exits with 1 where it cannot work', async () => {
    const args = ['zcrx-probe', '--all', '--require-ready'];
    const { code, report } = await searingsJson(args, { prefix: unprivileged() });
    assert.equal(code, 1);
    assert.equal(report.ready, false);
  });

  it('prints what is in the way, with the fixes', async () => {
    const { code, stdout } = await searings(['zcrx-probe', '--interface', 'lo'], { env: OVERRIDE });
    assert.equal(code, 0);
    assert.match(stdout, /^zero-copy receive on Linux .*: it cannot work$/m);
    assert.match(stdout, /^lo \(.*\), queue 0: not ready$/m);
    assert.match(stdout, /^ {2}blocker +lo is virtual/m);
    assert.match(stdout, /^ +fix: searings zcrx-probe --all/m);
  });

  it('names what an unprivileged user lacks', async () => {
    const { report } = await searingsJson(['zcrx-probe', '--all'], {
      prefix: unprivileged(),
      env: OVERRIDE,
    });
    assertValid(report);
    assert.equal(report.permission.capNetAdmin, false);
    const permission = report.blockers.find(({ code }) => code === 'permission');
    assert.match(permission.fix, /setcap cap_net_admin\+ep \/.*node|user namespace/);
  });

  it('names what denies io_uring', async () => {
    const prefix = [launcher('deny'), String(IO_URING_SETUP), String(EPERM)];
    const { report } = await searingsJson(['zcrx-probe', '--all', '--active'], { prefix });
    assertValid(report);
    assert.ok(codes(report.blockers).includes('seccomp'));
    for (const { active } of report.interfaces) assert.equal(active, null);
  });

  it('gives a report without the addon', async () => {
    const env = { SEARINGS_ADDON: '/nowhere.node' };
    const { code, report } = await searingsJson(['zcrx-probe', '--interface', 'lo'], { env });
    assert.equal(code, 0);
    assertValid(report);
    assert.ok(codes(report.blockers).includes('addon'));
  });

  it('--active asks the kernel itself, unless an advisory forbids', async () => {
    const args = ['zcrx-probe', '--interface', 'lo', '--active'];
    const { report } = await searingsJson(args, { env: OVERRIDE });
    assertValid(report);
    const [{ active, blockers }] = report.interfaces;
    if (!isRoot) {
      assert.equal(active, null);
      return;
    }
    assert.deepEqual(active, {
      ok: false,
      stage: 'registration',
      reason: 'EOPNOTSUPP: the driver cannot hand out single queues',
    });
    assert.deepEqual(codes(blockers), ['virtual', 'refused']);

    const careful = await searingsJson(args);
    if (careful.report.advisories.length > 0) {
      assert.equal(careful.report.interfaces[0].active, null);
    }
  });
});
