'use strict';

/** The machine: what it is, and whether a CPU was ours alone: what ran on it, as the kernel counts it. */

const { execFileSync, spawnSync } = require('node:child_process');
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

/** The commit that is measured, with a mark when files differ from it. */
function describeCommit() {
  const git = (...args) => spawnSync('git', ['-C', __dirname, ...args], { encoding: 'utf8' });
  const head = git('rev-parse', '--short=10', 'HEAD');
  if (head.status !== 0) return 'unknown';
  const changed = git('status', '--porcelain', '--untracked-files=no').stdout !== '';
  return `${head.stdout.trim()}${changed ? ' with changes' : ''}`;
}

/** wrk has no option that only says its version. */
function versionOfWrk() {
  const { stdout, stderr } = spawnSync('wrk', ['-v'], { encoding: 'utf8' });
  return /^(wrk \S+)/m.exec(`${stdout}${stderr}`)?.[1] ?? 'wrk';
}

/** @param {string} node the executable of the servers */
function describeMachine(node) {
  return {
    date: new Date().toISOString(),
    commit: describeCommit(),
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    kernel: os.release(),
    cpu: `${os.cpus()[0]?.model ?? 'unknown CPU'} × ${os.cpus().length}`,
    loadAverage: os.loadavg(),
  };
}

module.exports = { describeMachine, foreignShare, readCpu, versionOfWrk };
