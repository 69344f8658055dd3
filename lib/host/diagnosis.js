'use strict';

/*
 * Why io_uring cannot be used, told from the error it gave and from what the system says of itself.
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

function mayUseGroup({ limits, sandbox }) {
  const group = limits.ioUringGroup;
  const inGroup = process.getgid() === group || process.getgroups().includes(group);
  return sandbox.capSysAdmin === true || inGroup;
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
    return 'in the pod: securityContext: { seccompProfile: { type: Localhost, localhostProfile: io-uring.json } }';
  }
  if (container === 'docker' || container === 'podman') {
    return `${container} run --security-opt seccomp=io-uring.json …`;
  }
  return 'with Docker: docker run --security-opt seccomp=io-uring.json …; in a systemd unit: SystemCallFilter=@aio';
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

const TOO_LITTLE_MEMORY = {
  cause: 'memlock',
  why: 'the limit of locked memory leaves no room for a ring',
  advice: 'raise the limit of locked memory (ulimit -l)',
  command: 'ulimit -l 8192   (systemd: LimitMEMLOCK=8M, Docker: --ulimit memlock=8388608)',
};

const TOO_FEW_FILES = {
  cause: 'nofile',
  why: 'the limit of open files leaves no room for a ring',
  advice: 'raise the limit of open files (ulimit -n)',
  command: 'ulimit -n 65536   (systemd: LimitNOFILE=65536, Docker: --ulimit nofile=65536)',
};

const TOO_OLD = {
  cause: 'kernel',
  why: 'this kernel is too old for the transport',
  advice: 'use Linux 6.0 or newer',
  command: 'uname -r',
};

/**
 * @param {string} code of the error that io_uring gave
 * @param {object} system from system.js
 * @returns {{cause: string, why: string, advice: string, command: string}} `advice` is what to do,
 *   `command` how
 */
function diagnose(code, system) {
  if (code === 'EPERM' || code === 'EACCES') return forbidden(system);
  if (code === 'ENOSYS') return missing(system);
  if (code === 'ENOMEM') return TOO_LITTLE_MEMORY;
  if (code === 'EMFILE' || code === 'ENFILE') return TOO_FEW_FILES;
  return TOO_OLD;
}

module.exports = { TOO_FEW_FILES, TOO_LITTLE_MEMORY, diagnose };
