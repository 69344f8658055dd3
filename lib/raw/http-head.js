'use strict';

const http = require('node:http');
const { codedError } = require('../errors');

/** How the native core completes a head; the same bits as sea_http_reply_flag_t. */
const REPLY = {
  __proto__: null,
  HEAD: 1,
  HTTP_1_0: 2,
  CLOSE: 4,
  NO_LENGTH: 8,
  NO_DATE: 16,
  NO_BODY: 32,
};

const NO_CONTENT = 204;
const NOT_MODIFIED = 304;
const CLOSE = /(?:^|,)\s*close\s*(?:,|$)/i;

const statusLines = []; // by status, made when first used

function invalidStatus(status) {
  const shown = typeof status === 'number' ? status : String(status);
  return codedError(RangeError, 'ERR_HTTP_INVALID_STATUS_CODE', `Invalid status code: ${shown}`);
}

function statusLine(status) {
  if (!Number.isInteger(status) || status < 200 || status > 999) throw invalidStatus(status);
  statusLines[status] ??= `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? 'unknown'}\r\n`;
  return statusLines[status];
}

/** The head of a response as it is being put together. */
class Head {
  constructor(status, bodyLength) {
    this.text = statusLine(status);
    this.status = status;
    this.bodyLength = bodyLength;
    this.flags = 0;
    if (status === NO_CONTENT) this.flags = REPLY.NO_LENGTH | REPLY.NO_BODY;
    else if (status === NOT_MODIFIED) this.flags = REPLY.NO_LENGTH | REPLY.NO_BODY;
  }

  /** One header, checked as Node checks it. */
  add(name, value) {
    http.validateHeaderName(name);
    if (Array.isArray(value)) {
      for (const one of value) this.add(name, one);
      return;
    }
    http.validateHeaderValue(name, value);
    if (this.isOurs(name.toLowerCase(), String(value))) this.text += `${name}: ${value}\r\n`;
  }

  /** Whether the header is to be sent as it is. Those about the message's frame are the server's. */
  isOurs(name, value) {
    switch (name) {
      case 'content-length':
        return this.length(value);
      case 'connection':
        if (CLOSE.test(value)) this.flags |= REPLY.CLOSE;
        return false;
      case 'transfer-encoding':
        throw codedError(
          TypeError,
          'ERR_HTTP_INVALID_HEADER_VALUE',
          `Invalid value "${value}" for header "${name}": the server chooses how a body is sent`,
        );
      case 'date':
        this.flags |= REPLY.NO_DATE;
        return true;
      default:
        return true;
    }
  }

  /** A length that is not the body's is an error, where there is no body it may be that of one. */
  length(value) {
    if (this.status === NO_CONTENT) return false;
    if (this.bodyLength === 0 && /^\d+$/.test(value)) {
      this.lengthGiven = value;
      this.flags |= REPLY.NO_LENGTH;
      return true;
    }
    if (value !== String(this.bodyLength)) throw lengthMismatch(value, this.bodyLength);
    return false;
  }
}

function lengthMismatch(value, length) {
  return codedError(
    Error,
    'ERR_HTTP_CONTENT_LENGTH_MISMATCH',
    `Response body's content-length of ${length} byte(s) does not match the content-length of ${value} byte(s) set in header`,
  );
}

/**
 * The status line and headers of a response.
 *
 * @param {number} status
 * @param {object | [string, unknown][] | undefined} headers
 * @param {number} bodyLength
 * @param {boolean} toHead answers a HEAD request
 * @returns {{text: string, flags: number}}
 */
function makeHead(status, headers, bodyLength, toHead) {
  const head = new Head(status, bodyLength);
  if (Array.isArray(headers)) {
    for (const [name, value] of headers) head.add(name, value);
  } else if (headers) {
    for (const name of Object.keys(headers)) head.add(name, headers[name]);
  }
  const { lengthGiven } = head;
  if (lengthGiven !== undefined && lengthGiven !== '0' && !toHead && status !== NOT_MODIFIED) {
    throw lengthMismatch(lengthGiven, bodyLength);
  }
  return head;
}

module.exports = { REPLY, makeHead };
