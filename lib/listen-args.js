'use strict';

const { badPort, invalidArgType, invalidArgValue } = require('./errors');

// Permissions of a Unix socket file: anyone may read, anyone may write.
const S_IRALL = 0o444;
const S_IWALL = 0o222;

/** A number, or undefined when it is not one that a port or backlog could be. */
function toNumber(value) {
  const number = Number(value);
  return number >= 0 ? number : undefined;
}

/** Strings that are not port numbers are Unix socket paths, as in net.Server. */
function isPath(value) {
  return typeof value === 'string' && toNumber(value) === undefined;
}

function checkPort(port) {
  const number = typeof port === 'string' && port.trim() === '' ? NaN : Number(port);
  if ((typeof port !== 'number' && typeof port !== 'string') || !Number.isInteger(number)) {
    throw badPort('options.port', port);
  }
  if (number < 0 || number > 65535) throw badPort('options.port', port);
  return number;
}

/** The object form of any listen() call: `listen(port, host)` is `listen({port, host})`. */
function toOptions(args, defaults) {
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return first;
  if (isPath(first)) return { path: first };
  const port = first == null || typeof first === 'function' ? defaults.port : first;
  return typeof second === 'string' ? { port, host: second } : { port };
}

function checkMode(given) {
  const { path, readableAll, writableAll } = given;
  const mode = (readableAll ? S_IRALL : 0) | (writableAll ? S_IWALL : 0);
  if (mode !== 0 && path[0] === '\0') {
    const reason = 'cannot set readableAll or writableAll for an abstract Unix socket';
    throw invalidArgValue("argument 'options'", given, reason);
  }
  return mode;
}

/** A handle as Node's servers and sockets have one, of those or given itself. */
function handleOf(given) {
  const handle = given._handle ?? given.handle ?? given;
  const isOne = typeof handle.listen === 'function' && typeof handle.close === 'function';
  return isOne && typeof handle.fd === 'number' ? handle : undefined;
}

/** Where to listen: one of `{fd}`, `{fd, handle}`, `{port}` and `{path, mode}`. */
function checkTarget(given, defaults) {
  const { port, path, fd } = given;
  const handle = handleOf(given);
  if (handle !== undefined) return { fd: handle.fd, handle, port: undefined };
  if (typeof fd === 'number' && fd >= 0) return { fd, port: undefined };
  if (port === null || (port === undefined && 'port' in given && !isPath(path))) {
    return { port: defaults.port };
  }
  if (typeof port === 'number' || typeof port === 'string') return { port: checkPort(port) };
  if (isPath(path)) return { path, mode: checkMode(given), port: -1 };
  const reason =
    'port' in given || 'path' in given ? 'is invalid' : 'must have the property "port" or "path"';
  throw invalidArgValue("argument 'options'", given, reason);
}

function checkSignal(signal) {
  if (signal === undefined) return undefined;
  if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
    throw invalidArgType('"options.signal" property', 'an instance of AbortSignal', signal);
  }
  return signal;
}

/**
 * Sorts out all the forms of `server.listen()`.
 *
 * @param {unknown[]} args as the user gave them
 * @param {{port: number, host?: string, backlog: number, reusePort: boolean}} defaults of the server
 * @returns {{target: {port: number | undefined, host: string | undefined, path: string | undefined,
 *   mode: number | undefined, fd: number | undefined, handle: object | undefined, backlog: number, exclusive: boolean,
 *   ipv6Only: boolean, reusePort: boolean}, signal: AbortSignal | undefined,
 *   callback: Function | undefined}}
 */
function parseListenArgs(args, defaults) {
  const last = args.at(-1);
  const given = toOptions(args, defaults);
  const where = checkTarget(given, defaults);
  const backlogArgument = args.length > 1 ? toNumber(args[1]) || toNumber(args[2]) : undefined;
  return {
    target: {
      ...where,
      host: given.host || defaults.host,
      backlog: toNumber(given.backlog) || backlogArgument || defaults.backlog,
      exclusive: Boolean(given.exclusive),
      ipv6Only: Boolean(given.ipv6Only),
      reusePort: given.reusePort === undefined ? defaults.reusePort : Boolean(given.reusePort),
    },
    signal: checkSignal(given.signal),
    callback: typeof last === 'function' ? last : undefined,
  };
}

module.exports = { parseListenArgs, S_IRALL, S_IWALL };
