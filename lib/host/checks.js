'use strict';

/*
 * What doctor looks at, one after the other. A check is { id, status, text, fix }: 'ok', 'note',
 * 'warning' (servers run, with less) or 'blocker' (they do not run on io_uring). Warnings and blockers
 * have a fix, and so has what is wrong with zero-copy receive: a note, because few want it.
 */

const { DRIVERS, TCP_OPTIONS } = require('../options');
const { fixOf, hasInitially, tooFewFiles, tooLittleMemory } = require('./diagnosis');
const { compareVersions } = require('./system');

const OLDEST_NODE = 20;
const PAGE = 4096;
const SQE_BYTES = 64;
const CQE_BYTES = 16;
const BUFFER_ENTRY_BYTES = 16;
const CQ_PER_SQ = 8;
const LIBUV_RINGS = 2;
const SPARE_FILES = 32; // what Node and the ring have open themselves
const FEW_FILES = 2 * SPARE_FILES; // then a server that does not answer may have none left for a connection
const SWITCH = [6, 6, 0]; // brought kernel.io_uring_disabled
const ORDER_ERRORS = [
  [6, 13, 0],
  [6, 15, 0],
];

function ok(id, text) {
  return { id, status: 'ok', text, fix: null };
}

function note(id, text) {
  return { id, status: 'note', text, fix: null };
}

function warning(id, text, fix) {
  return { id, status: 'warning', text, fix };
}

function blocker(id, text, fix) {
  return { id, status: 'blocker', text, fix };
}

function pages(bytes) {
  return Math.ceil(bytes / PAGE) * PAGE;
}

/** Locked memory of a ring that takes so many entries and gives so many. */
function ringBytes(entries, completions) {
  return pages(completions * CQE_BYTES + entries * 4 + PAGE / 8) + pages(entries * SQE_BYTES);
}

/** Locked memory of Node.js itself, whose libuv has rings from 1.50 on, and of one server with the default options. */
function lockedBytes() {
  const [, minor] = process.versions.uv.split('.');
  const node = Number(minor) >= 50 ? LIBUV_RINGS * ringBytes(256, 512) : 0;
  const depth = TCP_OPTIONS.queueDepth.default;
  const buffers = pages(TCP_OPTIONS.bufferCount.default * BUFFER_ENTRY_BYTES);
  return node + ringBytes(depth, depth * CQ_PER_SQ) + buffers;
}

function kib(bytes) {
  return bytes === 'unlimited' ? bytes : `${Math.round(bytes / 1024)} KiB`;
}

// --- the checks

function checkNode() {
  const { version } = process;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) {
    return ok('node', `Node.js ${version}`);
  }
  // Whether servers run on it is told by those below.
  const fix = `nvm install ${OLDEST_NODE}   (or from nodejs.org)`;
  return warning('node', `Node.js ${version} is too old: ${OLDEST_NODE} or newer is tested`, fix);
}

function checkAddon({ addon, problem }) {
  if (addon.error === null) return ok('addon', addon.path);
  const tried = addon.attempts.map(({ path, error }) => `${path}: ${error}`).join('; ');
  return blocker('addon', `the native addon does not load (${tried})`, fixOf(problem));
}

function checkKernel({ kernel }) {
  const { release, version } = kernel;
  if (version !== null && compareVersions(version, [6, 0, 0]) < 0) {
    // Not a blocker by itself: the probe decides, because vendors backport.
    return note('kernel', `Linux ${release}; the transport takes what came with 6.0`);
  }
  const [from, to] = ORDER_ERRORS;
  const mixesUp =
    version !== null && compareVersions(version, from) >= 0 && compareVersions(version, to) < 0;
  if (!mixesUp) return ok('kernel', `Linux ${release}`);
  const off = 'leave useRecvBundle and useIncrementalBuffers off, as they are by default';
  return note('kernel', `Linux ${release} has errors in bundles and incremental buffers: ${off}`);
}

function checkIoUring({ problem, addon }) {
  if (addon.error !== null) return [];
  if (problem === null) return [ok('io_uring', 'everything that the transport takes works')];
  return [blocker('io_uring', problem.reason, fixOf(problem))];
}

function checkChoice() {
  const wanted = process.env.SEARINGS_BACKEND || 'auto';
  if (wanted === 'auto') return [];
  if (wanted === 'io_uring') return [note('choice', 'SEARINGS_BACKEND=io_uring: no fallback')];
  const text =
    wanted === 'net'
      ? 'SEARINGS_BACKEND=net: servers run on node:net on purpose'
      : `SEARINGS_BACKEND=${wanted}: there is no such transport`;
  return [blocker('choice', text, 'unset SEARINGS_BACKEND')];
}

function checkDriver() {
  const wanted = process.env.SEARINGS_DRIVER;
  if (!wanted || DRIVERS.includes(wanted)) return [];
  const text = `SEARINGS_DRIVER=${wanted}: there is no such driver`;
  return [blocker('driver', text, 'unset SEARINGS_DRIVER')];
}

function checkSysctl({ limits, problem, kernel }) {
  const value = limits.ioUringDisabled;
  if (value === null && kernel.version !== null && compareVersions(kernel.version, SWITCH) < 0) {
    return ok('sysctl', 'this kernel has no switch for io_uring');
  }
  if (value === null) return note('sysctl', 'kernel.io_uring_disabled cannot be read');
  const words = ['everybody', 'root and one group', 'nobody'];
  const text = `kernel.io_uring_disabled is ${value}: ${words[value] ?? 'unknown'} may use io_uring`;
  // What it forbids to this process is told by the check of io_uring.
  return value === 0 && problem?.cause !== 'sysctl' ? ok('sysctl', text) : note('sysctl', text);
}

function checkSandbox({ sandbox }) {
  const { seccomp, container, initialUserNamespace } = sandbox;
  const facts = [`seccomp: ${seccomp ?? 'unknown'}`, `container: ${container ?? 'none seen'}`];
  if (initialUserNamespace === false) facts.push('in a user namespace');
  const plain = seccomp === 'none' && container === null;
  return plain ? ok('sandbox', facts.join(', ')) : note('sandbox', facts.join(', '));
}

function checkMemlock(host) {
  const { memlock } = host.limits;
  if (memlock === null) return note('memlock', 'the limit of locked memory cannot be read');
  const text = `locked memory: ${kib(memlock.soft)}`;
  if (hasInitially(host, 'capIpcLock'))
    return ok('memlock', `${text}, which does not bind this user`);
  const needed = lockedBytes();
  if (memlock.soft === 'unlimited' || memlock.soft >= needed) return ok('memlock', text);
  const less = `less than the ${kib(needed)} of Node.js and a server with the default options`;
  return warning('memlock', `${text}, ${less}`, fixOf(tooLittleMemory(host)));
}

function checkFiles(host) {
  const { nofile } = host.limits;
  if (nofile === null) return note('nofile', 'the limit of open files cannot be read');
  const text = `open files: ${nofile.soft}`;
  const needed = TCP_OPTIONS.backlog.default + SPARE_FILES;
  if (nofile.soft === 'unlimited' || nofile.soft >= needed) return ok('nofile', text);
  const room = Math.max(nofile.soft - SPARE_FILES, 0);
  const less = `room for some ${room} connections; the backlog alone holds ${TCP_OPTIONS.backlog.default}`;
  return warning('nofile', `${text}: ${less}`, fixOf(tooFewFiles(host)));
}

function checkBacklog({ limits }) {
  const { somaxconn } = limits;
  const backlog = TCP_OPTIONS.backlog.default;
  if (somaxconn === null) return note('somaxconn', 'net.core.somaxconn cannot be read');
  const text = `net.core.somaxconn is ${somaxconn}`;
  if (somaxconn >= backlog) return ok('somaxconn', text);
  const less = `which cuts the default backlog of ${backlog}`;
  return warning('somaxconn', `${text}, ${less}`, `sysctl -w net.core.somaxconn=${backlog}`);
}

function checkFeatures({ features, usable }) {
  const off = Object.entries(features).filter(([, { available }]) => !available);
  const all = Object.keys(features).length;
  if (off.length === 0) return ok('features', `all ${all} features of io_uring work`);
  if (!usable) return note('features', `${all - off.length} of ${all} features of io_uring work`);
  const named = off.map(([name, { reason, since }]) => `${name} (Linux ${since}; ${reason})`);
  return note('features', `${all - off.length} of ${all} work; off: ${named.join('; ')}`);
}

const NO_LOOPBACK = ['ENETUNREACH', 'EADDRNOTAVAIL', 'EHOSTUNREACH', 'ETIMEDOUT'];
const SOCKETS_DENIED =
  'in a systemd unit: RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK   (allow sockets)';
const SERVER_FIXES = {
  __proto__: null,
  EAGAIN:
    'ulimit -u unlimited; in a systemd unit: TasksMax=infinity; with Docker: --pids-limit -1   (allow more threads)',
  EAFNOSUPPORT: SOCKETS_DENIED,
  EACCES: SOCKETS_DENIED,
};

/** What may help a server that does not serve. */
function serverFix(code, host) {
  if (code === 'ENOMEM') return fixOf(tooLittleMemory(host));
  if (code === 'EMFILE' || code === 'ENFILE') return fixOf(tooFewFiles(host));
  if (code === 'SEARINGS_IO_URING_UNAVAILABLE' || code === 'SEARINGS_NATIVE_LOAD_FAILED') {
    return 'unset SEARINGS_BACKEND';
  }
  if (host.limits.nofile?.soft < FEW_FILES) return fixOf(tooFewFiles(host));
  if (code in SERVER_FIXES) return SERVER_FIXES[code];
  // One that is silent has no code.
  return code === null || NO_LOOPBACK.includes(code)
    ? 'ip link set dev lo up   (the test runs over 127.0.0.1)'
    : 'npx searings doctor --json   (report it, with all that this prints)';
}

function checkServer({ server, ok: works, backend, medianUs, maxUs, error, code }, host) {
  const id = `server:${server}`;
  if (!works) return blocker(id, `does not serve: ${error}`, serverFix(code, host));
  return ok(
    id,
    `on ${backend}, a round trip takes ${medianUs} µs (the longest of 100: ${maxUs} µs)`,
  );
}

/** Without what the environment is to blame for: that is told once. */
function checkServers(servers, choices, host) {
  const misled = choices.some(({ status }) => status === 'blocker');
  return servers
    .filter(({ code }) => !misled || code !== 'ERR_INVALID_ARG_VALUE')
    .map((server) => checkServer(server, host));
}

function checkZeroCopy({ ready, blockers, interfaces }) {
  if (ready) {
    const able = interfaces.filter((one) => one.ready).map(({ name }) => name);
    return ok('zcrx', `zero-copy receive can work on queue 0 of ${able.join(', ')}`);
  }
  const [why] = blockers;
  const each = 'npx searings zcrx-probe --all';
  // Whatever is in the way on the machine, without an interface nothing is gained by its going.
  if (why === undefined || interfaces.every((one) => one.blockers.length > 0))
    return { ...note('zcrx', 'no zero-copy receive: no interface can'), fix: each };
  const text = `no zero-copy receive: ${why.text}; ${each} tells more`;
  return { ...note('zcrx', text), fix: why.fix };
}

/**
 * @param {object} host what capabilities() found
 * @param {object[]} servers what selfTest() found
 * @param {object} zeroCopyReceive what zcrxProbe() found
 */
function checksOf(host, servers, zeroCopyReceive) {
  const choices = [...checkChoice(), ...checkDriver()];
  return [
    checkNode(),
    checkAddon(host),
    checkKernel(host),
    ...checkIoUring(host),
    ...choices,
    checkSysctl(host),
    checkSandbox(host),
    checkMemlock(host),
    checkFiles(host),
    checkBacklog(host),
    checkFeatures(host),
    ...checkServers(servers, choices, host),
    checkZeroCopy(zeroCopyReceive),
  ];
}

module.exports = { checksOf };
