'use strict';

/** One round of one case against one fresh server process. */

const { setTimeout: sleep } = require('node:timers/promises');
const { foreignShare, readCpu } = require('./machine');
const { ServerProcess, startLoad } = require('./processes');

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

async function measureTraffic(benchmark, server, options) {
  const readings = {};
  const settings = { ...benchmark.load, seconds: options.seconds, warmup: options.warmup };
  const { result } = startLoad(options, server.port, settings, (event) => {
    if (event !== 'open') readings[event] = takeReadings(server, options);
  });
  const line = await result;
  const before = await readings.measure.stats;
  const after = await readings.measured.stats;
  const costs = perMessage(before, after, line.rate);
  const loadCpu = line.cpuSeconds / line.seconds;
  const serverCpu = (costs.totalUs * line.rate) / 1e6;
  return {
    rate: line.rate,
    p50: line.latencyUs.p50,
    p99: line.latencyUs.p99,
    ...costs,
    serverCpu,
    loadCpu,
    foreign: disturbance(
      readings.measure,
      readings.measured,
      serverCpu,
      loadCpu,
      options.serverCpu !== null,
    ),
    rss: after.rss,
    backend: after.info?.backend ?? null,
    load: line,
    info: after.info,
  };
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
    info: after.info,
  };
}

/** @returns {Promise<object>} the numbers of this round */
async function measure(benchmark, kind, options) {
  const idle = benchmark.load.mode === 'idle';
  const nodeArgs = idle ? ['--expose-gc'] : [];
  const server = await ServerProcess.start(kind, {
    ...options,
    program: benchmark.program,
    nodeArgs,
  });
  try {
    return await (idle ? measureIdle : measureTraffic)(benchmark, server, options);
  } finally {
    await server.stop();
  }
}

module.exports = { measure, perMessage };
