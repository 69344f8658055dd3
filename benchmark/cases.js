'use strict';

/**
 * What is measured, and what has to come out. A case names its `program` in servers/ (echo.js unless it says)
 * with its `args`, the `servers` that are measured unless the command line says which, the first of them being what
 * the others are compared with, and how it is measured:
 *
 *   load      sea_load against the server, with these settings; mode `idle` reads memory instead
 *   wrk       wrk against the server, after a warm-up by sea_load that checks the responses
 *   syscalls  the load of the case of this name, under strace, for what it counts and not for its time
 *   blocked   sea_load while the server's JavaScript thread is blocked for so many ms
 */

const KIB = 1024;
const HELLO_BYTES = 13;
const BOTH_DRIVERS = ['net', 'searings', 'inline'];
const HTTP_DRIVERS = ['node:http', 'searings', 'inline'];
const HTTP_NATIVE = [...HTTP_DRIVERS, 'handler', 'fixed'];

function count(number, unit) {
  return `${number.toLocaleString('en-US')} ${unit}${number === 1 ? '' : 's'}`;
}

function bytes(size) {
  return size < KIB ? `${size} B` : `${size / KIB} KiB`;
}

function echo(connections, size, more = {}) {
  const load = { mode: 'echo', connections, size, pipeline: 1 };
  const title = `${count(connections, 'connection')}, ${bytes(size)} echo`;
  return { title, servers: BOTH_DRIVERS, load, ...more };
}

function bulk(mode, title) {
  const load = { mode, connections: 16, size: 1024 * KIB, pipeline: 1 };
  const args = [mode, String(load.size)];
  return { title, program: 'bulk.js', args, servers: BOTH_DRIVERS, load };
}

function hello(connections, more = {}) {
  const title = `HTTP hello, ${count(connections, 'connection')}`;
  const wrk = { connections, bodyBytes: HELLO_BYTES };
  return { title, program: 'http.js', servers: HTTP_NATIVE, wrk, ...more };
}

function httpLoad(title, load, more = {}) {
  const settings = { mode: 'http', connections: 64, size: HELLO_BYTES, pipeline: 1, ...load };
  return { title, program: 'http.js', servers: HTTP_NATIVE, load: settings, ...more };
}

function secure(what, title) {
  const wrk = { connections: 64, secure: true };
  const servers = ['node', 'searings', 'inline'];
  return { title, program: 'secure.js', args: [what], servers, wrk };
}

const cases = {
  'tcp-64': echo(64, 64),
  'tcp-16k': echo(64, 16 * KIB),
  'tcp-pipeline': {
    title: '64 connections, 64 B echo, 16 deep',
    servers: BOTH_DRIVERS,
    load: { mode: 'echo', connections: 64, size: 64, pipeline: 16 },
  },
  churn: {
    title: '64 loops of connect, 64 B echo, close',
    servers: BOTH_DRIVERS,
    load: { mode: 'churn', connections: 64, size: 64, pipeline: 1 },
  },
  'http-64': hello(64, {
    servers: [...HTTP_DRIVERS, 'handler', 'batch', 'fixed', 'routes', 'bun', 'uws'],
  }),
  fastify: {
    title: 'Fastify, JSON route, 64 connections',
    program: 'fastify.js',
    servers: HTTP_DRIVERS,
    wrk: { connections: 64, bodyBytes: 17 },
  },

  'tcp-1': echo(1, 64),
  'tcp-4': echo(4, 64),
  'tcp-16': echo(16, 64),
  'tcp-1000': echo(1000, 64),
  'tcp-10000': echo(10_000, 64),
  'tcp-1k': echo(64, KIB),
  'tcp-1k-1': echo(1, KIB),
  'tcp-1k-1000': echo(1000, KIB),
  'tcp-16k-1': echo(1, 16 * KIB),
  'tcp-16k-1000': echo(1000, 16 * KIB),
  'tcp-256k': echo(64, 256 * KIB),
  'tcp-256k-1': echo(1, 256 * KIB),
  'tcp-rate': {
    title: '8 connections, 64 B echo, 2,000 a second in all',
    servers: BOTH_DRIVERS,
    load: { mode: 'echo', connections: 8, size: 64, pipeline: 256, rate: 2000 },
  },
  'fast-64': echo(64, 64, {
    title: '64 connections, 64 B echo, other ways',
    servers: ['net', 'searings', 'raw', 'batch', 'echo'],
  }),
  'fast-256k': echo(8, 256 * KIB, {
    title: '8 connections, 256 KiB echo, other ways',
    servers: ['net', 'searings', 'bundle', 'incremental', 'zero-copy', 'registered'],
  }),
  upload: bulk('upload', '16 connections, upload of 1 MiB messages'),
  download: bulk('download', '16 connections, download of 1 MiB messages'),
  broadcast: {
    title: '1,000 connections, 64 B to all of them, 2 in advance',
    program: 'broadcast.js',
    servers: ['net', 'searings', 'raw'],
    load: { mode: 'broadcast', connections: 1000, size: 64, pipeline: 2 },
  },

  'http-1': hello(1),
  'http-1000': hello(1000),
  'http-own': httpLoad('HTTP hello, 64 connections, by sea_load', {}),
  'http-pipeline': httpLoad('HTTP hello, 64 connections, 16 deep', { pipeline: 16 }),
  'http-rate': httpLoad('HTTP hello, 64 connections, 10,000 a second in all', {
    pipeline: 1024,
    rate: 10_000,
  }),
  https: secure('https', 'HTTPS hello, 64 connections'),
  tls: secure('tls', 'TLS without HTTP, 64 connections, 80 B answers'),

  slow: {
    title: '16 connections that send all they can and read 16 KiB per 10 ms',
    program: 'pipe.js',
    servers: BOTH_DRIVERS,
    load: { mode: 'slow', connections: 16, size: 16 * KIB, pipeline: 1 },
  },
  idle: {
    title: '10,000 idle connections, silent since they were opened',
    servers: ['net', 'searings'],
    load: { mode: 'idle', connections: 10_000, size: 0, pipeline: 1 },
  },
  'idle-used': {
    title: '10,000 idle connections, one 64 B echo each before',
    servers: ['net', 'searings'],
    load: { mode: 'idle', connections: 10_000, size: 64, pipeline: 1 },
  },

  'syscalls-tcp-64': { title: '64 connections, 64 B echo', syscalls: 'tcp-64' },
  'syscalls-tcp-1': { title: '1 connection, 64 B echo', syscalls: 'tcp-1' },
  'syscalls-http-64': { title: 'HTTP hello, 64 connections', syscalls: 'http-own' },

  blocked: httpLoad(
    'HTTP hello, 1,000 a second in all, JavaScript blocked for 2 s',
    { connections: 8, pipeline: 1024, rate: 1000 },
    { servers: ['node:http', 'handler', 'fixed'], blocked: { ms: 2000, seconds: 5 } },
  ),
};

/** What is only there to be run under strace. */
const traced = {
  'tcp-64': { ...cases['tcp-64'], servers: [...BOTH_DRIVERS, 'raw', 'echo'] },
  'tcp-1': cases['tcp-1'],
  'http-own': cases['http-own'],
};
for (const benchmark of Object.values(cases)) {
  if (benchmark.syscalls) Object.assign(benchmark, { ...traced[benchmark.syscalls], ...benchmark });
}

/** By the name on the command line. Those of `main` have thresholds, and get all rounds. */
const suites = {
  main: ['tcp-64', 'tcp-16k', 'tcp-pipeline', 'churn', 'http-64', 'fastify', 'idle'],
  tcp: Object.keys(cases).filter((name) => /^(tcp|fast-|churn|upload|download|broad)/.test(name)),
  http: Object.keys(cases).filter((name) => /^(http|fastify|tls)/.test(name)),
  memory: ['idle', 'idle-used', 'slow'],
  syscalls: Object.keys(cases).filter((name) => cases[name].syscalls),
  all: Object.keys(cases),
};
suites.full = [
  ...suites.main.filter((name) => name !== 'idle'),
  ...['tcp-1', 'tcp-1000', 'tcp-10000', 'tcp-1k', 'tcp-256k', 'tcp-rate', 'upload', 'download'],
  ...['fast-64', 'broadcast', 'http-1000', 'http-pipeline', 'http-rate', 'https'],
  ...[...suites.memory, ...suites.syscalls, 'blocked'],
];

/**
 * Acceptance. `metric` of searings, or of `server`, divided by that of the case's first server unless
 * `absolute`, has to be at least `min`, at most `max`, or below `below`.
 */
const thresholds = [
  { case: 'tcp-64', metric: 'rate', min: 1.4, text: 'messages/s' },
  { case: 'tcp-64', metric: 'mainUs', max: 1 / 8, text: 'JS-thread CPU per message' },
  { case: 'tcp-64', metric: 'enters', below: 0.1, absolute: true, text: 'io_uring_enter/message' },
  { case: 'tcp-64', metric: 'p99', max: 1, text: 'p99' },
  { case: 'tcp-16k', metric: 'rate', min: 1.1, text: 'messages/s' },
  { case: 'tcp-16k', metric: 'p99', max: 1, text: 'p99' },
  { case: 'tcp-pipeline', metric: 'rate', min: 1.3, text: 'messages/s' },
  { case: 'tcp-pipeline', metric: 'p99', max: 1, text: 'p99' },
  { case: 'churn', metric: 'rate', min: 1, text: 'connections/s' },
  { case: 'churn', metric: 'p99', below: 1, text: 'p99' },
  { case: 'broadcast', server: 'raw', metric: 'mainUs', max: 0.33, text: 'JS-thread CPU/delivery' },
  { case: 'idle', metric: 'rssPerConnection', max: 0.6, text: 'memory per connection' },
  { case: 'http-64', metric: 'rate', min: 1.4, text: 'requests/s' },
  { case: 'http-64', metric: 'p99', below: 1, text: 'p99' },
  { case: 'http-64', server: 'inline', metric: 'rate', min: 1.4, text: 'requests/s' },
  { case: 'http-64', server: 'inline', metric: 'p99', below: 1, text: 'p99' },
  { case: 'http-64', server: 'handler', metric: 'rate', min: 1.7, text: 'requests/s' },
  { case: 'http-64', server: 'handler', metric: 'p99', below: 1, text: 'p99' },
  { case: 'http-64', server: 'fixed', metric: 'rate', min: 2.2, text: 'requests/s' },
  { case: 'http-64', server: 'fixed', metric: 'p99', below: 1, text: 'p99' },
  { case: 'fastify', metric: 'rate', min: 1.25, text: 'requests/s' },
  { case: 'fastify', metric: 'p99', below: 1, text: 'p99' },
  { case: 'fastify', server: 'inline', metric: 'rate', min: 1.25, text: 'requests/s' },
  { case: 'fastify', server: 'inline', metric: 'p99', below: 1, text: 'p99' },
  {
    case: 'blocked',
    server: 'fixed',
    metric: 'p99',
    below: 5000,
    absolute: true,
    text: 'p99 in µs while JavaScript is blocked',
  },
];

/** All that a case may be measured with; not every program knows each. */
const servers = [
  ...new Set(Object.values(cases).flatMap((benchmark) => benchmark.servers)),
  ...['handler-inline', 'fixed-inline'],
];

/** How a case is measured. @returns {'load' | 'wrk' | 'idle' | 'syscalls' | 'blocked'} */
function methodOf({ load, wrk, syscalls, blocked }) {
  if (syscalls) return 'syscalls';
  if (blocked) return 'blocked';
  if (wrk) return 'wrk';
  return load.mode === 'idle' ? 'idle' : 'load';
}

module.exports = { cases, methodOf, servers, suites, thresholds };
