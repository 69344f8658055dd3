'use strict';

/*
 * What the system says of itself in /proc and /sys. Reads files only, so it also works where the addon
 * does not load. What cannot be read is null.
 */

const fs = require('node:fs');
const os = require('node:os');

const CAP_NET_ADMIN = 12;
const CAP_IPC_LOCK = 14;
const CAP_SYS_ADMIN = 21;
const CAP_SYS_RESOURCE = 24;
const SECCOMP_MODES = ['none', 'strict', 'filter'];

function read(file) {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return null;
  }
}

function readNumber(file) {
  const text = read(file);
  return text !== null && /^-?\d+$/.test(text) ? Number(text) : null;
}

/** `6.18.4-rc2` is [6, 18, 4]. */
function parseRelease(release) {
  const [, major, minor, patch] = /^(\d+)\.(\d+)(?:\.(\d+))?/.exec(release) ?? [];
  return major === undefined ? null : [Number(major), Number(minor), Number(patch ?? 0)];
}

/** @returns {number} below, at or above 0 as version a is older, the same or newer */
function compareVersions(a, b) {
  for (let i = 0; i < 3; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return 0;
}

function kernel() {
  const release = os.release();
  return { release, version: parseRelease(release), arch: os.machine() };
}

/** A line of /proc/self/limits. */
function limit(text, name) {
  const line = text?.split('\n').find((one) => one.startsWith(name));
  if (!line) return null;
  const [soft, hard] = line
    .slice(name.length)
    .trim()
    .split(/\s+/)
    .map((word) => (word === 'unlimited' ? word : Number(word)));
  return { soft, hard };
}

function limits() {
  const text = read('/proc/self/limits');
  return {
    memlock: limit(text, 'Max locked memory'),
    nofile: limit(text, 'Max open files'),
    somaxconn: readNumber('/proc/sys/net/core/somaxconn'),
    // Before 6.6 there is no such switch.
    ioUringDisabled: readNumber('/proc/sys/kernel/io_uring_disabled'),
    ioUringGroup: readNumber('/proc/sys/kernel/io_uring_group'),
  };
}

/** A value of /proc/self/status, such as `Seccomp`. */
function statusValue(text, name) {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(text ?? '')?.[1] ?? null;
}

function container() {
  if (process.env.KUBERNETES_SERVICE_HOST) return 'kubernetes';
  if (fs.existsSync('/.dockerenv')) return 'docker';
  if (fs.existsSync('/run/.containerenv')) return 'podman';
  const [, named] =
    /(kubepods|docker|containerd|lxc|podman)/.exec(read('/proc/1/cgroup') ?? '') ?? [];
  if (named) return named === 'kubepods' ? 'kubernetes' : named;
  return process.env.container || null;
}

/** Whether this user namespace is the machine's own: it maps every id to itself. */
function inInitialNamespace() {
  const map = read('/proc/self/uid_map');
  return map === null ? null : map.split(/\s+/).join(' ') === '0 0 4294967295';
}

function sandbox() {
  const status = read('/proc/self/status');
  const mode = statusValue(status, 'Seccomp');
  const effective = statusValue(status, 'CapEff');
  const mask = effective === null ? null : BigInt(`0x${effective}`);
  const has = (bit) => (mask === null ? null : (mask & (1n << BigInt(bit))) !== 0n);
  return {
    seccomp: mode === null ? null : (SECCOMP_MODES[Number(mode)] ?? null),
    container: container(),
    initialUserNamespace: inInitialNamespace(),
    capNetAdmin: has(CAP_NET_ADMIN),
    capIpcLock: has(CAP_IPC_LOCK),
    capSysAdmin: has(CAP_SYS_ADMIN),
    capSysResource: has(CAP_SYS_RESOURCE),
  };
}

/** Everything at once. */
function system() {
  return { kernel: kernel(), limits: limits(), sandbox: sandbox() };
}

module.exports = { compareVersions, kernel, parseRelease, system };
