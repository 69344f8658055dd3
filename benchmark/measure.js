'use strict';

/** One round of one case against one fresh server process. */

const { setTimeout: sleep } = require('node:timers/promises');
const { methodOf } = require('./cases');
const { foreignShare, readCpu } = require('./machine');
const { ServerProcess, startLoad } = require('./processes');
const { measureSyscalls } = require('./syscalls');
const { runWrk } = require('./wrk');

const IDLE_WARMUP = { mode: 'idle', connections: 100, size: 64, seconds: 0.1, warmup: 0 };
const IDLE_HOLD_S = 60; // an upper bound: the generator is told when the numbers are taken
const POLL_MS = 20;
const POLLS_MAX = 1000;

/**
 * Cost per message between two readings of the server. Both readings are a little off the edges of
 * the generator's measured phase, so costs are taken per wall time and then divided by the rate.
 */
function perMessage(before, after, rate) {
  const wallUs = after.timeUs - before.timeUs;
  const messages = (rate * wallUs) / 1e6;
  const cpu = (thread) => (after.cpuUs[thread] - before.cpuUs[thread]) / messages;
  const enters =
    after.info?.enters === undefined
      ? null
      : (Number(after.info.enters) - Number(before.info.enters)) / messages;
  return {
    mainUs: cpu('main'),
    workerUs: cpu('worker'),
    otherUs: cpu('other'),
    totalUs: cpu('main') + cpu('worker') + cpu('other'),
    enters,
  };
}

/** Everything that is read at the beginning and at the end of the measured phase. */
function takeReadings(server, { serverCpu, loadCpu }) {
  const stats = server.ask('stats');
  // A server that fails is reported through the generator's result; not twice.
  stats.catch(() => {});
  return { stats, serverCpu: readCpu(serverCpu), loadCpu: readCpu(loadCpu) };
}

/**
 * The larger of the shares that other processes took of the server's and the generator's CPU; of a server
 * that is not pinned, what they took of all CPUs.
 */
function disturbance(before, after, serverShare, loadShare, pinned) {
  if (!pinned) return foreignShare(before.serverCpu, after.serverCpu, serverShare + loadShare);
  return Math.max(
    foreignShare(before.serverCpu, after.serverCpu, serverShare),
    foreignShare(before.loadCpu, after.loadCpu, loadShare),
  );
}

/** What both generators have in common: the costs between two readings, and whether others disturbed. */
function sampleOf(before, after, { rate, loadCpu }, options) {
  const costs = perMessage(before.stats, after.stats, rate);
  const serverCpu = (costs.totalUs * rate) / 1e6;
  const isPinned = options.serverCpu !== null;
  return {
    ...costs,
    serverCpu,
    loadCpu,
    foreign: disturbance(before, after, serverCpu, loadCpu, isPinned),
    rss: after.stats.rss,
    backend: after.stats.info?.backend ?? null,
    driver: after.stats.info?.driver ?? null,
  };
}

async function measureTraffic(benchmark, server, options, onMeasure = () => {}) {
  const readings = {};
  const seconds = benchmark.blocked?.seconds ?? options.seconds;
  const settings = { ...benchmark.load, seconds, warmup: options.warmup };
  const { result } = startLoad(options, server.port, settings, (event) => {
    if (event !== 'open') readings[event] = takeReadings(server, options);
    if (event === 'measure') onMeasure();
  });
  const line = await result;
  if (line.messages === 0) throw new Error('no message came back in time');
  const before = { ...readings.measure, stats: await readings.measure.stats };
  const after = { ...readings.measured, stats: await readings.measured.stats };
  const load = { rate: line.rate, loadCpu: line.cpuSeconds / line.seconds };
  const { p50, p99, max } = line.latencyUs;
  const bytesPerSecond = line.bytes / line.seconds;
  return {
    rate: line.rate,
    p50,
    p99,
    max,
    bytesPerSecond,
    ...sampleOf(before, after, load, options),
  };
}

/** The JavaScript thread does nothing else for a while in the middle of it. */
function measureBlocked(benchmark, server, options) {
  const { ms, seconds } = benchmark.blocked;
  const block = async () => {
    await sleep((seconds * 1000 - ms) / 2);
    await server.ask(`block ${ms}`);
  };
  // A server that fails is reported through the generator's result; not twice.
  return measureTraffic(benchmark, server, options, () => block().catch(() => {}));
}

/** wrk sees only status codes; sea_load, which warms up, checks all of a response. */
async function warmUp(benchmark, server, options) {
  const { connections, secure, bodyBytes } = benchmark.wrk;
  if (options.warmup === 0) return;
  if (secure) {
    await runWrk(options, benchmark.wrk, server.port, options.warmup);
    return;
  }
  const settings = {
    mode: 'http',
    connections,
    size: bodyBytes,
    seconds: options.warmup,
    warmup: 0,
  };
  await startLoad(options, server.port, settings).result;
}

async function measureWrk(benchmark, server, options) {
  await warmUp(benchmark, server, options);
  const read = async () => {
    const { stats, ...readings } = takeReadings(server, options);
    return { ...readings, stats: await stats };
  };
  const before = await read();
  const report = await runWrk(options, benchmark.wrk, server.port, options.seconds);
  const after = await read();
  // wrk takes a moment to start and to end: costs are those of all requests between the readings.
  const seconds = (after.stats.timeUs - before.stats.timeUs) / 1e6;
  const load = { rate: report.requests / seconds, loadCpu: report.cpuSeconds / seconds };
  const { rate, p50, p99, max } = report;
  const bytesPerSecond = (report.bytes * 1e6) / report.durationUs;
  return { ...sampleOf(before, after, load, options), rate, p50, p99, max, bytesPerSecond };
}

async function untilConnections(server, count) {
  for (let poll = 0; poll < POLLS_MAX; poll++) {
    const stats = await server.ask('stats');
    if (stats.connections === count) return;
    await sleep(POLL_MS);
  }
  throw new Error(`the ${server.kind} server never had ${count} connections`);
}

async function collectedStats(server) {
  const { collected } = await server.ask('gc');
  if (!collected) throw new Error('the idle case needs a server with --expose-gc');
  return server.ask('stats');
}

/** Opens the connections, and calls `look` while they are open. */
async function whileIdle(benchmark, server, options, look) {
  let announceOpen;
  const open = new Promise((resolve) => {
    announceOpen = resolve;
  });
  const settings = { ...benchmark.load, seconds: IDLE_HOLD_S, warmup: 0 };
  const load = startLoad(options, server.port, settings, (event) => {
    if (event === 'open') announceOpen();
  });
  try {
    await Promise.race([open, load.result]);
    await untilConnections(server, benchmark.load.connections);
    return await look();
  } finally {
    load.end();
    await load.result;
  }
}

async function measureIdle(benchmark, server, options) {
  // A few connections first: what is paid once (code, JIT, pools) is not a connection's cost.
  await startLoad(options, server.port, IDLE_WARMUP).result;
  await untilConnections(server, 0);
  const before = await collectedStats(server);
  const after = await whileIdle(benchmark, server, options, () => collectedStats(server));
  return {
    rssPerConnection: (after.rss - before.rss) / benchmark.load.connections,
    rss: after.rss,
    backend: after.info?.backend ?? null,
  };
}

const METHODS = {
  load: measureTraffic,
  wrk: measureWrk,
  idle: measureIdle,
  blocked: measureBlocked,
};

/** @returns {Promise<object>} the numbers of this round */
async function measure(benchmark, kind, options) {
  const method = methodOf(benchmark);
  if (method === 'syscalls') return measureSyscalls(benchmark, kind, options);
  const { program, args } = benchmark;
  const nodeArgs = method === 'idle' ? ['--expose-gc'] : [];
  const server = await ServerProcess.start(kind, { ...options, program, args, nodeArgs });
  try {
    return await METHODS[method](benchmark, server, options);
  } finally {
    await server.stop();
  }
}

module.exports = { measure, perMessage };
