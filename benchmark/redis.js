#!/usr/bin/env node
'use strict';

/**
 * redis-benchmark against the key-value server of the examples, on the searings transport and on
 * node:net: the same program, the same load, taking turns. See README.md on how to read the result.
 */

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ensurePackages } = require('../scripts/lib/packages');
const { plain, range, row } = require('./format');
const { describeMachine, foreignShare, readCpu } = require('./machine');
const { perMessage } = require('./measure');
const { ServerProcess, pinned } = require('./processes');
const { DISTURBED, generatorCell, ratio, summarize } = require('./report');

const USAGE = `usage: node benchmark/redis.js [options]
  --rounds N       interleaved rounds (5)
  --requests N     of each test in each round (200000)
  --quick          2 rounds of 20000 requests
  --node PATH      Node executable of the servers (this one)
  --server-cpu N   CPU of the server, all its threads (0)
  --load-cpu N     CPU of redis-benchmark (1)
  --output FILE    where the table goes (benchmark/results/redis.md)`;

const OUTPUT = path.join(__dirname, 'results', 'redis.md');
const SERVERS = ['net', 'searings'];
const TESTS = ['ping_mbulk', 'set', 'get'];
const TITLES = { ping_mbulk: 'PING', set: 'SET', get: 'GET' };
const PIPELINES = [1, 16];
const CONNECTIONS = 50;
const WARMUP_SHARE = 0.1; // of the requests, before each test
const LIMIT_MS = 120_000; // without a server, redis-benchmark tries for ever

function progress(text) {
  process.stderr.write(`${text}\n`);
}

function loadArgs(test, pipeline, requests) {
  return ['-q', '-n', requests, '-c', CONNECTIONS, '-P', pipeline, '-t', test].map(String);
}

/** One run of redis-benchmark. @returns {Promise<{rate: number, p50: number, p99: number}>} in ms */
function runLoad({ loadCpu }, port, args) {
  const stdio = ['ignore', 'pipe', 'pipe'];
  const child = pinned(loadCpu, 'redis-benchmark', ['--csv', '-p', String(port), ...args], stdio);
  const timer = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const [, values] = output.stdout.trim().split('\n');
      const [, rate, , , p50, , p99] = (values ?? '').replaceAll('"', '').split(',').map(Number);
      if (code === 0 && output.stderr === '' && rate > 0) resolve({ rate, p50, p99 });
      else reject(new Error(`redis-benchmark ended with ${signal ?? code}: ${output.stderr}`));
    });
  });
}

async function takeReadings(server, { serverCpu, loadCpu }) {
  return {
    stats: await server.ask('stats'),
    serverCpu: readCpu(serverCpu),
    loadCpu: readCpu(loadCpu),
  };
}

/** One test against a server that runs: what redis-benchmark says, and what it cost. */
async function measureTest(server, test, pipeline, options) {
  await runLoad(options, server.port, loadArgs(test, pipeline, options.requests * WARMUP_SHARE));
  const before = await takeReadings(server, options);
  const result = await runLoad(options, server.port, loadArgs(test, pipeline, options.requests));
  const after = await takeReadings(server, options);
  const wallUs = after.stats.timeUs - before.stats.timeUs;
  const meanRate = (options.requests * 1e6) / wallUs; // with redis-benchmark's start and end
  const costs = perMessage(before.stats, after.stats, meanRate);
  const ownShare = (costs.totalUs * meanRate) / 1e6;
  return {
    ...result,
    ...costs,
    loadCpu: foreignShare(before.loadCpu, after.loadCpu, 0),
    foreign: foreignShare(before.serverCpu, after.serverCpu, ownShare),
    backend: after.stats.info?.backend ?? null,
  };
}

/** A fresh server, and one run of each test against it. */
async function measureRound(kind, pipeline, label, options, samples) {
  const server = await ServerProcess.start(kind, { ...options, program: 'kv.js' });
  try {
    for (const test of TESTS) {
      const sample = await measureTest(server, test, pipeline, options);
      progress(`${label}: ${TITLES[test]} ${Math.round(sample.rate)}/s`);
      samples[test].push(sample);
    }
  } finally {
    await server.stop();
  }
}

/** All rounds at one depth of pipelining. The servers take turns, and turns at going first. */
async function measurePipeline(pipeline, options) {
  const samples = {};
  for (const kind of SERVERS) {
    samples[kind] = Object.fromEntries(TESTS.map((test) => [test, []]));
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const kind of round % 2 ? [...SERVERS].reverse() : SERVERS) {
      const label = `-P ${pipeline} ${round + 1}/${options.rounds} ${kind}`;
      await measureRound(kind, pipeline, label, options, samples[kind]);
    }
  }
  return samples;
}

function tableRows(pipeline, samples) {
  return TESTS.flatMap((test) => {
    const summaries = SERVERS.map((kind) => summarize(samples[kind][test]));
    return SERVERS.map((kind, i) => {
      const summary = summaries[i];
      const factor = kind === 'net' ? '' : ratio(summary.rate, summaries[0].rate).toFixed(2);
      return row([
        `${TITLES[test]}, -P ${pipeline}`,
        kind,
        range(summary.rate, 0),
        factor,
        plain(summary.p50, 2),
        plain(summary.p99, 2),
        plain(summary.mainUs, 2),
        plain(summary.totalUs, 2),
        generatorCell(summary.loadCpu),
      ]);
    });
  });
}

function remarks(results) {
  const lines = [];
  for (const [pipeline, samples] of results) {
    for (const kind of SERVERS) {
      const all = Object.values(samples[kind]).flat();
      const disturbed = all.filter(({ foreign }) => foreign > DISTURBED).length;
      const where = `-P ${pipeline}, ${kind}`;
      if (disturbed) lines.push(`- disturbed: ${where}, ${disturbed} of ${all.length} runs`);
      if (kind === 'searings' && all.some(({ backend }) => backend !== 'io_uring')) {
        lines.push(`- not io_uring: ${where} was measured on the net fallback`);
      }
    }
  }
  return lines.length ? ['', 'Remarks:', '', ...lines] : [];
}

/** @returns {string} Markdown */
function render(results, machine, options) {
  const pins = `server on CPU ${options.serverCpu}, redis-benchmark on CPU ${options.loadCpu}`;
  const lines = [
    '# redis-benchmark against `examples/kv-server.js`',
    '',
    `${machine.date.slice(0, 10)}: Node ${machine.node}, Linux ${machine.kernel}, ${machine.cpu};`,
    `${options.rounds} interleaved rounds, ${pins}.`,
    '',
    '```sh',
    ...PIPELINES.map((pipeline) => {
      return `redis-benchmark ${loadArgs(TESTS.join(), pipeline, options.requests).join(' ')}`;
    }),
    '```',
    '',
    row(
      ['test', 'server', 'requests/s: median (min–max)', '× net', 'p50 ms', 'p99 ms'].concat([
        'JS µs',
        'process µs',
        'generator CPU',
      ]),
    ),
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...results.flatMap(([pipeline, samples]) => tableRows(pipeline, samples)),
    '',
    'JS, process: CPU time per request of the JS thread, and of all threads of the server together.',
    'generator CPU: all that ran on it; (!): it may be what limits the rate, and not the server.',
    ...remarks(results),
  ];
  return `${lines.join('\n')}\n`;
}

function parseOptions(argv) {
  const text = (value) => ({ type: 'string', default: value });
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string' },
      requests: { type: 'string' },
      quick: { type: 'boolean', default: false },
      node: text(process.execPath),
      'server-cpu': text('0'),
      'load-cpu': text('1'),
      output: text(OUTPUT),
      help: { type: 'boolean', default: false },
    },
  });
  const number = (name, fallback, min) => {
    const value = Number(values[name] ?? fallback);
    if (!Number.isInteger(value) || value < min) {
      throw new RangeError(`--${name} ${values[name]}: expected a number from ${min} on`);
    }
    return value;
  };
  return {
    help: values.help,
    rounds: number('rounds', values.quick ? 2 : 5, 1),
    requests: number('requests', values.quick ? 20_000 : 200_000, 1000),
    serverCpu: number('server-cpu', 0, 0),
    loadCpu: number('load-cpu', 1, 0),
    node: values.node,
    output: values.output,
  };
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  ensurePackages(['redis']);
  const machine = describeMachine(options.node);
  const results = [];
  for (const pipeline of PIPELINES) {
    results.push([pipeline, await measurePipeline(pipeline, options)]);
  }
  const report = render(results, machine, options);
  process.stdout.write(report);
  fs.mkdirSync(path.dirname(options.output), { recursive: true });
  fs.writeFileSync(options.output, report);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
