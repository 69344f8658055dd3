'use strict';

/*
 * One small application in three frameworks and without any: routes, JSON, a file, an upload, events. Each
 * entry makes its server with the function it is given, `http.createServer` or ours.
 */

const { createHash } = require('node:crypto');
const { createReadStream, createWriteStream } = require('node:fs');
const { PassThrough } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { json } = require('node:stream/consumers');
const busboy = require('busboy');
const createExpress = require('express');
const createFastify = require('fastify');
const Koa = require('koa');

/** Stores the file of a multipart request, and tells what it was. */
async function store(request, target) {
  const form = busboy({ headers: request.headers });
  const files = [];
  form.on('file', (field, file, { filename }) => {
    const hash = createHash('sha256');
    let bytes = 0;
    file.on('data', (chunk) => {
      bytes += chunk.length;
      hash.update(chunk);
    });
    const done = pipeline(file, createWriteStream(target));
    files.push(done.then(() => ({ field, filename, bytes, sha256: hash.digest('hex') })));
  });
  await pipeline(request, form);
  return Promise.all(files);
}

/** Server-sent events: three at once, then one more for each that `more` emits, until the client goes. */
function sendEvents(response, { more }) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.flushHeaders();
  const send = (data) => response.write(`data: ${data}\n\n`);
  for (const data of ['one', 'two', 'three']) send(data);
  more.on('event', send);
  response.on('close', () => {
    more.off('event', send);
    more.emit('gone');
  });
}

function express(make, { folder, target, more }) {
  const app = createExpress();
  app.use(createExpress.json());
  app.get('/hello/:name', ({ params }, response) => response.send(`hello ${params.name}`));
  app.post('/json', ({ body }, response) => response.status(201).json({ got: body }));
  app.use('/files', createExpress.static(folder));
  app.post('/upload', async (request, response) => response.json(await store(request, target)));
  app.get('/events', (_request, response) => sendEvents(response, { more }));
  app.get('/ip', ({ ip, protocol, hostname }, response) =>
    response.json({ ip, protocol, hostname }),
  );
  app.get('/fail', async () => {
    throw new Error('failed on purpose');
  });
  app.use((err, _request, response, _next) => response.status(err.status ?? 500).send('sorry'));
  return make(app);
}

async function fastify(make, { folder, target, more }) {
  const app = createFastify({
    serverFactory: (handler) => make(handler),
    forceCloseConnections: true,
  });
  app.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
  app.get('/hello/:name', async ({ params }) => `hello ${params.name}`);
  app.post('/json', async ({ body }, reply) => reply.code(201).send({ got: body }));
  app.get('/files/:name', (request, reply) => {
    reply.send(createReadStream(`${folder}/${request.params.name}`));
  });
  app.post('/upload', ({ raw }) => store(raw, target));
  app.get('/events', (_request, reply) => {
    reply.hijack();
    sendEvents(reply.raw, { more });
  });
  app.get('/ip', async ({ ip, protocol, hostname }) => ({ ip, protocol, hostname }));
  app.get('/fail', async () => {
    throw new Error('failed on purpose');
  });
  app.setErrorHandler((err, _request, reply) => {
    reply.code(err.statusCode ?? 500).send('sorry');
  });
  await app.ready();
  return app.server;
}

function koa(make, { folder, target, more }) {
  const app = new Koa();
  app.silent = true;
  const routes = {
    'POST /json': async (context) => {
      context.status = 201;
      context.body = { got: await json(context.req).catch((err) => context.throw(400, err)) };
    },
    'POST /upload': async (context) => {
      context.body = await store(context.req, target);
    },
    'GET /events': (context) => {
      const events = new PassThrough();
      context.type = 'text/event-stream';
      context.body = events;
      const send = (data) => events.write(`data: ${data}\n\n`);
      for (const data of ['one', 'two', 'three']) send(data);
      more.on('event', send);
      events.on('close', () => more.emit('gone'));
    },
    'GET /ip': (context) => {
      context.body = { ip: context.ip, protocol: context.protocol, hostname: context.hostname };
    },
    'GET /fail': async () => {
      throw new Error('failed on purpose');
    },
  };
  app.use(async (context) => {
    const { method, path } = context;
    const route = routes[`${method} ${path}`];
    if (route) await route(context);
    else if (path.startsWith('/hello/')) context.body = `hello ${path.slice(7)}`;
    else if (path.startsWith('/files/')) context.body = createReadStream(folder + path.slice(6));
  });
  return make(app.callback());
}

function plain(make, { folder, target, more }) {
  const sendJson = (response, status, value) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  const routes = {
    'POST /json': async (request, response) => {
      try {
        sendJson(response, 201, { got: await json(request) });
      } catch {
        sendJson(response, 400, {});
      }
    },
    'POST /upload': async (request, response) => {
      sendJson(response, 200, await store(request, target));
    },
    'GET /events': (_request, response) => sendEvents(response, { more }),
    'GET /ip': ({ socket, headers }, response) => {
      const [hostname] = headers.host.split(':');
      const protocol = socket.encrypted ? 'https' : 'http';
      sendJson(response, 200, { ip: socket.remoteAddress, protocol, hostname });
    },
    'GET /fail': (_request, response) => sendJson(response, 500, 'sorry'),
  };
  return make((request, response) => {
    const { method, url } = request;
    const route = routes[`${method} ${url}`];
    if (route) route(request, response);
    else if (url.startsWith('/hello/')) response.end(`hello ${url.slice(7)}`);
    else if (url.startsWith('/files/')) createReadStream(folder + url.slice(6)).pipe(response);
    else sendJson(response, 404, {});
  });
}

module.exports = { apps: { plain, express, fastify, koa } };
