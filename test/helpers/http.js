'use strict';

const { once } = require('node:events');
const http = require('node:http');
const { text } = require('node:stream/consumers');
const { LOOPBACK } = require('./place');

/**
 * One request with Node's client.
 *
 * @returns {Promise<{status: number, headers: object, trailers: object, body: string}>}
 */
async function request(server, options = {}, body = undefined) {
  const { port } = server.address();
  const outgoing = (options.module ?? http).request({
    host: LOOPBACK,
    port,
    agent: false,
    ...options,
  });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  const answer = await text(response);
  const { statusCode: status, headers, trailers } = response;
  return { status, headers, trailers, body: answer };
}

/** An agent of one connection for the tests of a suite. */
function useAgent(Agent = http.Agent) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  afterEach(() => agent.destroy());
  return agent;
}

/** The text of a request: a line, headers and a body. */
function requestText(line, headers = {}, body = '') {
  const lines = Object.entries({ host: 'x', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  return `${line} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

module.exports = { request, requestText, useAgent };
