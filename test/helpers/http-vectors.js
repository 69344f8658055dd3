'use strict';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: a\r\n';
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** What could be one request to one reader and two to another. Each is answered with 400, or as it says. */
const VECTORS = {
  'bare LF': 'GET / HTTP/1.1\nHost: a\n\n',
  'bare LF between headers': `${GET}X: a\nY: b\r\n\r\n`,
  'bare LF at the end': `${GET}\n`,
  'bare CR': `${GET}X: a\rY: b\r\n\r\n`,
  'a continued line': `${GET}X: a\r\n b\r\n\r\n`,
  'a continued Transfer-Encoding': `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n`,
  'a space before the first header': 'GET / HTTP/1.1\r\n Host: a\r\n\r\n',
  'a space before the colon': `${POST}Content-Length : 5\r\n\r\nhello`,
  'a tab before the colon': `${POST}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n`,
  'NUL in a value': `${GET}X: a\0b\r\n\r\n`,
  'NUL in a name': `${GET}X\0: a\r\n\r\n`,
  'no colon': `${GET}Header\r\n\r\n`,
  'no name': `${GET}: value\r\n\r\n`,
  'no Host': 'GET / HTTP/1.1\r\n\r\n',
  'two Hosts': `${GET}Host: b\r\n\r\n`,
  'no such method': 'NONE / HTTP/1.1\r\nHost: a\r\n\r\n',
  'method in lower case': 'get / HTTP/1.1\r\nHost: a\r\n\r\n',
  'HTTP/0.9': 'GET /\r\n\r\n',
  'no number of a version': 'GET / HTTP/x.y\r\nHost: a\r\n\r\n',
  'Content-Length twice': `${POST}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
  'the same Content-Length twice': `${POST}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  'a list of Content-Lengths': `${POST}Content-Length: 5, 5\r\n\r\nhello`,
  'Content-Length with a sign': `${POST}Content-Length: +5\r\n\r\nhello`,
  'negative Content-Length': `${POST}Content-Length: -5\r\n\r\nhello`,
  'hexadecimal Content-Length': `${POST}Content-Length: 0x5\r\n\r\nhello`,
  'Content-Length beyond 64 bits': `${POST}Content-Length: 18446744073709551621\r\n\r\nhello`,
  'no Content-Length behind the name': `${POST}Content-Length:\r\n\r\nhello`,
  'Content-Length and Transfer-Encoding': `${POST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'Transfer-Encoding and Content-Length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  'identity last': `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  'a chunk size that is no number': `${CHUNKED}x\r\na\r\n0\r\n\r\n`,
  'a chunk size with a prefix': `${CHUNKED}0x1\r\na\r\n0\r\n\r\n`,
  'a chunk size with a sign': `${CHUNKED}+1\r\na\r\n0\r\n\r\n`,
  'a chunk size with an underscore': `${CHUNKED}1_0\r\na\r\n0\r\n\r\n`,
  'a chunk size beyond 64 bits': `${CHUNKED}10000000000000000\r\na\r\n0\r\n\r\n`,
  'a chunk longer than its size': `${CHUNKED}1\r\nab\r\n0\r\n\r\n`,
  'a chunk without its end': `${CHUNKED}1\r\na0\r\n\r\n`,
  'bare LF behind a chunk size': `${CHUNKED}1\na\r\n0\r\n\r\n`,
  'bare LF in a chunk extension': `${CHUNKED}1;a\nb\r\na\r\n0\r\n\r\n`,
  'bare CR in a chunk extension': `${CHUNKED}1;a\rb\r\na\r\n0\r\n\r\n`,
};

module.exports = { CHUNKED, GET, POST, SMUGGLED, VECTORS };
