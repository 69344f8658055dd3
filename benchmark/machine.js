'use strict';

/** The machine: what it is, and whether a CPU was ours alone: what ran on it, as the kernel counts it. */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');

const US_PER_TICK = 10_000;

/**
 * Time in µs that this CPU, or with null all of them together, was not idle (steal by the hypervisor
 * included), and the wall clock.
 */
function readCpu(cpu) {
  const line = new RegExp(`^cpu${cpu ?? ''} +(.*)$`, 'm').exec(
    fs.readFileSync('/proc/stat', 'latin1'),
  );
  if (!line) throw new Error(`there is no CPU ${cpu}`);
  const [user, nice, system, , , irq, softirq, steal] = line[1].split(' ').map(Number);
  return {
    timeUs: Number(process.hrtime.bigint() / 1000n),
    busyUs: (user + nice + system + irq + softirq + (steal || 0)) * US_PER_TICK,
  };
}

/** The share of the CPU that went elsewhere while our process used `ownShare` of it. */
function foreignShare(before, after, ownShare) {
  const busyShare = (after.busyUs - before.busyUs) / (after.timeUs - before.timeUs);
  return Math.max(0, busyShare - ownShare);
}

/** @param {string} node the executable of the servers */
function describeMachine(node) {
  return {
    date: new Date().toISOString(),
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    kernel: os.release(),
    cpu: `${os.cpus()[0]?.model ?? 'unknown CPU'} × ${os.cpus().length}`,
    loadAverage: os.loadavg(),
  };
}

module.exports = { describeMachine, foreignShare, readCpu };
