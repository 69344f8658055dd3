'use strict';

/**
 * Hello over HTTP, as every server would say it: `node http.js <kind>`. `node:http`, `searings` and `inline`
 * have the same listener; `handler`, `batch`, `fixed` and `routes` are ways of UringHttpServer; `bun` is
 * Bun.serve(), to be run by Bun, and `uws` is uWebSockets.js, whose module is the argument.
 */

const { pathToFileURL } = require('node:url');
const { listening, run, startedRaw } = require('./control');

const BODY = 'Hello, World!';
const HEADERS = { 'Content-Type': 'text/plain' };

function hello(_request, response) {
  response.setHeader('Content-Type', 'text/plain');
  response.end(BODY);
}

function startUring(options, start = (server) => server.start()) {
  const { UringHttpServer } = require('../../lib');
  const server = new UringHttpServer(options);
  return startedRaw(server, start(server));
}

function answer(server, { requestId }) {
  server.respond(requestId, 200, HEADERS, BODY);
}

run({
  'node:http': () => listening(require('node:http').createServer(hello)),
  searings: () => listening(require('../../lib').createHttpServer(hello)),
  inline: () => listening(require('../../lib').createHttpServer({ driver: 'inline' }, hello)),
  handler: () => startUring({}, (server) => server.start((request) => answer(server, request))),
  'handler-inline': () =>
    startUring({ driver: 'inline' }, (server) =>
      server.start((request) => answer(server, request)),
    ),
  batch: () =>
    startUring({}, (server) =>
      server.startBatch((requests) => {
        for (const request of requests) answer(server, request);
      }),
    ),
  fixed: () => startUring({ responseBody: BODY, responseHeaders: HEADERS }),
  'fixed-inline': () =>
    startUring({ driver: 'inline', responseBody: BODY, responseHeaders: HEADERS }),
  routes: () => startUring({ routes: { '/': { headers: HEADERS, body: BODY } } }),
  async bun() {
    const fetch = () => new Response(BODY, { headers: HEADERS });
    const server = globalThis.Bun.serve({ port: 0, hostname: '127.0.0.1', fetch });
    return { server: {}, port: server.port };
  },
  async uws(module) {
    const uws = await import(pathToFileURL(module));
    const app = uws.App().get('/*', (response) => {
      response.writeHeader('Content-Type', 'text/plain').end(BODY);
    });
    const token = await new Promise((resolve) => app.listen('127.0.0.1', 0, resolve));
    return { server: {}, port: uws.us_socket_local_port(token) };
  },
});
