'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const http = require('node:http');
const { LOOPBACK } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

/** An http.Server whose connections come from ours. */
async function serve(world, handler) {
  const httpServer = http.createServer(handler);
  const server = await world.listen({}, (connection) => httpServer.emit('connection', connection));
  return { httpServer, server, options: { port: server.address().port, host: LOOPBACK } };
}

async function textOf(response) {
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  return text;
}

async function request(options, body) {
  const outgoing = http.request({ method: 'POST', ...options });
  outgoing.end(body);
  const [response] = await once(outgoing, 'response');
  return { status: response.statusCode, text: await textOf(response), outgoing };
}

describe("httpServer.emit('connection')", () => {
  const world = useWorld();

  it('serves requests on one connection after the other', async () => {
    const { options } = await serve(world, async (incoming, response) => {
      const text = await textOf(incoming);
      response.end(`${text.length} from ${incoming.socket.remoteAddress}`);
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (const length of [0, 5, 300000]) {
      const { status, text } = await request({ ...options, agent }, 'x'.repeat(length));
      assert.deepEqual([status, text], [200, `${length} from ${LOOPBACK}`]);
    }
    agent.destroy();
  });

  it('streams a large response', async () => {
    const { options } = await serve(world, (_incoming, response) => {
      for (let i = 0; i < 50; i++) response.write('y'.repeat(20000));
      response.end();
    });
    const { text, outgoing } = await request({ ...options, agent: false });
    assert.equal(text.length, 1000000);
    outgoing.destroy();
  });

  it('answers all requests of a client that has ended its side', async () => {
    const httpServer = http.createServer(({ url }, response) => response.end(`[${url}]`));
    const server = await world.listen({ allowHalfOpen: true }, (connection) =>
      httpServer.emit('connection', connection),
    );
    const client = await world.connect(server, { allowHalfOpen: true });
    const urls = Array.from({ length: 20 }, (_none, i) => `/${i}`);
    client.end(urls.map((url) => `GET ${url} HTTP/1.1\r\nhost: x\r\n\r\n`).join(''));
    const answers = (await textOf(client)).match(/\[.*?\]/g);
    assert.deepEqual(
      answers,
      urls.map((url) => `[${url}]`),
    );
  });

  it('answers a request that is none with 400', async () => {
    const { server } = await serve(world);
    const client = await world.connect(server);
    client.write('nonsense\r\n\r\n');
    const [answer] = await once(client, 'data');
    assert.match(String(answer), /^HTTP\/1\.1 400 Bad Request\r\n/);
  });

  it('hands over an upgraded connection', async () => {
    const { httpServer, options } = await serve(world);
    httpServer.on('upgrade', (_incoming, socket, head) => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n',
      );
      socket.write(head);
      socket.pipe(socket);
    });
    const headers = { connection: 'upgrade', upgrade: 'echo' };
    const outgoing = http.request({ ...options, headers }).end();
    const [, socket] = await once(outgoing, 'upgrade');
    socket.write('hello');
    assert.equal(String((await once(socket, 'data'))[0]), 'hello');
    socket.end();
    await once(socket.resume(), 'close');
  });
});
