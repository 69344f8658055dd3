'use strict';

/*
 * What it means that the kernel does not register a queue, and what there is to do.
 */

const { another, probeCommand, problem } = require('./interfaces');

const MEANINGS = {
  __proto__: null,
  EBUSY: 'the queue is used by an AF_XDP socket, or leased',
  EEXIST: 'an XDP program is attached, or the queue is bound already',
  EINVAL: 'data split is not on, its threshold is not 0, or the buffer size is not to be had',
  ENODEV: 'the interface is gone',
  ENOMEM: 'the limit of locked memory is too low',
  EOPNOTSUPP: 'the driver cannot hand out single queues, or has no buffers of that size',
  EPERM: 'CAP_NET_ADMIN is missing',
  ERANGE: 'there is no such queue, or no buffers of that size',
};

/** What a size that the card does not have is answered with; what else may be wrong shows without it. */
const OF_THE_SIZE = ['EINVAL', 'EOPNOTSUPP', 'ERANGE'];

const FIXES = {
  __proto__: null,
  EBUSY: () => 'ss --xdp -a -p',
  EEXIST: () => 'ip -d link',
  EINVAL: (name) => `ethtool -g ${name}   (TCP data split must be on, and HDS thresh 0)`,
  ENODEV: () => 'ip -brief link',
  ENOMEM: () => 'ulimit -l 65536',
  EOPNOTSUPP: (_name, asked) => another(asked),
  EPERM: (_name, asked, sandbox) => permissionFix(asked, sandbox),
  ERANGE: (name) => `ls -d /sys/class/net/${name}/queues/rx-*`,
};

/** A capability of this command alone: one on the file of node would be one of every Node.js program. */
function permissionFix(asked, sandbox) {
  if (sandbox.initialUserNamespace === false) {
    return 'lsns -t user -p $$   (run it outside of this user namespace: in a rootless container it cannot work)';
  }
  if (process.getuid() === 0) {
    return 'docker run --cap-add NET_ADMIN …   (in a pod: securityContext.capabilities.add; in a systemd unit: AmbientCapabilities=CAP_NET_ADMIN)';
  }
  const command = `sudo env "PATH=$PATH" ${probeCommand(asked)}`;
  return `${command}   (for a server, in its systemd unit: AmbientCapabilities=CAP_NET_ADMIN)`;
}

/** `EPERM: what that means` */
function refusalReason(code) {
  return `${code}: ${MEANINGS[code] ?? 'refused'}`;
}

/** @returns {object} the blocker that a refusal is */
function refusalBlocker({ stage, code }, { name }, asked, sandbox) {
  const text = `the kernel refuses the queue of ${name} (${stage}: ${refusalReason(code)})`;
  if (asked.rxBufferSize > 0 && OF_THE_SIZE.includes(code)) {
    const fix = probeCommand(asked, { interface: name, rxBufferSize: 0 });
    return problem('refused', text, `${fix}   (to see whether it is the size)`);
  }
  const fix = FIXES[code]?.(name, asked, sandbox) ?? 'dmesg | tail   (the driver may say why)';
  return problem('refused', text, fix);
}

module.exports = { permissionFix, refusalBlocker, refusalReason };
