'use strict';

const { inspect, getSystemErrorMap } = require('node:util');

/**
 * Makes an error that looks like one of Node's own: `err.code` is set, `err.name` stays the plain class
 * name, and the stack starts with `TypeError [ERR_…]: message`.
 *
 * @param {ErrorConstructor} Base
 * @param {string} code
 * @param {string} message
 * @returns {Error & {code: string}}
 */
function codedError(Base, code, message) {
  const err = new Base(message);
  Error.captureStackTrace(err, codedError);
  const { name } = err;
  Object.defineProperty(err, 'name', { value: `${name} [${code}]`, configurable: true });
  void err.stack; // V8 renders the header on first access, with the name of that moment.
  delete err.name;
  err.code = code;
  return err;
}

/** How an error message shows the value that it refuses, in the words Node uses. */
function describe(value) {
  if (value == null) return String(value);
  if (typeof value === 'function') return `function ${value.name}`.trimEnd();
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return name ? `an instance of ${name}` : inspect(value, { depth: -1 });
  }
  const shown = inspect(value);
  return `type ${typeof value} (${shown.length > 28 ? `${shown.slice(0, 25)}...` : shown})`;
}

/** @param {string} subject such as `"options.port" property` or `"callback" argument` */
function invalidArgType(subject, expected, value) {
  const message = `The ${subject} must be ${expected}. Received ${describe(value)}`;
  return codedError(TypeError, 'ERR_INVALID_ARG_TYPE', message);
}

function invalidArgValue(subject, value, reason) {
  const message = `The ${subject} ${reason}. Received ${inspect(value, { depth: 0 })}`;
  return codedError(TypeError, 'ERR_INVALID_ARG_VALUE', message);
}

function outOfRange(name, range, value) {
  const shown = Number.isInteger(value) && Math.abs(value) > 2 ** 32 ? `${value}` : inspect(value);
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`;
  return codedError(RangeError, 'ERR_OUT_OF_RANGE', message);
}

function badPort(name, value) {
  const message = `${name} should be >= 0 and < 65536. Received ${describe(value)}.`;
  return codedError(RangeError, 'ERR_SOCKET_BAD_PORT', message);
}

/**
 * The error of a failed system call, as Node words it: `read ECONNRESET`, or with an address
 * `listen EADDRINUSE: address already in use 127.0.0.1:80`.
 *
 * @param {number} errno negative, as libuv and the core give it
 * @param {string} syscall
 * @param {string | null} [address] or path; null where there is none to name
 * @param {number} [port] -1 for a path
 */
function systemError(errno, syscall, address, port) {
  const [code, text] = getSystemErrorMap().get(errno) ?? [`errno ${-errno}`, 'unknown error'];
  const place = port > 0 ? ` ${address}:${port}` : address && ` ${address}`;
  const where = address === undefined ? '' : `: ${text}${place ?? ''}`;
  const err = new Error(`${syscall} ${code}${where}`);
  Error.captureStackTrace(err, systemError);
  err.errno = errno;
  err.code = code;
  err.syscall = syscall;
  if (address !== undefined) err.address = address;
  if (port) err.port = port;
  return err;
}

/** The native part of searings could not be loaded. `attempts` tells what was tried and how it failed. */
class SearingsNativeLoadError extends Error {
  /**
   * @param {{platform: string, arch: string, libc: string | null}} host
   * @param {{path: string, error: Error}[]} attempts
   * @param {{cause: string, advice: string, command: string}} remedy what would bring an addon
   */
  constructor(host, attempts, remedy) {
    const where = [host.platform, host.arch, host.libc].filter(Boolean).join('-');
    const tried = attempts.map(({ path, error }) => `  ${path}: ${firstLine(error)}`);
    const lines = [`searings has no native addon that loads on ${where}. Tried:`, ...tried];
    const fix = `${remedy.advice}: ${remedy.command}`;
    super([...lines, `To get one, ${fix}.`].join('\n'));
    this.name = 'SearingsNativeLoadError';
    this.code = 'SEARINGS_NATIVE_LOAD_FAILED';
    this.platform = host.platform;
    this.arch = host.arch;
    this.libc = host.libc;
    this.attempts = attempts;
    Object.defineProperties(this, { fix: { value: fix }, remedy: { value: remedy } }); // not printed twice
  }
}

function firstLine(error) {
  return String(error?.message ?? error).split('\n', 1)[0];
}

module.exports = {
  SearingsNativeLoadError,
  badPort,
  codedError,
  firstLine,
  invalidArgType,
  invalidArgValue,
  outOfRange,
  systemError,
};
