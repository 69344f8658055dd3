'use strict';

/*
 * The request half of RESP, the protocol of Redis: arrays of bulk strings (`*1\r\n$4\r\nPING\r\n`)
 * and inline commands (`PING\r\n`), in chunks that end anywhere.
 *
 * Arguments are latin1 strings: one character per byte, so any bytes go in and come out unchanged.
 */

const LINE_MAX = 65536; // of an inline command
const ARGUMENTS_MAX = 1024 * 1024;
const COMMAND_MAX = 64 * 1024 * 1024; // bytes in all arguments of a command together
const DIGITS_MAX = 10;

const LF = 10;
const CR = 13;
const DOLLAR = 36;
const ASTERISK = 42;
const MINUS = 45;
const ZERO = 48;

const NONE = Buffer.alloc(0);

/** What a client is told before it is cut off. */
class ProtocolError extends Error {}

class RespParser {
  constructor() {
    this.buffer = NONE;
    this.position = 0; // of the first byte of `buffer` that has not been taken
    this.later = []; // chunks that `buffer` will be joined with, once `needed` bytes are there
    this.laterBytes = 0;
    this.needed = 0;
    this.args = []; // of the command under way
    this.missing = 0; // how many more it has
    this.room = COMMAND_MAX; // how many bytes they may have
    this.bulk = -1; // length of the argument under way; -1: its header has not come
  }

  push(chunk) {
    const rest = this.buffer.length - this.position;
    if (rest === 0) {
      this.buffer = chunk;
      this.position = 0;
      return;
    }
    this.later.push(chunk);
    this.laterBytes += chunk.length;
    if (rest + this.laterBytes < this.needed) return; // a large argument is joined once
    this.buffer = Buffer.concat([this.buffer.subarray(this.position), ...this.later]);
    this.position = 0;
    this.later = [];
    this.laterBytes = 0;
  }

  /**
   * @returns {string[] | null} the next command, or null: more bytes are needed
   * @throws {ProtocolError} the rest of the stream has no meaning
   */
  next() {
    this.needed = 0;
    while (this.missing === 0) {
      if (this.position === this.buffer.length) return null;
      if (this.buffer[this.position] !== ASTERISK) {
        const words = this.inline();
        if (words?.length === 0) continue; // a blank line
        return words;
      }
      const count = this.header(ARGUMENTS_MAX, 'invalid multibulk length');
      if (count === null) return null;
      if (count <= 0) continue; // an empty command
      this.args = [];
      this.missing = count;
      this.room = COMMAND_MAX;
    }
    while (this.missing > 0) {
      const arg = this.bulkString();
      if (arg === null) return null;
      this.args.push(arg);
      this.missing--;
    }
    return this.args;
  }

  bulkString() {
    const { buffer } = this;
    if (this.bulk === -1) {
      if (this.position === buffer.length) return null;
      if (buffer[this.position] !== DOLLAR) {
        const found = String.fromCharCode(buffer[this.position]);
        throw new ProtocolError(`expected '$', got '${found}'`);
      }
      const length = this.header(this.room, 'invalid bulk length');
      if (length === null) return null;
      if (length < 0) throw new ProtocolError('invalid bulk length');
      this.bulk = length;
      this.room -= length;
    }
    const end = this.position + this.bulk;
    if (buffer.length < end + 2) {
      this.needed = this.bulk + 2;
      return null;
    }
    if (buffer[end] !== CR || buffer[end + 1] !== LF) {
      throw new ProtocolError('expected the end of a bulk string');
    }
    const text = buffer.toString('latin1', this.position, end);
    this.position = end + 2;
    this.bulk = -1;
    return text;
  }

  /** The number in `*3\r\n` or `$5\r\n`, or null: it is not all there. */
  header(max, complaint) {
    const { buffer } = this;
    let at = this.position + 1;
    const negative = buffer[at] === MINUS;
    if (negative) at++;
    const start = at;
    let value = 0;
    for (; at < buffer.length && buffer[at] !== CR; at++) {
      const digit = buffer[at] - ZERO;
      if (digit < 0 || digit > 9 || at - start >= DIGITS_MAX) throw new ProtocolError(complaint);
      value = value * 10 + digit;
    }
    if (at + 1 >= buffer.length) return null;
    if (at === start || value > max || buffer[at + 1] !== LF) throw new ProtocolError(complaint);
    this.position = at + 2;
    return negative ? -value : value;
  }

  /** A command as a person types it: words, and words in quotes. */
  inline() {
    const end = this.buffer.indexOf(LF, this.position);
    const length = (end === -1 ? this.buffer.length : end) - this.position;
    if (length > LINE_MAX) throw new ProtocolError('too big inline request');
    if (end === -1) return null;
    const line = this.buffer.toString('latin1', this.position, end);
    this.position = end + 1;
    const args = [];
    const rest = line.replace(/"([^"]*)"|'([^']*)'|([^\s"']+)/g, (_all, double, single, bare) => {
      args.push(double ?? single ?? bare);
      return '';
    });
    if (rest.trim() !== '') throw new ProtocolError('unbalanced quotes in request');
    return args;
  }
}

module.exports = { RespParser, ProtocolError };
