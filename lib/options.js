'use strict';

const net = require('node:net');
const { codedError, invalidArgType, invalidArgValue, outOfRange } = require('./errors');

const KIB = 1024;
const MIB = 1024 * KIB;
const PAGE = 4 * KIB;
const INTERFACE_NAME_MAX = 15;
const MAX_INT32 = 2 ** 31 - 1;

const integer = (value, min, max) => ({ kind: 'integer', default: value, min, max });
const boolean = (value) => ({ kind: 'boolean', default: value });
const string = () => ({ kind: 'string', default: undefined });

/** Who runs a transport's loop: a thread of its own, or the JavaScript thread. */
const DRIVERS = ['worker', 'inline'];

/**
 * Every option of `createTcpServer`: its default, its type and its range. Sizes are bytes and times are
 * milliseconds unless the name says otherwise.
 */
const TCP_OPTIONS = {
  __proto__: null,

  // Where to listen, for a listen() that does not say.
  host: string(),
  port: integer(0, 0, 65535),
  backlog: integer(1024, 1, MAX_INT32),
  reusePort: boolean(false),
  tcpDeferAcceptSeconds: integer(0, 0, 3600),

  // Connections.
  maxConnections: integer(0, 0, MAX_INT32),
  idleTimeoutMs: integer(0, 0, MAX_INT32),
  tcpNoDelay: boolean(true),
  socketRecvBufferSize: integer(0, 0, MAX_INT32),
  socketSendBufferSize: integer(0, 0, MAX_INT32),

  // The transport.
  driver: { kind: 'driver', default: undefined },
  busyPollMicros: integer(0, 0, 1000),
  queueDepth: integer(256, 8, 32768),
  bufferCount: integer(1024, 1, 32768),
  bufferSize: integer(16 * KIB, 64, KIB * KIB),
  commandQueueCapacity: integer(65536, 16, 2 ** 24),
  eventQueueCapacity: integer(65536, 16, 2 ** 24),
  eventBatchSize: integer(64, 1, 4096),
  fallback: boolean(true),
  restrictedRing: boolean(true),

  // Fast paths of newer kernels, and of network cards.
  useRecvBundle: boolean(false),
  useIncrementalBuffers: boolean(false),
  useZeroCopySend: boolean(false),
  zeroCopySendMin: integer(32 * KIB, 1, MAX_INT32),
  useRegisteredSendBuffer: boolean(false),
  sendBufferCount: integer(64, 1, 1024),
  sendBufferSize: integer(64 * KIB, 4 * KIB, KIB * KIB),
  useZeroCopyReceive: boolean(false),
  zcrxInterfaceName: string(),
  zcrxWithoutDevice: boolean(false),
  zcrxRxQueue: integer(0, 0, 65535),
  zcrxAreaSize: integer(64 * MIB, MIB, 2048 * MIB),
  zcrxRxBufferSize: integer(0, 0, MIB),

  // As in net.createServer. `noDelay` is another name of `tcpNoDelay`.
  allowHalfOpen: boolean(false),
  pauseOnConnect: boolean(false),
  noDelay: boolean(undefined),
  keepAlive: boolean(false),
  keepAliveInitialDelay: integer(0, 0, MAX_INT32),
  highWaterMark: integer(undefined, 0, MAX_INT32),
  blockList: { kind: 'blockList', default: undefined },
};

/** The options that the raw servers share with `createTcpServer`. What is left out is of streams and their server. */
const { allowHalfOpen, pauseOnConnect, highWaterMark, blockList, ...COMMON_OPTIONS } = TCP_OPTIONS;
COMMON_OPTIONS.host = { ...TCP_OPTIONS.host, default: '127.0.0.1' };

/** Every option of `UringTcpServer`. */
const RAW_OPTIONS = {
  __proto__: null,
  ...COMMON_OPTIONS,
  sendQueueCapacity: integer(1024, 1, 2 ** 24),
};

/** Every option of `UringHttpServer`. */
const HTTP_OPTIONS = {
  __proto__: null,
  ...COMMON_OPTIONS,
  statusCode: integer(200, 200, 999),
  responseHeaders: { kind: 'headers', default: undefined },
  responseBody: { kind: 'bytes', default: undefined },
  routes: { kind: 'object', default: undefined },

  // Limits, and what is refused with 431, 414 and 413 above them.
  maxHeaderSize: integer(16 * KIB, 256, 16 * KIB * KIB),
  maxHeadersCount: integer(2000, 1, 65535),
  maxUrlLength: integer(8 * KIB, 1, 16 * KIB * KIB),
  maxBodySize: integer(KIB * KIB, 0, Number.MAX_SAFE_INTEGER),
  maxPipelinedRequests: integer(64, 1, 1024),

  // Times, 0 for no limit.
  headersTimeout: integer(60000, 0, MAX_INT32),
  requestTimeout: integer(300000, 0, MAX_INT32),
  keepAliveTimeout: integer(5000, 0, MAX_INT32),
};

/** Every option of `UringTcpEchoServer`: it has no queues to JavaScript. */
const {
  eventBatchSize: _batch,
  eventQueueCapacity: _events,
  commandQueueCapacity: _commands,
  ...ECHO
} = COMMON_OPTIONS;
const ECHO_OPTIONS = { __proto__: null, ...ECHO };

function checkInteger(name, value, { min, max }) {
  const range = `an integer between ${min} and ${max}`;
  if (typeof value !== 'number') throw invalidArgType(`"options.${name}" property`, range, value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw outOfRange(`options.${name}`, range, value);
  }
}

function checkType(name, value, { kind }) {
  const article = `of type ${kind}`;
  if (typeof value !== kind) throw invalidArgType(`"options.${name}" property`, article, value);
}

function checkDriver(name, value) {
  if (typeof value !== 'string') {
    throw invalidArgType(`"options.${name}" property`, 'of type string', value);
  }
  if (DRIVERS.includes(value)) return;
  const message = `The property 'options.${name}' must be one of: ${DRIVERS.map((word) => `'${word}'`).join(', ')}. Received '${value}'`;
  throw codedError(TypeError, 'ERR_INVALID_ARG_VALUE', message);
}

/** What `SEARINGS_DRIVER` says, for servers that do not say themselves. */
function driverFromEnvironment() {
  const word = process.env.SEARINGS_DRIVER || DRIVERS[0];
  if (DRIVERS.includes(word)) return word;
  const message = `SEARINGS_DRIVER must be ${DRIVERS.join(' or ')}. Received '${word}'`;
  throw codedError(TypeError, 'ERR_INVALID_ARG_VALUE', message);
}

function checkBlockList(name, value) {
  // Older Nodes lack isBlockList(), which also knows those of other realms.
  const known = net.BlockList.isBlockList?.(value) ?? value instanceof net.BlockList;
  if (!known) {
    throw invalidArgType(`"options.${name}" property`, 'an instance of net.BlockList', value);
  }
}

function checkBytes(name, value) {
  if (typeof value === 'string' || value instanceof Uint8Array) return;
  const expected = 'of type string or an instance of Buffer or Uint8Array';
  throw invalidArgType(`"options.${name}" property`, expected, value);
}

function checkObject(name, value) {
  if (typeof value === 'object' && value !== null) return;
  throw invalidArgType(`"options.${name}" property`, 'of type object', value);
}

const CHECKS = {
  __proto__: null,
  bytes: checkBytes,
  headers: checkObject,
  object: checkObject,
  integer: checkInteger,
  boolean: checkType,
  string: checkType,
  blockList: checkBlockList,
  driver: checkDriver,
};

function unknownOption(name, value, table) {
  const known = Object.keys(table).join(', ');
  const shown = typeof value === 'object' && value !== null ? 'an object' : String(value);
  return codedError(
    TypeError,
    'ERR_INVALID_ARG_VALUE',
    `The "options.${name}" property is not an option there is (known options: ${known}). ` +
      `Received ${shown}`,
  );
}

/** Zero-copy receive takes a queue of a network card, so the card has to be named. */
function checkZeroCopyReceive(options) {
  const { zcrxInterfaceName: name, zcrxRxBufferSize: size } = options;
  const { useZeroCopyReceive: wanted, zcrxWithoutDevice: withoutDevice } = options;
  const subject = '"options.zcrxInterfaceName" property';
  if (name !== undefined && (name === '' || Buffer.byteLength(name) > INTERFACE_NAME_MAX)) {
    const must = `must be the name of a network interface, 1 to ${INTERFACE_NAME_MAX} bytes ("ip -brief link" lists them)`;
    throw invalidArgValue(subject, name, must);
  }
  if (withoutDevice) {
    for (const other of ['zcrxInterfaceName', 'zcrxRxQueue', 'zcrxRxBufferSize']) {
      if (!options[other]) continue;
      const must = 'must be left out for "options.zcrxWithoutDevice"';
      throw invalidArgValue(`"options.${other}" property`, options[other], must);
    }
  }
  if (wanted && !withoutDevice && name === undefined) {
    const must = 'must name a network interface for "options.useZeroCopyReceive"';
    throw invalidArgValue(
      subject,
      name,
      `${must} ("searings zcrx-probe" lists those it can work on)`,
    );
  }
  if (size !== undefined && size !== 0 && (size < PAGE || (size & (size - 1)) !== 0)) {
    const must = `must be 0, for the kernel's size, or a power of two from ${PAGE} on`;
    throw invalidArgValue('"options.zcrxRxBufferSize" property', size, must);
  }
}

/**
 * Checks what the user gave and fills in the defaults. Nothing has been started when this throws.
 *
 * @param {object | undefined | null} given
 * @param {object} [table] the options there are, {@link TCP_OPTIONS} by default
 * @returns {object} a new, complete and frozen options object
 * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for a wrong type, `ERR_INVALID_ARG_VALUE` for an unknown name
 * @throws {RangeError} `ERR_OUT_OF_RANGE`
 */
function normalizeOptions(given, table = TCP_OPTIONS) {
  if (given != null && typeof given !== 'object') {
    throw invalidArgType('"options" argument', 'of type object', given);
  }
  const options = {};
  for (const name in table) options[name] = table[name].default;
  for (const [name, value] of Object.entries(given ?? {})) {
    const rule = table[name];
    if (rule === undefined) throw unknownOption(name, value, table);
    if (value === undefined) continue;
    CHECKS[rule.kind](name, value, rule);
    options[name] = value;
  }
  if (options.noDelay !== undefined && given.tcpNoDelay === undefined) {
    options.tcpNoDelay = options.noDelay;
  }
  checkZeroCopyReceive(options);
  if (table.driver !== undefined) options.driver ??= driverFromEnvironment();
  return Object.freeze(options);
}

module.exports = {
  DRIVERS,
  TCP_OPTIONS,
  RAW_OPTIONS,
  HTTP_OPTIONS,
  ECHO_OPTIONS,
  normalizeOptions,
};
