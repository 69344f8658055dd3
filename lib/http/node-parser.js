'use strict';

const http = require('node:http');
const { Duplex } = require('node:stream');

/**
 * Node's HTTP server gives each connection a parser object, whose callbacks make the requests. What we
 * use of it: `connection.parser` with the callbacks under the numbers that its class names, `remove()` and
 * `initialize()`, and the server's list of parsers that have time limits.
 */
const CALLBACKS = ['kOnHeaders', 'kOnHeadersComplete', 'kOnBody', 'kOnMessageComplete'];
const METHODS = ['initialize', 'remove', 'execute', 'finish'];

let known;

/** The list of the connections whose parsers the server keeps an eye on. */
function trackedBy(server) {
  return Object.getOwnPropertySymbols(server)
    .map((key) => server[key])
    .find((value) => typeof value?.expired === 'function' && typeof value.idle === 'function');
}

/**
 * Whether it refuses a head with more headers than `maxHeaderPairs`, a number of strings, as those of newer
 * Nodes do. Older ones leave headers out.
 */
function refusesMany(parser, onHead) {
  const { maxHeaderPairs, [onHead]: callback } = parser;
  parser.maxHeaderPairs = 2;
  parser[onHead] = () => 0;
  const result = parser.execute(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nA: b\r\n\r\n'));
  parser.maxHeaderPairs = maxHeaderPairs;
  parser[onHead] = callback; // Node uses it again
  return result instanceof Error;
}

/** Looks at a connection that goes nowhere. */
function look() {
  const server = new http.Server();
  const connection = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  connection.setTimeout = () => connection;
  try {
    server.emit('listening'); // older Nodes make the list then
    server.emit('connection', connection);
    const { parser } = connection;
    const Parser = parser.constructor;
    const usable =
      CALLBACKS.every((name) => typeof parser[Parser[name]] === 'function') &&
      METHODS.every((name) => typeof parser[name] === 'function') &&
      typeof parser.onIncoming === 'function' &&
      trackedBy(server) !== undefined;
    if (!usable) return null;
    return {
      REQUEST: Parser.REQUEST,
      HEADERS: Parser.kOnHeaders,
      HEADERS_COMPLETE: Parser.kOnHeadersComplete,
      BODY: Parser.kOnBody,
      MESSAGE_COMPLETE: Parser.kOnMessageComplete,
      refusesMany: refusesMany(parser, Parser.kOnHeadersComplete),
    };
  } catch {
    return null;
  } finally {
    connection.destroy();
    server.close();
  }
}

/** What there is to know of Node's parser, or null when it is not what we know. */
function nodeParser() {
  if (known === undefined) known = look();
  return known;
}

module.exports = { nodeParser, trackedBy };
