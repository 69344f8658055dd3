'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { echo } = require('./helpers/echo');
const { nothingLeft, startNodeThreads, threads, threadsBackTo } = require('./helpers/leftovers');
const { runLoad } = require('./helpers/load');
const { useNetwork } = require('./helpers/network');
const { runProgram } = require('./helpers/programs');
const { MIB, full, limit } = require('./helpers/scale');
const { startWorkers } = require('./helpers/workers');

const SIZE = { connections: 20, bytes: full ? 4 * MIB : MIB / 2 };

/** Loads all of these ports at once: @returns {Promise<string[]>} what went wrong */
async function loadAll(ports) {
  return (await Promise.all(ports.map((port) => runLoad({ port, ...SIZE })))).flat();
}

describe('several servers', function () {
  limit(this, full ? 300 : 60);
  const network = useNetwork();

  it('8 in one process work at the same time', async () => {
    await startNodeThreads();
    const before = threads();
    const servers = await Promise.all(
      Array.from({ length: 8 }, () => network.listen({}, (connection) => echo(connection))),
    );
    const ports = servers.map((server) => server.address().port);
    assert.equal(new Set(ports).size, 8);
    assert.deepEqual(await loadAll(ports), []);
    for (const server of servers) {
      await nothingLeft(server);
      assert.equal(server.info().connectionsAccepted, SIZE.connections);
    }
    await Promise.all(servers.map((server) => server.stop()));
    await threadsBackTo(before);
  });

  it('4 worker threads with a server each work at the same time', async () => {
    await startNodeThreads();
    const before = threads();
    const workers = await startWorkers(4);
    assert.deepEqual(await loadAll(workers.map(({ port }) => port)), []);
    for (const { worker, message, exited } of workers) {
      worker.postMessage('info');
      const info = await message();
      assert.equal(info.connectionsAccepted, SIZE.connections);
      worker.postMessage('close');
      assert.equal(await message(), 'closed');
      assert.deepEqual(await exited, { code: 0, error: null });
    }
    await threadsBackTo(before);
  });

  it('one can be stopped while the others work', async () => {
    const servers = await Promise.all(
      Array.from({ length: 8 }, () => {
        return network.listen({}, (connection) => {
          connection.on('error', () => {});
          echo(connection);
        });
      }),
    );
    const [first, ...others] = servers;
    const cut = runLoad({ port: first.address().port, ...SIZE });
    const served = loadAll(others.map((server) => server.address().port));
    await once(first, 'connection');
    await first.stop();
    assert.ok((await cut).length > 0);
    assert.deepEqual(await served, []);
  });

  it('of different options do not get in the way of each other', async () => {
    const options = [{}, { bufferCount: 4, bufferSize: 512 }, { eventQueueCapacity: 64 }];
    const servers = await Promise.all(
      options.map((one) => network.listen(one, (connection) => echo(connection))),
    );
    const loads = servers.map((server) => {
      return runProgram('load', { port: server.address().port, ...SIZE, closeEitherSide: false });
    });
    for (const { code, lines } of await Promise.all(loads)) {
      assert.deepEqual({ code, lines }, { code: 0, lines: [[]] });
    }
  });
});
