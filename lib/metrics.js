'use strict';

const { codedError, invalidArgType, invalidArgValue } = require('./errors');
const { kKind } = require('./symbols');

const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Every number of `info()`: its name there, its name as a metric, its type and its meaning. */
const NUMBERS = [
  ['connectionsActive', 'connections', 'gauge', 'Connections that are open.'],
  ['connectionsAccepted', 'connections_accepted_total', 'counter', 'Connections accepted.'],
  ['connectionsClosed', 'connections_closed_total', 'counter', 'Connections that have ended.'],
  [
    'connectionsRejected',
    'connections_rejected_total',
    'counter',
    'Connections closed at once because of a limit.',
  ],
  [
    'idleTimeouts',
    'idle_timeouts_total',
    'counter',
    'Connections closed because nothing happened on them.',
  ],
  ['bytesReceived', 'received_bytes_total', 'counter', 'Payload received.'],
  ['bytesSent', 'sent_bytes_total', 'counter', 'Payload sent.'],
  [
    'sendRefusals',
    'send_refusals_total',
    'counter',
    'Sends of a raw server that were refused because a queue was full.',
  ],
  ['httpRequests', 'http_requests_total', 'counter', 'Requests that were understood.'],
  ['httpFixed', 'http_fixed_responses_total', 'counter', 'Requests given a fixed response.'],
  [
    'httpRefused',
    'http_refused_requests_total',
    'counter',
    'Requests answered with an error because of a violation or a limit.',
  ],
  [
    'httpTimeouts',
    'http_timeouts_total',
    'counter',
    'Connections ended because a request took too long to arrive.',
  ],
  ['slotsInUse', 'slots_in_use', 'gauge', 'Slots of the connection table not given back yet.'],
  ['buffersInUse', 'receive_buffers_in_use', 'gauge', 'Receive buffers not given back yet.'],
  ['bufferCount', 'receive_buffers', 'gauge', 'Receive buffers that there are.'],
  ['bufferSize', 'receive_buffer_size_bytes', 'gauge', 'Size of a receive buffer.'],
  [
    'bufferStarvations',
    'buffer_starvations_total',
    'counter',
    'Times a connection waited for a receive buffer.',
  ],
  [
    'acceptBackoffs',
    'accept_backoffs_total',
    'counter',
    'Pauses of accepting because descriptors or memory had run out.',
  ],
  [
    'commandRefusals',
    'command_refusals_total',
    'counter',
    'Times a command waited because the command queue was full.',
  ],
  [
    'eventStalls',
    'event_stalls_total',
    'counter',
    'Times the ring waited because the event queue was full.',
  ],
  ['batches', 'batches_total', 'counter', 'Calls into JavaScript with events.'],
  ['directSends', 'direct_sends_total', 'counter', 'Writes that the JavaScript thread sent.'],
  ['doorbells', 'doorbells_total', 'counter', 'Calls of the worker to the JavaScript thread.'],
  ['wakeups', 'wakeups_total', 'counter', 'Times a sleeping worker was woken for commands.'],
  ['passes', 'passes_total', 'counter', 'Passes of the loop.'],
  ['enters', 'enters_total', 'counter', 'System calls io_uring_enter.'],
  ['multishotRearms', 'multishot_rearms_total', 'counter', 'Multishot operations started again.'],
  ['cqOverflows', 'cq_overflows_total', 'counter', 'Overflows of the completion queue.'],
  ['sqEntries', 'submission_queue_entries', 'gauge', 'Length of the submission queue.'],
  ['cqEntries', 'completion_queue_entries', 'gauge', 'Length of the completion queue.'],
  ['ringFlags', 'ring_setup_flags', 'gauge', 'Flags that the ring was set up with, as a number.'],
  [
    'bundleCompletions',
    'bundle_receives_total',
    'counter',
    'Receives that filled more than one buffer.',
  ],
  ['bundleBuffers', 'bundle_buffers_total', 'counter', 'Buffers that these filled.'],
  ['bundleBytes', 'bundle_received_bytes_total', 'counter', 'Payload that these received.'],
  ['zeroCopyRequests', 'zero_copy_sends_total', 'counter', 'Zero-copy sends.'],
  [
    'zeroCopyNotifications',
    'zero_copy_notifications_total',
    'counter',
    'Zero-copy sends whose memory is free again.',
  ],
  [
    'zeroCopyCopied',
    'zero_copy_copied_total',
    'counter',
    'Zero-copy sends that the kernel has copied after all.',
  ],
  [
    'zeroCopyErrors',
    'zero_copy_errors_total',
    'counter',
    'Zero-copy sends that were refused and made again without.',
  ],
  ['registeredSendRequests', 'registered_sends_total', 'counter', 'Sends from registered memory.'],
  [
    'registeredSendMisses',
    'registered_send_misses_total',
    'counter',
    'Sends too long for registered memory, or without a free buffer of it.',
  ],
  ['sendBufferCount', 'registered_send_buffers', 'gauge', 'Registered send buffers.'],
  [
    'sendBufferSize',
    'registered_send_buffer_size_bytes',
    'gauge',
    'Size of a registered send buffer.',
  ],
];

const PATHS = {
  recvBundle: 'recv_bundle',
  incrementalBuffers: 'incremental_buffers',
  zeroCopySend: 'zero_copy_send',
  registeredSendBuffer: 'registered_send_buffer',
};

/** Labels that the metrics have themselves. */
const OWN_LABELS = new Set(['server', 'backend', 'driver', 'name', 'reason', 'path']);

function escapeHelp(text) {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
}

function escapeLabel(value) {
  return escapeHelp(value).replace(/"/g, '\\"');
}

function labelText(labels) {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${pairs.join(',')}}`;
}

function checkLabels(given) {
  if (typeof given !== 'object' || given === null) {
    throw invalidArgType('"options.labels" property', 'of type object', given);
  }
  const labels = {};
  for (const [name, value] of Object.entries(given)) {
    if (!LABEL_NAME.test(name)) {
      throw invalidArgValue('"options.labels" property', name, 'must have valid names of labels');
    }
    if (OWN_LABELS.has(name)) {
      throw invalidArgValue('"options.labels" property', name, 'has a label that is there already');
    }
    if (typeof value !== 'string' && typeof value !== 'number') {
      throw invalidArgType(`"options.labels.${name}" property`, 'of type string or number', value);
    }
    labels[name] = String(value);
  }
  return labels;
}

/** @returns {{prefix: string, labels: Record<string, string>}} */
function checkOptions(given = {}) {
  if (typeof given !== 'object' || given === null) {
    throw invalidArgType('"options" argument', 'of type object', given);
  }
  const { prefix = 'searings_', labels = {}, ...others } = given;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    const message = `The "options.${unknown}" property is not an option there is (known options: prefix, labels)`;
    throw codedError(TypeError, 'ERR_INVALID_ARG_VALUE', message);
  }
  if (typeof prefix !== 'string') {
    throw invalidArgType('"options.prefix" property', 'of type string', prefix);
  }
  if (prefix !== '' && !METRIC_NAME.test(prefix)) {
    throw invalidArgValue('"options.prefix" property', prefix, 'must begin a name of a metric');
  }
  return { prefix, labels: checkLabels(labels) };
}

/** What there is to tell of one server: `[metric, type, help, labels, value]` each. */
function samplesOf(kind, info, labels) {
  const { backend, driver, fallbackReason, fastPaths, restrictedRing } = info;
  const own = { server: kind, backend, driver: driver ?? 'none', ...labels };
  const samples = [
    ['listening', 'gauge', 'Whether the server listens.', own, info.listening ? 1 : 0],
    [
      'fallback',
      'gauge',
      'Whether node:net serves in the place of io_uring.',
      fallbackReason === null ? own : { ...own, reason: fallbackReason },
      fallbackReason === null ? 0 : 1,
    ],
  ];
  for (const [field, metric, type, help] of NUMBERS) {
    if (info[field] !== undefined) samples.push([metric, type, help, own, info[field]]);
  }
  if (restrictedRing !== undefined) {
    const help = 'Whether the ring can do what servers need and nothing else.';
    samples.push(['restricted_ring', 'gauge', help, own, restrictedRing === 'on' ? 1 : 0]);
  }
  for (const [name, state] of Object.entries(fastPaths ?? {})) {
    const path = { ...own, path: PATHS[name] };
    samples.push([
      'fast_path',
      'gauge',
      'Whether a fast path is on.',
      path,
      state === 'on' ? 1 : 0,
    ]);
  }
  return samples;
}

/** The text format wants the samples of a metric together, below one description. */
function render(samples, prefix) {
  const metrics = new Map();
  for (const [metric, type, help, labels, value] of samples) {
    const name = prefix + metric;
    if (!metrics.has(name)) {
      metrics.set(name, `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`);
    }
    metrics.set(name, `${metrics.get(name)}${name}${labelText(labels)} ${value}\n`);
  }
  return [...metrics.values()].join('');
}

/** What the `metrics()` of a server gives. */
function metricsOf(server, options) {
  const { prefix, labels } = checkOptions(options);
  return render(samplesOf(server[kKind], server.info(), labels), prefix);
}

/**
 * The metrics of several servers in one text, in which each has a label `name`.
 *
 * @param {Record<string, object>} servers by name
 * @param {{prefix?: string, labels?: Record<string, string | number>}} [options]
 * @returns {string}
 */
function formatMetrics(servers, options) {
  if (typeof servers !== 'object' || servers === null) {
    throw invalidArgType('"servers" argument', 'of type object', servers);
  }
  const { prefix, labels } = checkOptions(options);
  const samples = Object.entries(servers).flatMap(([name, server]) => {
    if (server?.[kKind] === undefined) {
      throw invalidArgType(`"servers.${name}" property`, 'a server of searings', server);
    }
    return samplesOf(server[kKind], server.info(), { name, ...labels });
  });
  return render(samples, prefix);
}

module.exports = { CONTENT_TYPE, formatMetrics, metricsOf };
