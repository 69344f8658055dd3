'use strict';

const { codedError, badPort, invalidArgType, invalidArgValue } = require('./errors');

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

function notAvailable(what) {
  const message = `searings does not listen on ${what} yet`;
  return codedError(Error, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', message);
}

/** The object form of any listen() call: `listen(port, host)` is `listen({port, host})`. */
function toOptions(args, defaults) {
  const [first, second] = args;
  if (typeof first === 'object' && first !== null) return first;
  if (isPath(first)) return { path: first };
  const port = first == null || typeof first === 'function' ? defaults.port : first;
  return typeof second === 'string' ? { port, host: second } : { port };
}

function checkTarget(given, defaults) {
  if (typeof given.fd === 'number' && given.fd >= 0) throw notAvailable('a file descriptor');
  const { port } = given;
  if (port === null || (port === undefined && 'port' in given)) return defaults.port;
  if (typeof port === 'number' || typeof port === 'string') return checkPort(port);
  if (isPath(given.path)) throw notAvailable('a Unix socket path');
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
 * @returns {{target: {port: number, host: string | undefined, backlog: number, exclusive: boolean,
 *   ipv6Only: boolean, reusePort: boolean}, signal: AbortSignal | undefined,
 *   callback: Function | undefined}}
 */
function parseListenArgs(args, defaults) {
  const last = args.at(-1);
  const given = toOptions(args, defaults);
  const port = checkTarget(given, defaults);
  const backlogArgument = args.length > 1 ? toNumber(args[1]) || toNumber(args[2]) : undefined;
  return {
    target: {
      port,
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

module.exports = { parseListenArgs };
