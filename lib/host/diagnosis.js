'use strict';

/*
 * Why io_uring cannot be used, told from the error it gave and from what the system says of itself; and
 * what would change that: `advice` is what to do, `command` how.
 */

const os = require('node:os');

const SECCOMP_CALLS = 'io_uring_setup, io_uring_enter and io_uring_register';

function userName() {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid());
  }
}

/** A capability in a user namespace counts for what belongs to it, and limits and sysctls do not. */
function hasInitially({ sandbox }, capability) {
  return sandbox[capability] === true && sandbox.initialUserNamespace !== false;
}

function mayUseGroup(system) {
  const group = system.limits.ioUringGroup;
  const inGroup = process.getgid() === group || process.getgroups().includes(group);
  return hasInitially(system, 'capSysAdmin') || inGroup;
}

function forbiddenBySysctl(system) {
  const { ioUringDisabled, ioUringGroup } = system.limits;
  if (ioUringDisabled === 2) {
    return {
      cause: 'sysctl',
      why: 'the sysctl kernel.io_uring_disabled is 2: nobody may use io_uring',
      advice: 'allow io_uring',
      command: 'sysctl -w kernel.io_uring_disabled=0',
    };
  }
  if (ioUringDisabled !== 1 || mayUseGroup(system)) return null;
  if (system.sandbox.initialUserNamespace === false) {
    // Ids are others outside, and what may be given to them is decided there.
    return {
      cause: 'sysctl',
      why: 'the sysctl kernel.io_uring_disabled is 1: in a user namespace not even root may use io_uring',
      advice: 'allow io_uring, outside of the user namespace',
      command: 'sysctl -w kernel.io_uring_disabled=0',
    };
  }
  const noGroup = ioUringGroup === null || ioUringGroup < 0;
  return {
    cause: 'sysctl',
    why: noGroup
      ? 'the sysctl kernel.io_uring_disabled is 1: only root may use io_uring'
      : `the sysctl kernel.io_uring_disabled is 1: only root and the group ${ioUringGroup} may use io_uring`,
    advice: 'allow io_uring to this user',
    command: noGroup
      ? `sysctl -w kernel.io_uring_group=${process.getgid()}`
      : `usermod -a -G ${ioUringGroup} ${userName()}`,
  };
}

/** What has to be given to the runtime that brought the filter. */
function seccompCommand(container) {
  if (container === 'kubernetes') {
    return 'in the pod: securityContext: { seccompProfile: { type: Localhost, localhostProfile: io-uring.json } } (node_modules/searings/docs/seccomp.json, on each node as /var/lib/kubelet/seccomp/io-uring.json)';
  }
  if (container === 'docker' || container === 'podman') {
    return `${container} run --security-opt seccomp=node_modules/searings/docs/seccomp.json …`;
  }
  return 'with Docker: docker run --security-opt seccomp=node_modules/searings/docs/seccomp.json …; in a systemd unit: SystemCallFilter=@aio';
}

function filtered({ sandbox }) {
  return {
    cause: 'seccomp',
    why: 'a seccomp filter is on this process, and it denies io_uring',
    advice: `allow ${SECCOMP_CALLS} in the seccomp profile`,
    command: seccompCommand(sandbox.container),
  };
}

function forbidden(system) {
  const bySysctl = forbiddenBySysctl(system);
  if (bySysctl !== null) return bySysctl;
  if (system.sandbox.seccomp === 'filter') return filtered(system);
  return {
    cause: 'policy',
    why: 'the system forbids it: a security module, or the sandbox of a container',
    advice:
      'allow io_uring (sysctl kernel.io_uring_disabled=0, and the seccomp profile of the container)',
    command: 'sysctl kernel.io_uring_disabled; ausearch -m avc -ts recent',
  };
}

function missing(system) {
  if (system.sandbox.seccomp === 'filter') {
    return {
      ...filtered(system),
      why: 'a seccomp filter hides it, or the kernel was built without',
    };
  }
  return {
    cause: 'kernel',
    why: 'this kernel has no io_uring',
    advice: 'use Linux 6.0 or newer, built with CONFIG_IO_URING',
    command: 'uname -r; grep IO_URING /boot/config-$(uname -r)',
  };
}

const FILES_WANTED = 65536;
const FILES_ENOUGH = 4096;
const LOCKED_KIB_WANTED = 8192;
const LOCKED_KIB_ENOUGH = 1024;

/** What raises a limit for the shell it is typed into, with a semicolon; nothing where none can. */
function raise(limit, system, { letter, name, value, enough, unit }) {
  const hard = limit?.hard ?? 'unlimited';
  const isFree = hard === 'unlimited' || hard >= value * unit;
  if (isFree || hasInitially(system, 'capSysResource')) return `ulimit -${letter} ${value}; `;
  if (hard >= enough * unit && hard > limit.soft) {
    return `ulimit -${letter} ${Math.floor(hard / unit)}; `;
  }
  const { initialUserNamespace } = system.sandbox;
  // Root without the capability is that of a container, where sudo does no more.
  if (process.getuid() === 0 || initialUserNamespace === false) return '';
  return `sudo prlimit --pid $$ --${name}=${value * unit}; `;
}

function tooLittleMemory(system) {
  const value = LOCKED_KIB_WANTED;
  const how = { letter: 'l', name: 'memlock', value, enough: LOCKED_KIB_ENOUGH, unit: 1024 };
  const now = raise(system.limits.memlock, system, how);
  return {
    cause: 'memlock',
    why: 'the limit of locked memory leaves no room for a ring',
    advice: 'raise the limit of locked memory',
    command: `${now}in a systemd unit: LimitMEMLOCK=8M; with Docker: --ulimit memlock=${value * 1024}`,
  };
}

function tooFewFiles(system) {
  const value = FILES_WANTED;
  const how = { letter: 'n', name: 'nofile', value, enough: FILES_ENOUGH, unit: 1 };
  const now = raise(system.limits.nofile, system, how);
  return {
    cause: 'nofile',
    why: 'the limit of open files leaves no room for a ring',
    advice: 'raise the limit of open files',
    command: `${now}in a systemd unit: LimitNOFILE=${value}; with Docker: --ulimit nofile=${value}`,
  };
}

const TOO_OLD = {
  cause: 'kernel',
  why: 'this kernel is too old for the transport',
  advice: 'use Linux 6.0 or newer',
  command: 'uname -r',
};

const UNKNOWN = {
  cause: 'unknown',
  why: 'nothing that is known to forbid it was found',
  advice: 'report it, with all that this prints',
  command: 'npx searings doctor --json',
};

/** What kernels answer to what they do not know. */
const UNKNOWN_TO_KERNEL = ['EINVAL', 'EOPNOTSUPP'];

/**
 * @param {string} code of the error that io_uring gave
 * @param {object} system from system.js
 * @returns {{cause: string, why: string, advice: string, command: string}}
 */
function diagnose(code, system) {
  if (code === 'EPERM' || code === 'EACCES') return forbidden(system);
  if (code === 'ENOSYS') return missing(system);
  if (code === 'ENOMEM') return tooLittleMemory(system);
  if (code === 'EMFILE' || code === 'ENFILE') return tooFewFiles(system);
  return UNKNOWN_TO_KERNEL.includes(code) ? TOO_OLD : UNKNOWN;
}

/** One line: the command to type, and what it is for. */
function fixOf({ advice, command }) {
  return `${command}   (${advice})`;
}

module.exports = { diagnose, fixOf, hasInitially, tooFewFiles, tooLittleMemory };
