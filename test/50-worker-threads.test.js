'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { expectedBackend } = require('./helpers/backend');
const { closed, connect, flood, readBytes } = require('./helpers/clients');
const { startNodeThreads, threads, threadsBackTo } = require('./helpers/leftovers');
const { runLoad } = require('./helpers/load');
const { useNetwork } = require('./helpers/network');
const { MIB, full, limit } = require('./helpers/scale');
const { startWorker, startWorkers } = require('./helpers/workers');

const ROUNDS = full ? 25 : 4;

describe('a server in a worker thread', function () {
  limit(this, 60);
  const network = useNetwork();
  let before;

  beforeEach(async () => {
    await startNodeThreads();
    before = threads();
  });

  // Neither the worker's thread nor its server's is there afterwards.
  afterEach(() => threadsBackTo(before));

  it('serves, and lets the worker end by itself after close()', async () => {
    const [{ worker, message, exited, port }] = await startWorkers(1);
    assert.deepEqual(await runLoad({ port, connections: 20, bytes: MIB / 2 }), []);
    worker.postMessage('info');
    assert.equal((await message()).backend, expectedBackend);
    worker.postMessage('close');
    assert.equal(await message(), 'closed');
    assert.deepEqual(await exited, { code: 0, error: null });
  });

  it('is cut by terminate() under load', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [{ worker, exited, port }] = await startWorkers(1);
      const { gone } = await flood([port], 20);
      await worker.terminate();
      await gone;
      assert.deepEqual(await exited, { code: 1, error: null });
      await threadsBackTo(before);
    }
  });

  it('is cut by terminate() while its JS thread is busy and data wait', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const options = round % 2 === 0 ? {} : { eventQueueCapacity: 64, bufferCount: 4 };
      const [{ worker, message, port }] = await startWorkers(1, { options });
      const { gone } = await flood([port], 5);
      worker.postMessage('block');
      assert.equal(await message(), 'blocking');
      await worker.terminate();
      await gone;
    }
  });

  it('is cut by terminate() while it starts', async () => {
    for (let round = 0; round < ROUNDS * 2; round++) {
      const { worker, message, exited } = startWorker();
      message().catch(() => {});
      await once(worker, 'online');
      if (round % 2 === 0) {
        await new Promise(setImmediate);
      }
      await worker.terminate();
      await exited;
    }
  });

  it('is cut by terminate() after close(), with connections open', async () => {
    const [{ worker, exited, port }] = await startWorkers(1);
    const { gone } = await flood([port], 5);
    worker.postMessage('close');
    await worker.terminate();
    await gone;
    await exited;
  });

  it('is cut by process.exit() in the worker, whose code is kept', async () => {
    const [{ worker, exited, port }] = await startWorkers(1);
    const { gone } = await flood([port], 20);
    worker.postMessage('exit');
    assert.deepEqual(await exited, { code: 5, error: null });
    await gone;
  });

  it('is cut when the worker dies of an exception in a data handler', async () => {
    const [{ exited, port }] = await startWorkers(1, { fails: true });
    const client = await connect(port);
    const gone = closed(client.resume());
    client.write('x');
    const { code, error } = await exited;
    assert.equal(code, 1);
    assert.equal(error.message, 'from the worker');
    await gone;
  });

  it("leaves the main thread's server alone when it is cut", async () => {
    const server = await network.listen({}, (connection) => connection.pipe(connection));
    const [{ worker, port }] = await startWorkers(1);
    const { gone } = await flood([port], 10);
    const load = runLoad({ port: server.address().port, connections: 20, bytes: MIB });
    await worker.terminate();
    assert.deepEqual(await load, []);
    await gone;
    const client = await network.connect(server);
    client.write('here');
    assert.equal(String(await readBytes(client, 4)), 'here');
    client.destroy();
    await server.stop();
  });
});
