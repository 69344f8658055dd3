'use strict';

/**
 * TLS: `node secure.js <kind> https|tls`. `https` says hello over HTTPS; `tls` is a TLS server without HTTP
 * that answers whatever comes with the same bytes, which an HTTP client takes for a response.
 */

const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const tls = require('node:tls');
const searings = require('../../lib');
const { listening, run } = require('./control');

const BODY = 'Hello, World!';
const RESPONSE = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
);
const pem = fs.readFileSync(path.join(__dirname, '../../test/certificates/server.pem'));
const identity = { key: pem, cert: pem };

function hello(_request, response) {
  response.setHeader('Content-Type', 'text/plain');
  response.end(BODY);
}

function answer(socket) {
  socket.on('data', () => socket.write(RESPONSE));
  socket.on('error', () => {});
}

function serve(what, createHttps, createTls, options = {}) {
  const settings = { ...identity, ...options };
  return listening(what === 'https' ? createHttps(settings, hello) : createTls(settings, answer));
}

const { createHttpsServer, createTlsServer } = searings;
run({
  node: (what) => serve(what, https.createServer, tls.createServer),
  searings: (what) => serve(what, createHttpsServer, createTlsServer),
  inline: (what) => serve(what, createHttpsServer, createTlsServer, { driver: 'inline' }),
});
