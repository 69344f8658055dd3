'use strict';

const { loadBinding } = require('../binding');
const { invalidArgValue } = require('../errors');
const { normalizeOptions } = require('../options');
const { IGNORE, advisoriesFor } = require('./advisories');
const { capabilities } = require('./capabilities');
const { ANOTHER, blockersOf, factsOf, problem, warningsOf } = require('./interfaces');

const PAGE = 4096;

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
  if (options.interface === '') {
    throw invalidArgValue('"options.interface" property', '', 'must name an interface');
  }
  return options;
}

// --- the host

function permissionFix(sandbox) {
  if (sandbox.initialUserNamespace === false) {
    return 'run it outside of the user namespace: in a rootless container it cannot work';
  }
  return `sudo setcap cap_net_admin+ep ${process.execPath}   (or run it as root)`;
}

function kernelBlocker({ reason }, { sandbox }) {
  if (reason.startsWith('EPERM')) {
    return problem('permission', 'CAP_NET_ADMIN is missing', permissionFix(sandbox));
  }
  const text = `this kernel has no zero-copy receive (${reason})`;
  const fix = 'uname -r   (it takes Linux 6.15 or newer, built with CONFIG_IO_URING_ZCRX)';
  return problem('kernel', text, fix);
}

function advisoryBlocker({ id, title, fixedIn, source }) {
  const fix = `install Linux ${fixedIn} or newer; if your vendor has fixed it: ${IGNORE}=${id}   (${source})`;
  return problem('advisory', `${id}: ${title}`, fix);
}

function hostBlockers(host, advisories) {
  const blockers = [];
  const { problem: unusable, features } = host;
  if (unusable !== null) {
    blockers.push(
      problem(unusable.cause, unusable.reason, `${unusable.command}   (${unusable.advice})`),
    );
  } else {
    if (!features.recvZeroCopy.available) blockers.push(kernelBlocker(features.recvZeroCopy, host));
    if (!features.cqe32.available) {
      const text = `rings have no 32-byte completions (${features.cqe32.reason})`;
      blockers.push(problem('cqe32', text, 'uname -r   (it takes Linux 5.19 or newer)'));
    }
  }
  const known = advisories.filter(({ ignored }) => !ignored);
  return [...blockers, ...known.map(advisoryBlocker)];
}

// --- trying

const REFUSALS = {
  __proto__: null,
  EBUSY: 'the queue is used by an AF_XDP socket, or leased',
  EEXIST: 'an XDP program is attached, or the queue is bound already',
  EINVAL: 'data split is not on, its threshold is not 0, or the buffer size is not to be had',
  ENODEV: 'the interface is gone',
  ENOMEM: 'the limit of locked memory is too low',
  EOPNOTSUPP: 'the driver cannot hand out single queues',
  EPERM: 'CAP_NET_ADMIN is missing',
  ERANGE: 'there is no such queue, or no buffers of that size',
};

const REFUSAL_FIXES = {
  __proto__: null,
  EBUSY: 'ss --xdp -a -p',
  EEXIST: 'ip -d link',
  ENOMEM: 'ulimit -l 65536',
};

/** Registers the queue for real, and releases it. */
function tryQueue(binding, facts, { rxQueue, rxBufferSize }) {
  const { stage, code } = binding.tryZeroCopyReceive(facts.index, rxQueue, rxBufferSize);
  const reason = code === null ? null : `${code}: ${REFUSALS[code] ?? 'refused'}`;
  return { ok: code === null, stage, reason };
}

function refusalBlocker({ stage, reason }, { name }) {
  const fix = REFUSAL_FIXES[reason.split(':', 1)[0]];
  const text = `the kernel refuses the queue of ${name} (${stage}: ${reason})`;
  return problem('refused', text, fix ?? ANOTHER);
}

// --- the report

function inspect(nic, options, host, binding) {
  const facts = factsOf(nic, options.rxQueue);
  const blockers = blockersOf(facts);
  const warnings = warningsOf(facts);
  let active = null;
  if (options.active && host.length === 0) {
    active = tryQueue(binding, facts, options);
    if (!active.ok) blockers.push(refusalBlocker(active, facts));
  } else if (options.rxBufferSize > PAGE) {
    const text = 'whether the card has buffers of that size shows when the queue is registered';
    const fix = `searings zcrx-probe --interface ${facts.name} --rx-buffer-size ${options.rxBufferSize} --active`;
    warnings.push(problem('buffer-size', text, fix));
  }
  const ready = host.length === 0 && blockers.length === 0;
  return { ...facts, ready, active, blockers, warnings };
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

/** The same where capabilities() has been asked already. */
function probeOn(host, options) {
  const { binding } = loadBinding();
  const advisories = advisoriesFor(host.kernel);
  const blockers = hostBlockers(host, advisories);
  const found = binding?.interfaces?.(options.rxQueue, options.interface) ?? [];
  const listed = Array.isArray(found) ? found : [];
  const interfaces = listed.map((nic) => inspect(nic, options, blockers, binding));
  const all = [...blockers];
  if (binding !== null && options.interface !== undefined && listed.length === 0) {
    all.push(missingInterface(options.interface));
  }
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
    blockers: all,
    interfaces,
  };
}

module.exports = { checkOptions, probeOn, zcrxProbe };
