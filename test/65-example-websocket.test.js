'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { WebSocket } = require('ws');
const { createWebSocketServer } = require('../examples/websocket');
const { LOOPBACK, readAll } = require('./helpers/clients');
const { eventually, settled } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe('examples/websocket.js', function () {
  limit(this, 20);
  const network = useNetwork();
  let server;
  let sockets;

  beforeEach(async () => {
    server = await network.open(createWebSocketServer());
    sockets = [];
  });

  afterEach(async () => {
    for (const socket of sockets) socket.terminate();
    await nothingLeft(server);
  });

  /** A WebSocket client; `hear()` gives the next message. */
  async function open(path, options = {}) {
    const { port } = server.address();
    const socket = new WebSocket(`ws://${LOOPBACK}:${port}${path}`, options);
    socket.on('error', () => {});
    sockets.push(socket);
    const heard = [];
    let wake = () => {};
    socket.on('message', (data, binary) => {
      heard.push(binary ? data : String(data));
      wake();
    });
    socket.hear = async () => {
      while (heard.length === 0) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      return heard.shift();
    };
    await once(socket, 'open');
    return socket;
  }

  it('serves the page', async () => {
    const client = await network.connect(server);
    client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.match(String(await readAll(client)), /^HTTP\/1\.1 200 OK\r\n.*<title>room</s);
  });

  it('echoes text and bytes of every size', async () => {
    const socket = await open('/echo');
    const bytes = new RandomStream(65);
    for (const size of [0, 1, 125, 126, 65535, 65536, MIB]) {
      const data = Buffer.from(bytes.slice(0, size));
      socket.send(data);
      assert.ok((await socket.hear()).equals(data));
      socket.send(data.toString('hex'));
      assert.equal(await socket.hear(), data.toString('hex'));
    }
  });

  it('echoes many messages in order', async () => {
    const socket = await open('/echo');
    for (let i = 0; i < 5000; i++) socket.send(`message ${i}`);
    for (let i = 0; i < 5000; i++) assert.equal(await socket.hear(), `message ${i}`);
  });

  it('answers a ping, and the closing handshake', async () => {
    const socket = await open('/echo');
    const pong = once(socket, 'pong');
    socket.ping('still there?');
    assert.equal(String((await pong)[0]), 'still there?');
    const gone = once(socket, 'close');
    socket.close(4000, 'enough');
    const [code, reason] = await gone;
    assert.deepEqual([code, String(reason)], [4000, 'enough']);
  });

  it('closes on a frame that is none', async () => {
    const client = await network.connect(server);
    const headers = ['host: x', 'connection: upgrade', 'upgrade: websocket'];
    headers.push('sec-websocket-version: 13', 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==');
    client.write(`GET /echo HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    client.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    const answer = await readAll(client);
    assert.match(String(answer), /^HTTP\/1\.1 101 /);
    // The last frame is a close frame with code 1002, a protocol error.
    const end = answer.indexOf('\r\n\r\n') + 4;
    assert.deepEqual([...answer.subarray(end)], [0x88, 2, 1002 >> 8, 1002 & 0xff]);
  });

  it('does not read from a client that does not read its echoes', async () => {
    const socket = await open('/echo');
    socket.pause();
    const message = Buffer.alloc(MIB, 'x');
    for (let i = 0; i < 64; i++) socket.send(message);
    const waiting = await settled(() => socket.bufferedAmount);
    assert.ok(waiting > 0);
    socket.resume();
    for (let i = 0; i < 64; i++) assert.ok((await socket.hear()).equals(message));
  });

  it('tells everyone in the room, and nobody else', async () => {
    const [one, other, outside] = [await open('/room'), await open('/room'), await open('/echo')];
    one.send('hello');
    other.send(Buffer.from('bytes'));
    for (const socket of [one, other]) {
      const heard = [await socket.hear(), await socket.hear()];
      assert.deepEqual(new Set(heard.map(String)), new Set(['hello', 'bytes']));
    }
    outside.send('only me');
    assert.equal(await outside.hear(), 'only me');
  });

  it('goes on when someone vanishes from the room', async () => {
    const [one, other] = [await open('/room'), await open('/room')];
    other.terminate();
    await eventually(() => sockets[1].readyState === WebSocket.CLOSED, 'one is gone');
    for (let i = 0; i < 10; i++) {
      one.send(`still here ${i}`);
      assert.equal(await one.hear(), `still here ${i}`);
    }
  });

  it('lets go of one that does not keep up with the room', async () => {
    const [one, other] = [await open('/room'), await open('/room')];
    const gone = once(other, 'close');
    other.pause();
    const message = Buffer.alloc(MIB, 'x');
    // More than the kernel keeps for a connection whose client does not read.
    for (let i = 0; i < 64; i++) {
      one.send(message);
      assert.ok((await one.hear()).equals(message));
    }
    other.resume();
    assert.equal((await gone)[0], 1006);
  });
});
