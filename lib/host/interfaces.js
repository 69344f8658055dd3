'use strict';

/*
 * One interface and one of its receive queues: the facts, and what keeps zero-copy receive from it.
 */

const IFF_UP = 1;
const OPERSTATES = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];
const NO_PACKETS = ['notpresent', 'down', 'lowerlayerdown'];
const XDP_MODES = ['none', 'driver', 'generic', 'hardware', 'several'];
const CHANNEL_KINDS = [null, 'combined', 'rx'];
const SPLITS = [null, 'off', 'on'];
const PAGE = 4096;

/** Drivers whose queues are known to be usable for it. Others may be: only registering tells. */
const KNOWN_DRIVERS = ['bnxt_en', 'fbnic', 'gve', 'ice', 'idpf', 'mlx5_core'];

/** A value that the driver did not tell is null. */
function factsOf(nic, rxQueue) {
  const { errors } = nic;
  const unless = (error, value) => (error === null ? value : null);
  const kind = CHANNEL_KINDS[nic.channelKind] ?? null;
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
    channels: errors.channels === null && kind !== null ? { kind, count: nic.channels } : null,
    dataSplit: unless(errors.rings, SPLITS[nic.dataSplit] ?? null),
    splitThreshold: errors.rings === null && nic.hasSplitThreshold ? nic.splitThreshold : null,
    ntuple: unless(errors.ntuple, { possible: nic.ntuplePossible, on: nic.ntupleOn }),
    rssContexts: nic.hasRssContexts ? nic.rssContexts : null,
    xdp: {
      mode: XDP_MODES[nic.xdpAttached] ?? 'several',
      programs: nic.xdpPrograms,
      link: nic.xdpLink ?? null,
    },
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

// --- commands that are fixes

/** The command that asks what was asked, but for what is given. */
function probeCommand(asked, changes = {}) {
  const { interface: name, rxQueue, rxBufferSize, active } = { ...asked, ...changes };
  const words = ['npx searings zcrx-probe', name === undefined ? '--all' : `--interface ${name}`];
  if (rxQueue > 0) words.push(`--rx-queue ${rxQueue}`);
  if (rxBufferSize > 0) words.push(`--rx-buffer-size ${rxBufferSize}`);
  if (active) words.push('--active');
  return words.join(' ');
}

/** Where there may be a better interface; all of them are told of already where all were asked about. */
function another(asked) {
  if (asked.interface === undefined) {
    return 'ls -l /sys/class/net   (network cards are those that are not below devices/virtual)';
  }
  const command = probeCommand(asked, { interface: undefined, active: false });
  return `${command}   (to look for another)`;
}

/** Gives an interface so many receive queues; those of the other kind of channels stay. */
function setQueues({ name, rxQueues, channels }, wanted) {
  const { kind, count } = channels ?? { kind: 'combined', count: rxQueues };
  return `ethtool -L ${name} ${kind} ${wanted - (rxQueues - count)}`;
}

// --- blockers

function deviceBlockers({ name, up, operstate, device, kind }, asked) {
  if (device === null) {
    const what = kind === null ? 'virtual' : `virtual (${kind})`;
    const text = `${name} is ${what}: it has no receive queues of hardware`;
    return [problem('virtual', text, another(asked))];
  }
  if (!up) return [problem('down', `${name} is down`, `ip link set dev ${name} up`)];
  if (!NO_PACKETS.includes(operstate)) return [];
  const text = `${name} has no link (${operstate}): no packet can come`;
  return [
    problem('no-link', text, `ethtool ${name}   (then plug in the cable, or start the peer)`),
  ];
}

/** One queue is for all other traffic, so there have to be two. */
function queueFix(facts, asked) {
  const { name, rxQueues, rxQueuesMax, rxQueue } = facts;
  const wanted = Math.max(rxQueue.index + 1, 2);
  if (wanted <= rxQueuesMax) return setQueues(facts, wanted);
  if (rxQueues > 1) return probeCommand(asked, { interface: name, rxQueue: rxQueues - 1 });
  return rxQueuesMax > 1 ? setQueues(facts, rxQueuesMax) : another(asked);
}

function queueBlockers(facts, asked) {
  const { name, rxQueues, rxQueue } = facts;
  if (rxQueues === null) return [];
  if (rxQueue.index >= rxQueues) {
    const range = rxQueues === 0 ? 'it has none' : `only ${rxQueues} (0 to ${rxQueues - 1})`;
    const text = `${name} has no receive queue ${rxQueue.index}: ${range}`;
    return [problem('queue', text, queueFix(facts, asked))];
  }
  if (rxQueues > 1) return [];
  const text = `${name} has one receive queue: all other traffic would be cut off`;
  return [problem('queues', text, queueFix(facts, asked))];
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

const XDP_WORDS = {
  __proto__: null,
  driver: ['xdpdrv'],
  generic: ['xdpgeneric'],
  hardware: ['xdpoffload'],
  several: ['xdpoffload', 'xdpdrv', 'xdpgeneric'],
};

/** What a BPF link holds, only the link can let go. */
function xdpFix(name, { mode, link }) {
  if (link > 0) {
    return `bpftool link detach id ${link}   (or end the process that holds it: bpftool link show id ${link})`;
  }
  const commands = XDP_WORDS[mode].map((word) => `ip link set dev ${name} ${word} off`).join('; ');
  if (link === 0) return commands;
  return `${commands}   (if it is busy, a link holds it: bpftool link list; bpftool link detach id <id>)`;
}

function userBlockers({ name, xdp, rxQueue }) {
  const blockers = [];
  if (xdp.mode !== 'none') {
    const named = xdp.programs.length > 0 ? ` (${xdp.programs.join(', ')})` : '';
    const text = `an XDP program is attached to ${name}, in ${xdp.mode} mode${named}`;
    blockers.push(problem('xdp', text, xdpFix(name, xdp)));
  }
  for (const user of rxQueue.usedBy ?? []) {
    const [what, command] = USERS[user];
    const text = `receive queue ${rxQueue.index} is used by ${what}`;
    blockers.push(problem('queue-used', text, `${command}   (to find it; or take another queue)`));
  }
  return blockers;
}

/** @param {object} asked the options of zcrxProbe() */
function blockersOf(facts, asked) {
  const device = deviceBlockers(facts, asked);
  // What is virtual has nothing else to put right, but what else uses it is worth knowing.
  if (facts.device === null) return [...device, ...userBlockers(facts)];
  return [
    ...device,
    ...queueBlockers(facts, asked),
    ...splitBlockers(facts),
    ...userBlockers(facts),
  ];
}

// --- warnings

/** An RSS table without one queue. */
function weights(queues, without) {
  return Array.from({ length: queues }, (_, queue) => (queue === without ? 0 : 1)).join(' ');
}

/** What only registering the queue can tell, so there is nothing to warn of where that was done. */
function untriedWarnings({ name, driver, rxQueues, rxQueue }, asked, fix) {
  const warnings = [];
  if (rxQueues === null) {
    const text = `how many receive queues ${name} has is not known, so ${rxQueue.index} may not be one`;
    warnings.push(problem('queues-unknown', text, `ls -d /sys/class/net/${name}/queues/rx-*`));
  }
  if (!KNOWN_DRIVERS.includes(driver)) {
    const text = `the driver ${driver ?? '(unknown)'} is not known to hand out its queues`;
    warnings.push(problem('driver', text, fix));
  }
  if (asked.rxBufferSize > PAGE) {
    const text = 'whether the card has buffers of that size shows when the queue is registered';
    warnings.push(problem('buffer-size', text, fix));
  }
  return warnings;
}

function trafficWarnings({ name, ntuple, rxQueues, rxQueue }, asked) {
  const warnings = [];
  if (ntuple !== null && !ntuple.on) {
    const text = ntuple.possible
      ? 'flow rules are off: nothing steers connections to the queue'
      : 'the card has no flow rules: nothing steers connections to the queue';
    const fix = ntuple.possible ? `ethtool -K ${name} ntuple on` : another(asked);
    warnings.push(problem('flow-steering', text, fix));
  }
  if (rxQueue.inRssTable && rxQueues > 1) {
    const fix = `ethtool -X ${name} weight ${weights(rxQueues, rxQueue.index)}`;
    warnings.push(problem('rss', `other traffic also goes to queue ${rxQueue.index} (RSS)`, fix));
  }
  return warnings;
}

/**
 * @param {object} asked the options of zcrxProbe()
 * @param {{registered: boolean, blocked: boolean}} found whether the queue was registered, and whether
 *   anything is in the way of that
 */
function warningsOf(facts, asked, { registered, blocked }) {
  if (facts.device === null) return [];
  const command = probeCommand(asked, { interface: facts.name, active: !blocked });
  const fix = `${command}   (${blocked ? 'again, without the blockers' : 'restarts the queue'})`;
  const untried = registered ? [] : untriedWarnings(facts, asked, fix);
  return [...untried, ...trafficWarnings(facts, asked)];
}

module.exports = { PAGE, another, blockersOf, factsOf, probeCommand, problem, warningsOf };
