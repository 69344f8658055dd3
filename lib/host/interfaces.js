'use strict';

/*
 * One interface and one of its receive queues: the facts, and what keeps zero-copy receive from it.
 */

const IFF_UP = 1;
const OPERSTATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];
const XDP_MODES = ['none', 'driver', 'generic', 'hardware', 'several'];
const SPLITS = [null, 'off', 'on'];

/** Drivers whose queues are known to be usable for it. Others may be: only registering tells. */
const KNOWN_DRIVERS = ['bnxt_en', 'fbnic', 'gve', 'ice', 'idpf', 'mlx5_core'];

/** A value that the driver did not tell is null. */
function factsOf(nic, rxQueue) {
  const { errors } = nic;
  const unless = (error, value) => (error === null ? value : null);
  return {
    name: nic.name,
    index: nic.index,
    kind: nic.kind,
    device: nic.parent,
    driver: nic.driver,
    up: (nic.flags & IFF_UP) !== 0,
    operstate: OPERSTATES[nic.operstate] ?? 'unknown',
    rxQueues: unless(errors.channels, nic.rxQueues),
    rxQueuesMax: unless(errors.channels, nic.rxQueuesMax),
    dataSplit: unless(errors.rings, SPLITS[nic.dataSplit] ?? null),
    splitThreshold: errors.rings === null && nic.hasSplitThreshold ? nic.splitThreshold : null,
    ntuple: unless(errors.ntuple, { possible: nic.ntuplePossible, on: nic.ntupleOn }),
    rssContexts: nic.hasRssContexts ? nic.rssContexts : null,
    xdp: { mode: XDP_MODES[nic.xdpAttached] ?? 'several', programs: nic.xdpPrograms },
    rxQueue: {
      index: rxQueue,
      usedBy: unless(
        errors.users,
        Object.keys(nic.users).filter((user) => nic.users[user]),
      ),
      inRssTable: nic.hasRssTable ? nic.rssSpreadsToQueue : null,
    },
  };
}

function problem(code, text, fix) {
  return { code, text, fix };
}

const ANOTHER = 'searings zcrx-probe --all   (to look for another)';

function deviceBlockers({ name, up, device, kind }) {
  if (device === null) {
    const what = kind === null ? 'virtual' : `virtual (${kind})`;
    return [
      problem('virtual', `${name} is ${what}: it has no receive queues of hardware`, ANOTHER),
    ];
  }
  return up ? [] : [problem('down', `${name} is down`, `ip link set dev ${name} up`)];
}

function queueBlockers({ name, rxQueues, rxQueuesMax, rxQueue: { index } }) {
  if (rxQueues === null) return [];
  if (index >= rxQueues) {
    const fix =
      index < rxQueuesMax
        ? `ethtool -L ${name} combined ${index + 1}`
        : `--rx-queue ${rxQueues - 1}`;
    const text = `${name} has no receive queue ${index}, only ${rxQueues} (0 to ${rxQueues - 1})`;
    return [problem('queue', text, fix)];
  }
  if (rxQueues > 1) return [];
  const text = `${name} has one receive queue: all other traffic would be cut off`;
  return [problem('queues', text, rxQueuesMax > 1 ? `ethtool -L ${name} combined 2` : ANOTHER)];
}

function splitBlockers({ name, dataSplit, splitThreshold }) {
  const blockers = [];
  if (dataSplit !== 'on') {
    const text =
      dataSplit === 'off'
        ? 'headers and data arrive together'
        : 'the driver does not say that it can keep headers and data apart';
    blockers.push(problem('data-split', text, `ethtool -G ${name} tcp-data-split on`));
  }
  if (splitThreshold) {
    const text = `data of up to ${splitThreshold} bytes stays with its header`;
    blockers.push(problem('split-threshold', text, `ethtool -G ${name} hds-thresh 0`));
  }
  return blockers;
}

const USERS = {
  __proto__: null,
  ioUring: [
    'zero-copy receive of another process',
    'ls -l /proc/[0-9]*/fd 2>/dev/null | grep io_uring',
  ],
  afXdp: ['an AF_XDP socket', 'ss --xdp -a -p'],
  dmabuf: [
    'device memory (dmabuf) of another process',
    'ls -l /proc/[0-9]*/fd 2>/dev/null | grep dmabuf',
  ],
  leased: ['a virtual interface that has leased it', 'ip -d link'],
};

function userBlockers({ name, xdp, rxQueue }) {
  const blockers = [];
  if (xdp.mode !== 'none') {
    const named = xdp.programs.length > 0 ? ` (${xdp.programs.join(', ')})` : '';
    const text = `an XDP program is attached to ${name}, in ${xdp.mode} mode${named}`;
    blockers.push(problem('xdp', text, `ip link set dev ${name} xdp off`));
  }
  for (const user of rxQueue.usedBy ?? []) {
    const [what, command] = USERS[user];
    const text = `receive queue ${rxQueue.index} is used by ${what}`;
    blockers.push(problem('queue-used', text, `${command}   (to find it; or take another queue)`));
  }
  return blockers;
}

function blockersOf(facts) {
  const device = deviceBlockers(facts);
  // What is virtual has nothing else to put right, but what else uses it is worth knowing.
  if (facts.device === null) return [...device, ...userBlockers(facts)];
  return [...device, ...queueBlockers(facts), ...splitBlockers(facts), ...userBlockers(facts)];
}

/** An RSS table without one queue. */
function weights(queues, without) {
  return Array.from({ length: queues }, (_, queue) => (queue === without ? 0 : 1)).join(' ');
}

function warningsOf({ name, device, driver, ntuple, rxQueues, rxQueue }) {
  if (device === null) return [];
  const warnings = [];
  if (!KNOWN_DRIVERS.includes(driver)) {
    const text = `the driver ${driver ?? '(unknown)'} is not known to hand out its queues`;
    warnings.push(problem('driver', text, `searings zcrx-probe --interface ${name} --active`));
  }
  if (ntuple !== null && !ntuple.on) {
    const text = ntuple.possible
      ? 'flow rules are off: nothing steers connections to the queue'
      : 'the card has no flow rules: nothing steers connections to the queue';
    warnings.push(
      problem('flow-steering', text, ntuple.possible ? `ethtool -K ${name} ntuple on` : ANOTHER),
    );
  }
  if (rxQueue.inRssTable && rxQueues > 1) {
    const fix = `ethtool -X ${name} weight ${weights(rxQueues, rxQueue.index)}`;
    warnings.push(problem('rss', `other traffic also goes to queue ${rxQueue.index} (RSS)`, fix));
  }
  return warnings;
}

module.exports = { ANOTHER, blockersOf, factsOf, problem, warningsOf };
