'use strict';

const assert = require('node:assert/strict');
const os = require('node:os');
const Ajv = require('ajv');
const { capabilities, zcrxProbe } = require('..');
const { loadBinding } = require('../lib/binding');
const { advisoriesFor } = require('../lib/host/advisories');
const { blockersOf, factsOf, warningsOf } = require('../lib/host/interfaces');
const { permissionFix } = require('../lib/host/refusals');
const { probeOn } = require('../lib/host/zcrx');
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
    xdpLink: 0,
    rxQueues: 4,
    rxQueuesMax: 8,
    channelKind: 1,
    channels: 4,
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

const ASKED = { interface: 'eth7', rxQueue: 3, rxBufferSize: 0, active: false };

/** The blockers and warnings of such a card, as `code: fix`. */
function judge(changes, options = {}) {
  const asked = { ...ASKED, ...options };
  const facts = factsOf(card(changes), asked.rxQueue);
  const lines = (problems) => problems.map(({ code, fix }) => `${code}: ${fix}`);
  const blockers = lines(blockersOf(facts, asked));
  const found = { registered: false, blocked: blockers.length > 0 };
  return { blockers, warnings: lines(warningsOf(facts, asked, found)) };
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
    wrong({ interface: 'lo\0x' }, 'ERR_INVALID_ARG_VALUE');
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
    [
      'a queue that is not there yet',
      { rxQueues: 2, channels: 2 },
      ['queue: ethtool -L eth7 combined 4'],
    ],
    [
      'a queue that the card does not have',
      { rxQueues: 2, rxQueuesMax: 2, channels: 2 },
      ['queue: npx searings zcrx-probe --interface eth7 --rx-queue 1'],
    ],
    [
      'a queue of a card that has none',
      { rxQueues: 0, rxQueuesMax: 0, channels: 0 },
      ['queue: npx searings zcrx-probe --all --rx-queue 3   (to look for another)'],
    ],
    [
      'a queue of a card with channels that only receive',
      { rxQueues: 2, channelKind: 2, channels: 2 },
      ['queue: ethtool -L eth7 rx 4'],
    ],
    [
      'a queue of a card with both kinds of channels',
      { rxQueues: 3, channels: 2 },
      ['queue: ethtool -L eth7 combined 3'],
    ],
    [
      'an interface without a link',
      { operstate: 2 },
      ['no-link: ethtool eth7   (then plug in the cable, or start the peer)'],
    ],
    [
      'an interface whose lower one has no link',
      { operstate: 3 },
      ['no-link: ethtool eth7   (then plug in the cable, or start the peer)'],
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
      ['xdp: ip link set dev eth7 xdpdrv off'],
    ],
    ['a generic XDP program', { xdpAttached: 2 }, ['xdp: ip link set dev eth7 xdpgeneric off']],
    [
      'an XDP program in the card',
      { xdpAttached: 3 },
      ['xdp: ip link set dev eth7 xdpoffload off'],
    ],
    [
      'an XDP program that a link holds',
      { xdpAttached: 1, xdpLink: 12 },
      [
        'xdp: bpftool link detach id 12   (or end the process that holds it: bpftool link show id 12)',
      ],
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
      [
        'driver: npx searings zcrx-probe --interface eth7 --rx-queue 3 --active   (restarts the queue)',
      ],
    ],
    [
      'what keeps --active from a driver that is not known as well',
      { driver: 'e1000e', dataSplit: 1 },
      ['data-split: ethtool -G eth7 tcp-data-split on'],
      [
        'driver: npx searings zcrx-probe --interface eth7 --rx-queue 3   (again, without the blockers)',
      ],
    ],
    [
      'no, but a number of queues that is not known is',
      { errors: { channels: 'EOPNOTSUPP' } },
      [],
      ['queues-unknown: ls -d /sys/class/net/eth7/queues/rx-*'],
    ],
  ]) {
    it(what, () => assert.deepEqual(judge(changes), { blockers, warnings }));
  }

  it('the only queue', () => {
    const { blockers } = judge({ rxQueues: 1, channels: 1 }, { rxQueue: 0 });
    assert.deepEqual(blockers, ['queues: ethtool -L eth7 combined 2']);
  });

  it('nothing that --all would help with, where all were asked about', () => {
    const { blockers } = judge({ parent: null }, { interface: undefined });
    assert.match(blockers[0], /^virtual: ls -l \/sys\/class\/net /);
  });

  it('several things at once, each with its fix', () => {
    const { blockers } = judge({ flags: 0, dataSplit: 1, splitThreshold: 1, xdpAttached: 2 });
    const names = blockers.map((line) => line.split(':')[0]);
    assert.deepEqual(names, ['down', 'data-split', 'split-threshold', 'xdp']);
  });
});

/** zcrxProbe() on a kernel that can, unless `host` says otherwise, with one card. */
function probeCard(changes, options, { host = {}, answer = null, found, tryIt } = {}) {
  const available = { available: true, probe: 'tries', since: '6.15', reason: null };
  const machine = {
    kernel: { release: '7.1.0', version: [7, 1, 0], arch: 'x86_64' },
    problem: null,
    sandbox: { capNetAdmin: true, initialUserNamespace: true },
    features: { recvZeroCopy: available, cqe32: available },
    ...host,
  };
  const tried = [];
  const binding = {
    interfaces: () => found ?? [card(changes)],
    tryZeroCopyReceive(...queue) {
      tried.push(queue);
      return tryIt ? tryIt(...queue) : { stage: 'registration', code: answer };
    },
  };
  const report = probeOn(machine, { ...ASKED, ...options }, { binding });
  assertValid(report);
  return { report, one: report.interfaces[0], tried };
}

const OLDER = { kernel: { release: '6.14.0', version: [6, 14, 0], arch: 'x86_64' } };
const ACTIVE = { active: true };

describe('the queue is registered where --active asks for it', () => {
  it('and nothing is in the way', () => {
    const { one, tried } = probeCard({ driver: 'e1000e' }, { ...ACTIVE, rxBufferSize: 8192 });
    assert.deepEqual(tried, [[7, 3, 8192]]);
    assert.equal(one.ready, true);
    assert.deepEqual(one.active, { ok: true, stage: 'registration', reason: null });
    assert.equal(one.activeHeldBack, null);
    assert.deepEqual(one.warnings, [], 'it is known now');
  });

  it('but not the only queue, nor one that is in use', () => {
    const changes = { rxQueues: 1, rxQueuesMax: 1, channels: 1, users: { afXdp: true } };
    const { one, tried } = probeCard(changes, { ...ACTIVE, rxQueue: 0 });
    assert.deepEqual(tried, []);
    assert.equal(one.active, null);
    assert.equal(one.ready, false);
    assert.equal(one.activeHeldBack, 'there are blockers of the interface: queues, queue-used');
  });

  it('but not without the permission, nor on a kernel with an advisory', () => {
    const reason = 'EPERM: takes CAP_NET_ADMIN in the initial user namespace';
    const recvZeroCopy = { available: false, probe: 'tries', since: '6.15', reason };
    const cqe32 = { available: true, probe: 'tries', since: '5.19', reason: null };
    const kernel = { release: '6.18.20', version: [6, 18, 20], arch: 'x86_64' };
    const host = { kernel, features: { recvZeroCopy, cqe32 } };
    const { one, tried } = probeCard({}, ACTIVE, { host });
    assert.deepEqual(tried, []);
    assert.equal(one.activeHeldBack, 'there are blockers of the machine: permission, advisory');
  });

  it('by the kernel itself, which refuses those of loopback', () => {
    const { tryZeroCopyReceive: tryIt } = loadBinding().binding;
    const index = zcrxProbe({ interface: 'lo' }).interfaces[0].index;
    const { one } = probeCard({ index }, ACTIVE, { tryIt });
    assert.deepEqual(codes(one.blockers), ['refused']);
    if (capabilities().features.recvZeroCopy.available) {
      assert.equal(one.active.stage, 'registration');
      assert.match(one.active.reason, /^EOPNOTSUPP: the driver cannot hand out single queues/);
    }
  });

  it('and not where it does not', () => {
    const { one, tried } = probeCard({ dataSplit: 1 }, {});
    assert.deepEqual(tried, []);
    assert.equal(one.activeHeldBack, null);
  });

  for (const [code, fix, options] of [
    ['EPERM', /NET_ADMIN/],
    ['EINVAL', /^ethtool -g eth7 /],
    ['ERANGE', /^ls -d \/sys\/class\/net\/eth7\/queues\/rx-\*/],
    ['ERANGE', /^npx searings zcrx-probe --interface eth7 --rx-queue 3 --active /, 8192],
    ['ENODEV', /^ip -brief link/],
    ['EIO', /^dmesg/],
    ['EOPNOTSUPP', /^npx searings zcrx-probe --all/],
  ]) {
    it(`a refusal with ${code} has a fix of its own${options ? ', of a size too' : ''}`, () => {
      const asked = { ...ACTIVE, rxBufferSize: options ?? 0 };
      const { one } = probeCard({}, asked, { answer: code });
      assert.equal(one.ready, false);
      assert.match(one.active.reason, new RegExp(`^${code}: `));
      assert.deepEqual(codes(one.blockers), ['refused']);
      assert.match(one.blockers[0].fix, fix);
    });
  }
});

describe('what keeps it from every queue', () => {
  it('is a kernel before 7.0, of other buffers than a page', () => {
    const { report } = probeCard({}, { rxBufferSize: 8192 }, { host: OLDER });
    assert.equal(report.ready, false);
    assert.deepEqual(codes(report.blockers), ['buffer-size']);
    assert.match(
      report.blockers[0].fix,
      /^npx searings zcrx-probe --interface eth7 --rx-queue 3 {3}\(/,
    );
    assert.equal(probeCard({}, { rxBufferSize: 4096 }, { host: OLDER }).report.ready, true);
    assert.equal(probeCard({}, { rxBufferSize: 8192 }).report.ready, true);
  });

  for (const name of ['eth7', undefined]) {
    it(`is that interfaces cannot be listed, ${name ? 'one' : 'all'} of them`, () => {
      const { report } = probeCard({}, { interface: name }, { found: 'EPERM' });
      assert.deepEqual(codes(report.blockers), ['interfaces']);
      assert.match(report.blockers[0].text, /EPERM/);
      assert.equal(report.ready, false);
    });
  }

  it('is a missing capability, which is not to be given to every Node.js program', () => {
    const sandbox = { initialUserNamespace: true };
    const fix = permissionFix(ASKED, sandbox);
    assert.match(
      fix,
      isRoot ? /^docker run --cap-add NET_ADMIN/ : /^sudo env .* npx searings zcrx/,
    );
    assert.ok(!fix.includes('setcap'));
    const rootless = permissionFix(ASKED, { initialUserNamespace: false });
    assert.match(rootless, /outside of this user namespace/);
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

  it('tells of an ignored advisory that there is not, where one is in the way', async () => {
    const env = { SEARINGS_ZCRX_IGNORE_ADVISORIES: 'CVE-2026-1' };
    const { report } = await searingsJson(['zcrx-probe', '--all'], { env });
    assertValid(report);
    const told = report.blockers.some(({ code }) => code === 'advisory-unknown');
    assert.equal(told, report.advisories.length > 0);
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
    assert.match(stdout, /^ +fix: npx searings zcrx-probe --all/m);
  });

  it('names what an unprivileged user lacks', async () => {
    const { report } = await searingsJson(['zcrx-probe', '--all'], {
      prefix: unprivileged(),
      env: OVERRIDE,
    });
    assertValid(report);
    assert.equal(report.permission.capNetAdmin, false);
    const permission = report.blockers.find(({ code }) => code === 'permission');
    assert.match(
      permission.fix,
      /^sudo env "PATH=\$PATH" npx searings zcrx-probe --all|user namespace/,
    );
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

  it('--active leaves an interface with blockers alone, and says why', async () => {
    const args = ['zcrx-probe', '--interface', 'lo', '--active'];
    const { report } = await searingsJson(args, { env: OVERRIDE });
    assertValid(report);
    const [{ active, activeHeldBack }] = report.interfaces;
    assert.equal(active, null);
    assert.match(activeHeldBack, /of the interface: virtual$/);
    const { stdout } = await searings(args, { env: OVERRIDE });
    assert.match(stdout, /^ {2}the queue was not registered: there are blockers .*virtual$/m);
  });
});
