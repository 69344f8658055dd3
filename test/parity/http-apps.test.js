'use strict';

/* The same application in several frameworks, asked by undici. */

const assert = require('node:assert/strict');
const { createHash } = require('node:crypto');
const { EventEmitter, once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { Readable } = require('node:stream');
const createFastify = require('fastify');
const { Client } = require('undici');
const { apps } = require('../helpers/apps');
const { LOOPBACK } = require('../helpers/clients');
const { createHttpServer, useWorld } = require('../helpers/parity');
const { RandomStream } = require('../helpers/random');
const { MIB, full, limit } = require('../helpers/scale');

const UPLOAD_BYTES = (full ? 100 : 8) * MIB;
const FILE = new RandomStream(11).bytes(300001);

/** A multipart request body with one file of random bytes, made as it is read. */
function* multipart(boundary, bytes) {
  const random = new RandomStream(12);
  const hash = createHash('sha256');
  const disposition = 'Content-Disposition: form-data; name="file"; filename="large.bin"';
  yield `--${boundary}\r\n${disposition}\r\nContent-Type: application/octet-stream\r\n\r\n`;
  for (let done = 0; done < bytes; done += MIB) {
    const chunk = random.slice(done, Math.min(MIB, bytes - done));
    hash.update(chunk);
    yield chunk;
  }
  yield `\r\n--${boundary}--\r\n`;
  return hash.digest('hex');
}

for (const [name, create] of Object.entries(apps)) {
  describe(`an application: ${name}`, function () {
    limit(this, full ? 60 : 20);
    const world = useWorld();
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-app-'));
    const target = path.join(folder, 'uploaded');
    const more = new EventEmitter();
    let client;

    before(() => fs.writeFileSync(path.join(folder, 'file.bin'), FILE));
    after(() => fs.rmSync(folder, { recursive: true }));

    beforeEach(async () => {
      const server = await world.open(await create(createHttpServer, { folder, target, more }));
      client = new Client(`http://${LOOPBACK}:${server.address().port}`, { pipelining: 1 });
    });
    afterEach(() => client.destroy());

    async function ask(method, url, options = {}) {
      const { statusCode, headers, body } = await client.request({ method, path: url, ...options });
      return { status: statusCode, headers, text: await body.text() };
    }

    function postJson(body) {
      return ask('POST', '/json', { body, headers: { 'content-type': 'application/json' } });
    }

    it('routes', async () => {
      assert.deepEqual((await ask('GET', '/hello/world')).text, 'hello world');
      assert.equal((await ask('HEAD', '/hello/world')).text, '');
      assert.equal((await ask('GET', '/nowhere')).status, 404);
    });

    it('takes and gives JSON', async () => {
      const sent = { text: 'ü'.repeat(20000), list: [1, null, true] };
      const { status, headers, text } = await postJson(JSON.stringify(sent));
      assert.equal(status, 201);
      assert.match(headers['content-type'], /^application\/json/);
      assert.deepEqual(JSON.parse(text), { got: sent });
    });

    it('refuses JSON that is none, and goes on', async () => {
      assert.notEqual((await postJson('{"half":')).status, 201);
      assert.equal((await postJson('{}')).status, 201);
    });

    it('knows whom it talks to', async () => {
      const { text } = await ask('GET', '/ip', { headers: { host: 'name.test:80' } });
      assert.deepEqual(JSON.parse(text), { ip: LOOPBACK, protocol: 'http', hostname: 'name.test' });
    });

    it('answers with 500 when a handler fails', async () => {
      assert.equal((await ask('GET', '/fail')).status, 500);
      assert.equal((await ask('GET', '/hello/again')).status, 200);
    });

    it('streams a file', async () => {
      const { statusCode, body } = await client.request({ method: 'GET', path: '/files/file.bin' });
      assert.equal(statusCode, 200);
      assert.ok(FILE.equals(Buffer.from(await body.arrayBuffer())));
    });

    it(`stores an upload of ${UPLOAD_BYTES / MIB} MiB`, async () => {
      let sha256;
      function* body() {
        sha256 = yield* multipart('border', UPLOAD_BYTES);
      }
      const { status, text } = await ask('POST', '/upload', {
        body: Readable.from(body()),
        headers: { 'content-type': 'multipart/form-data; boundary=border' },
      });
      assert.equal(status, 200);
      const expected = { field: 'file', filename: 'large.bin', bytes: UPLOAD_BYTES, sha256 };
      assert.deepEqual(JSON.parse(text), [expected]);
      assert.equal(fs.statSync(target).size, UPLOAD_BYTES);
    });

    it('sends events as they come, and hears that the client has gone', async () => {
      const { headers, body } = await client.request({ method: 'GET', path: '/events' });
      assert.match(headers['content-type'], /^text\/event-stream/);
      const chunks = body.setEncoding('utf8')[Symbol.asyncIterator]();
      let heard = '';
      const hear = async (data) => {
        while (!heard.endsWith(`data: ${data}\n\n`)) heard += (await chunks.next()).value;
      };
      await hear('three');
      for (const data of ['four', 'five']) {
        more.emit('event', data);
        await hear(data);
      }
      assert.equal(heard, 'data: one\n\ndata: two\n\ndata: three\n\ndata: four\n\ndata: five\n\n');
      const gone = once(more, 'gone');
      client.destroy();
      await gone;
    });
  });
}

describe('an application: express, static files', () => {
  const world = useWorld();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-app-'));
  let client;

  before(() => fs.writeFileSync(path.join(folder, 'file.bin'), FILE));
  after(() => fs.rmSync(folder, { recursive: true }));
  beforeEach(async () => {
    const app = await apps.express(createHttpServer, { folder, more: new EventEmitter() });
    const server = await world.open(app);
    client = new Client(`http://${LOOPBACK}:${server.address().port}`);
  });
  afterEach(() => client.destroy());

  async function get(headers, method = 'GET') {
    const answer = await client.request({ method, path: '/files/file.bin', headers });
    return { ...answer, bytes: Buffer.from(await answer.body.arrayBuffer()) };
  }

  it('come in ranges', async () => {
    for (const [range, first, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=1000-70000', 1000, 70001],
      ['bytes=-5', FILE.length - 5, FILE.length],
      ['bytes=300000-', 300000, FILE.length],
    ]) {
      const { statusCode, headers, bytes } = await get({ range });
      assert.equal(statusCode, 206);
      assert.equal(headers['content-range'], `bytes ${first}-${end - 1}/${FILE.length}`);
      assert.ok(FILE.subarray(first, end).equals(bytes), range);
    }
    assert.equal((await get({ range: 'bytes=999999-' })).statusCode, 416);
  });

  it('are not sent when the client has them, or asks for the head', async () => {
    const { headers } = await get({});
    const again = await get({ 'if-none-match': headers.etag });
    assert.equal(again.statusCode, 304);
    assert.equal(again.bytes.length, 0);
    const head = await get({}, 'HEAD');
    assert.equal(head.headers['content-length'], String(FILE.length));
    assert.equal(head.bytes.length, 0);
  });
});

describe('fastify', () => {
  it('listens and closes by itself, connections that are kept alive included', async () => {
    const app = createFastify({ serverFactory: (handler) => createHttpServer(handler) });
    app.get('/', async () => 'by itself');
    const url = await app.listen({ port: 0, host: LOOPBACK });
    const client = new Client(url);
    const { body } = await client.request({ method: 'GET', path: '/' });
    assert.equal(await body.text(), 'by itself');
    await app.close();
    assert.equal(app.server.listening, false);
    await client.destroy();
  });

  it('rejects when the port is in use', async () => {
    const server = createHttpServer();
    server.listen(0, LOOPBACK);
    await once(server, 'listening');
    const app = createFastify({ serverFactory: (handler) => createHttpServer(handler) });
    const { port } = server.address();
    await assert.rejects(app.listen({ port, host: LOOPBACK }), { code: 'EADDRINUSE' });
    await app.close();
    server.close();
    await once(server, 'close');
  });
});

describe('undici', () => {
  const world = useWorld();

  it('pipelines', async () => {
    const server = await world.open(
      createHttpServer(({ url }, response) => setImmediate(() => response.end(url))),
    );
    const client = new Client(`http://${LOOPBACK}:${server.address().port}`, { pipelining: 10 });
    const answers = await Promise.all(
      Array.from({ length: 100 }, async (_none, i) => {
        const { body } = await client.request({ method: 'GET', path: `/${i}` });
        return body.text();
      }),
    );
    assert.deepEqual(
      answers,
      Array.from({ length: 100 }, (_none, i) => `/${i}`),
    );
    await client.close();
  });
});
