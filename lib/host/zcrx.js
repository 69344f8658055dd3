'use strict';

const { loadBinding } = require('../binding');
const { invalidArgValue } = require('../errors');
const { normalizeOptions } = require('../options');
const { IGNORE, advisoriesFor, unknownIds } = require('./advisories');
const { capabilities } = require('./capabilities');
const { PAGE, blockersOf, factsOf, probeCommand, problem, warningsOf } = require('./interfaces');
const { permissionFix, refusalBlocker, refusalReason } = require('./refusals');
const { compareVersions } = require('./system');

const SIZES_SINCE = [7, 0, 0];

const OPTIONS = {
  __proto__: null,
  interface: { kind: 'string', default: undefined },
  rxQueue: { kind: 'integer', default: 0, min: 0, max: 65535 },
  rxBufferSize: { kind: 'integer', default: 0, min: 0, max: 2 ** 30 },
  active: { kind: 'boolean', default: false },
};

function checkOptions(given) {
  const options = normalizeOptions(given, OPTIONS);
  const size = options.rxBufferSize;
  if (size !== 0 && (size < PAGE || (size & (size - 1)) !== 0)) {
    const must = `must be 0 or a power of two from ${PAGE} on`;
    throw invalidArgValue('"options.rxBufferSize" property', size, must);
  }
  const name = options.interface;
  if (name !== undefined && (name === '' || name.includes('\0'))) {
    throw invalidArgValue('"options.interface" property', name, 'must name an interface');
  }
  return options;
}

// --- the host

function kernelBlocker({ reason }, { sandbox }, asked) {
  if (reason.startsWith('EPERM')) {
    return problem('permission', 'CAP_NET_ADMIN is missing', permissionFix(asked, sandbox));
  }
  const text = `this kernel has no zero-copy receive (${reason})`;
  const fix = 'uname -r   (it takes Linux 6.15 or newer, built with CONFIG_IO_URING_ZCRX)';
  return problem('kernel', text, fix);
}

function advisoryBlocker({ id, title, fixedIn, source }, asked) {
  const command = `${IGNORE}=${id} ${probeCommand(asked)}`;
  const fix = `install Linux ${fixedIn} or newer (${source}); if your vendor has fixed it: ${command}`;
  return problem('advisory', `${id}: ${title}`, fix);
}

function unknownBlocker(id) {
  const text = `${IGNORE} names ${id}, and there is no such advisory`;
  return problem('advisory-unknown', text, `unset ${IGNORE}   (or correct it)`);
}

function featureBlockers(host, asked) {
  const { problem: unusable, features } = host;
  if (unusable !== null) {
    const { cause, reason, command, advice } = unusable;
    return [problem(cause, reason, `${command}   (${advice})`)];
  }
  const blockers = [];
  if (!features.recvZeroCopy.available) {
    blockers.push(kernelBlocker(features.recvZeroCopy, host, asked));
  }
  if (!features.cqe32.available) {
    const text = `rings have no 32-byte completions (${features.cqe32.reason})`;
    blockers.push(problem('cqe32', text, 'uname -r   (it takes Linux 5.19 or newer)'));
  }
  return blockers;
}

function sizeBlockers({ kernel }, asked) {
  const known = kernel.version !== null && asked.rxBufferSize > PAGE;
  if (!known || compareVersions(kernel.version, SIZES_SINCE) >= 0) return [];
  const text = `Linux ${kernel.release} has no buffers of ${asked.rxBufferSize} bytes: they take 7.0`;
  const fix = `${probeCommand(asked, { rxBufferSize: 0 })}   (or install Linux 7.0 or newer)`;
  return [problem('buffer-size', text, fix)];
}

function hostBlockers(host, advisories, asked) {
  const known = advisories.filter(({ ignored }) => !ignored);
  return [
    ...featureBlockers(host, asked),
    ...sizeBlockers(host, asked),
    ...known.map((advisory) => advisoryBlocker(advisory, asked)),
    ...(known.length > 0 ? unknownIds().map(unknownBlocker) : []),
  ];
}

// --- trying

/** Why the queue is not registered although that was asked for: never into what is known to fail. */
function heldBackBy(onHost, onInterface) {
  const codes = (blockers) => [...new Set(blockers.map(({ code }) => code))].join(', ');
  const reasons = [];
  if (onHost.length > 0) reasons.push(`of the machine: ${codes(onHost)}`);
  if (onInterface.length > 0) reasons.push(`of the interface: ${codes(onInterface)}`);
  return reasons.length === 0 ? null : `there are blockers ${reasons.join('; ')}`;
}

/** Registers the queue for real, and releases it. */
function tryQueue(binding, facts, { rxQueue, rxBufferSize }) {
  return binding.tryZeroCopyReceive(facts.index, rxQueue, rxBufferSize);
}

// --- the report

function inspect(nic, asked, host, { blockers: onHost, binding }) {
  const facts = factsOf(nic, asked.rxQueue);
  const blockers = blockersOf(facts, asked);
  const held = heldBackBy(onHost, blockers);
  let active = null;
  if (asked.active && held === null) {
    const { stage, code } = tryQueue(binding, facts, asked);
    active = { ok: code === null, stage, reason: code === null ? null : refusalReason(code) };
    if (!active.ok) blockers.push(refusalBlocker({ stage, code }, facts, asked, host.sandbox));
  }
  const ready = onHost.length === 0 && blockers.length === 0;
  const warnings = warningsOf(facts, asked, { registered: active?.ok === true, blocked: !ready });
  const activeHeldBack = asked.active ? held : null;
  return { ...facts, ready, active, activeHeldBack, blockers, warnings };
}

function missingInterface(name) {
  const text = `there is no interface ${name} in this network namespace`;
  return problem('interface', text, 'ip -brief link');
}

/**
 * Whether zero-copy receive can work here, for one receive queue of one interface or of all, with what is
 * in its way and how to remove it. Changes nothing, unless `active` is set: then the queue is registered
 * for real, which restarts it, and released.
 *
 * @param {{interface?: string, rxQueue?: number, rxBufferSize?: number, active?: boolean}} [given]
 */
function zcrxProbe(given) {
  const options = checkOptions(given);
  return probeOn(capabilities(), options);
}

/** The kernel did not say what interfaces there are. */
function unlisted(code) {
  const text = `the kernel does not list the network interfaces (${code})`;
  const fix =
    'ip -brief link   (asks the same; in a systemd unit: RestrictAddressFamilies=AF_NETLINK; else a seccomp filter may be in the way)';
  return problem('interfaces', text, fix);
}

/** What the addon found, or the blocker that it found nothing. */
function findInterfaces(binding, asked) {
  const found = binding?.interfaces?.(asked.rxQueue, asked.interface) ?? [];
  const named = binding !== null && asked.interface !== undefined;
  if (named && (found === 'ENODEV' || found.length === 0)) {
    return { nics: [], blockers: [missingInterface(asked.interface)] };
  }
  return Array.isArray(found)
    ? { nics: found, blockers: [] }
    : { nics: [], blockers: [unlisted(found)] };
}

/** The same where capabilities() has been asked already. */
function probeOn(host, asked, { binding } = loadBinding()) {
  const advisories = advisoriesFor(host.kernel);
  const blockers = hostBlockers(host, advisories, asked);
  const found = findInterfaces(binding, asked);
  const interfaces = found.nics.map((nic) => inspect(nic, asked, host, { blockers, binding }));
  return {
    kernel: host.kernel.release,
    ready: interfaces.some(({ ready }) => ready),
    permission: {
      capNetAdmin: host.sandbox.capNetAdmin,
      initialUserNamespace: host.sandbox.initialUserNamespace,
    },
    recvZeroCopy: host.features.recvZeroCopy,
    cqe32: host.features.cqe32,
    advisories,
    libraries: binding?.xdpLibraries?.() ?? { libbpf: null, libxdp: null },
    blockers: [...blockers, ...found.blockers],
    interfaces,
  };
}

module.exports = { checkOptions, probeOn, zcrxProbe };
