'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { closed, connect } = require('./helpers/clients');
const { echo } = require('./helpers/echo');
const { eventually } = require('./helpers/eventually');
const { nothingLeft, startNodeThreads, threads, threadsBackTo } = require('./helpers/leftovers');
const { follow, liveMany, WAYS } = require('./helpers/lifetimes');
const { stop } = require('./helpers/network');
const { freePlace, placeOf } = require('./helpers/place');
const { full, limit, MIB } = require('./helpers/scale');
const { createTcpServer } = require('..');

const TOTAL = full ? 20000 : 2000;
const EACH = Math.ceil(TOTAL / WAYS.length);
const AT_ONCE = 20;

/** A server whose connections come to their end in one way, and what became of them. */
async function start(way) {
  const state = { opened: 0, closed: 0, problems: [] };
  state.server = createTcpServer(way.options, (connection) => {
    state.opened++;
    follow(connection, state.problems).then(() => {
      state.closed++;
    });
    way.server?.(connection);
  });
  state.server.listen(...freePlace());
  await once(state.server, 'listening');
  return state;
}

/** Lets so many connections live and die, and checks that nothing of them is left. */
async function run(way, count) {
  const state = await start(way);
  const { server } = state;
  try {
    await liveMany(way, placeOf(server), count, AT_ONCE);
    const text = () =>
      `${count} connections closed (${state.opened} opened, ${state.closed} closed)`;
    await eventually(() => state.closed >= count, way.what).catch((error) => {
      throw new Error(`${error.message}: ${text()}`);
    });
    await nothingLeft(server);
    assert.deepEqual(state.problems, []);
    assert.deepEqual([state.opened, state.closed], [count, count]);
    assert.equal(server.info().connectionsAccepted, count);
    await new Promise((resolve) => server.close(resolve));
  } finally {
    await stop(server);
  }
}

describe(`lifetimes: ${EACH} connections each`, function () {
  limit(this, full ? 120 : 30);
  let before;

  beforeEach(async () => {
    await startNodeThreads();
    before = threads();
  });

  // No thread outlives its server, whatever became of the connections.
  afterEach(() => threadsBackTo(before));

  for (const way of WAYS) {
    it(way.what, () => run(way, EACH));
  }

  it('all of these at the same time, a server for each', async () => {
    await Promise.all(WAYS.map((way) => run(way, Math.ceil(EACH / 4))));
  });
});

describe('lifetimes: stop() under load', function () {
  limit(this, 60);

  it('closes each connection once, and leaves nothing behind', async () => {
    await startNodeThreads();
    const before = threads();
    for (let round = 0; round < (full ? 20 : 3); round++) {
      const state = await start({
        server: (connection) => {
          connection.on('error', () => {});
          echo(connection);
        },
      });
      const { server } = state;
      const place = placeOf(server);
      const clients = await Promise.all(Array.from({ length: 50 }, () => connect(place)));
      const gone = clients.map(closed);
      for (const client of clients) {
        client.resume();
        client.write(Buffer.alloc(8 * MIB));
      }
      await Promise.all(clients.map((client) => once(client, 'data')));
      await server.stop();
      await Promise.all(gone);
      assert.deepEqual([state.opened, state.closed], [50, 50]);
      assert.deepEqual(state.problems, []);
      await nothingLeft(server);
    }
    await threadsBackTo(before);
  });

  it('while clients keep connecting', async () => {
    await startNodeThreads();
    const before = threads();
    const way = { what: 'echo', server: (connection) => echo(connection) };
    const state = await start(way);
    const { server } = state;
    const client = (socket) => socket.on('connect', () => socket.write('x'));
    const load = liveMany({ client }, placeOf(server), 500, 50);
    await eventually(() => state.opened >= 50, 'fifty connections');
    await server.stop();
    assert.equal(state.closed, state.opened);
    assert.deepEqual(state.problems, []);
    await load;
    await nothingLeft(server);
    await threadsBackTo(before);
  });

  it('leaves no thread behind after a hundred servers', async () => {
    await startNodeThreads();
    const before = threads();
    for (let i = 0; i < 100; i++) {
      const server = createTcpServer();
      server.listen(...freePlace());
      if (i % 2 === 0) {
        await once(server, 'listening');
      }
      await server.stop();
    }
    await threadsBackTo(before);
  });
});
