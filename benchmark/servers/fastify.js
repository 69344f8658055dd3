'use strict';

/** A JSON route of Fastify, with each server beneath it: `node fastify.js node:http|searings|inline`. */

const http = require('node:http');
const { fastify } = require('fastify');
const { createHttpServer } = require('../../lib');
const { run } = require('./control');

const schema = {
  response: { 200: { type: 'object', properties: { hello: { type: 'string' } } } },
};

async function serve(createServer) {
  const app = fastify({ serverFactory: (handler) => createServer(handler) });
  app.get('/', { schema }, () => ({ hello: 'world' }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return { server: app.server, port: app.server.address().port };
}

run({
  'node:http': () => serve((handler) => http.createServer(handler)),
  searings: () => serve((handler) => createHttpServer(handler)),
  inline: () => serve((handler) => createHttpServer({ driver: 'inline' }, handler)),
});
