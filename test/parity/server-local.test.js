'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { existsSync, mkdtempSync, rmSync } = require('node:fs');
const net = require('node:net');
const { tmpdir } = require('node:os');
const path = require('node:path');
const { closed, readAll } = require('../helpers/clients');
const { useWorld } = require('../helpers/parity');

describe('a server on a Unix socket', () => {
  const world = useWorld();
  let folder;
  let place;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'searings-parity-'));
    place = path.join(folder, 'socket');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  async function pair(...args) {
    const server = world.server();
    await once(server.listen(...args), 'listening');
    const accepted = once(server, 'connection');
    const client = net.connect(args[0].path ?? args[0]).on('error', () => {});
    const [connection] = await accepted;
    return { server, client, connection };
  }

  it('serves, and removes its file when it closes', async () => {
    const { server, client, connection } = await pair(place);
    assert.equal(server.address(), place);
    assert.equal(existsSync(place), true);
    connection.end('hello');
    assert.equal(String(await readAll(client)), 'hello');
    server.close();
    await once(server, 'close');
    assert.equal(existsSync(place), false);
  });

  for (const [form, args] of [
    ['path and backlog', (where) => [where, 16]],
    ['{path}', (where) => [{ path: where }]],
    [
      'readableAll and writableAll',
      (where) => [{ path: where, readableAll: true, writableAll: true }],
    ],
  ]) {
    it(`listens with ${form}`, async () => {
      const { client, connection } = await pair(...args(place));
      client.write('x');
      assert.equal(String((await once(connection, 'data'))[0]), 'x');
      client.destroy();
    });
  }

  it('gives connections without addresses', async () => {
    const { client, connection } = await pair(place);
    assert.equal(connection.remoteAddress, undefined);
    assert.equal(connection.remotePort, undefined);
    assert.equal(connection.remoteFamily, undefined);
    assert.equal(connection.localAddress, undefined);
    assert.deepEqual({ ...connection.address() }, {});
    client.destroy();
  });

  it("drops without an argument for 'drop'", async () => {
    const { server, client } = await pair(place);
    server.maxConnections = 1;
    const dropped = new Promise((resolve) => server.once('drop', (...args) => resolve(args)));
    const second = net.connect(place).on('error', () => {});
    assert.deepEqual(await dropped, []);
    await Promise.all([closed(second.resume()), client.destroy()]);
  });

  it('cannot reset: resetAndDestroy() throws ERR_INVALID_HANDLE_TYPE', async () => {
    const { client, connection } = await pair(place);
    assert.throws(() => connection.resetAndDestroy(), {
      name: 'TypeError',
      code: 'ERR_INVALID_HANDLE_TYPE',
    });
    assert.equal(connection.destroyed, false);
    client.destroy();
  });

  it('takes TCP settings without effect', async () => {
    const { client, connection } = await pair(place);
    assert.equal(connection.setNoDelay(), connection);
    assert.equal(connection.setKeepAlive(true, 1000), connection);
    client.destroy();
  });
});
