'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const { Worker } = require('node:worker_threads');
const { once } = require('node:events');
const { connect, flood, readAll } = require('./helpers/clients');
const { startNodeThreads, threads, threadsBackTo } = require('./helpers/leftovers');
const { runLoad } = require('./helpers/load');
const { runProgram, startProgram } = require('./helpers/programs');
const { MIB, limit } = require('./helpers/scale');

const WORKER = path.join(__dirname, 'helpers', 'programs', 'raw-worker.js');

describe('raw servers and their process', function () {
  limit(this, 60);

  for (const batched of [false, true]) {
    const how = batched ? 'in batches' : 'event by event';

    it(`hundreds of thousands of events leave no objects behind, ${how}`, async () => {
      const { code, stderr, lines } = await runProgram('raw-leak', {
        batched,
        rounds: 6,
        events: 30000,
      });
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      const [{ heaps }] = lines;
      // Each comes with a Buffer: were they kept, 60,000 would be more than 10 MB.
      const growth = Math.min(...heaps.slice(3)) - heaps[1];
      assert.ok(growth < 4 * MIB, `the heap grew by ${growth} bytes: ${heaps}`);
    });

    it(`an exception in the handler loses no event, ${how}`, async () => {
      const result = await runProgram('raw-throws', { batched, connections: 60 });
      assert.equal(result.stderr, '');
      assert.equal(result.code, 0);
      assert.deepEqual(result.lines, [{ wrong: [], threw: true }]);
    });
  }

  for (const [how, code] of [
    ['exit', 3],
    ['exitHandler', 3],
    ['throws', 1],
  ]) {
    it(`what was sent leaves when the process ends: ${how}`, async () => {
      const program = startProgram('raw-exit', { how });
      const client = await connect(await program.line());
      client.write('go');
      assert.equal(String(await readAll(client)), 'last words');
      assert.equal((await program.exited).code, code);
    });
  }

  it('unref() lets the process end', async () => {
    const program = startProgram('raw-exit', { how: 'unref' });
    const client = await connect(await program.line());
    client.write('go');
    assert.equal((await program.exited).code, 0);
    client.destroy();
  });

  it('run on node:net where io_uring cannot be used', async () => {
    const { code, lines } = await runProgram('raw-fallback', {});
    assert.equal(code, 0);
    const seen = { backend: 'net', why: 'string', echo: 'hello' };
    assert.deepEqual(lines, [[seen, seen]]);
  });

  it('reject start() there with fallback: false', async () => {
    const { code, lines } = await runProgram('raw-fallback', { fallback: false });
    assert.equal(code, 0);
    const seen = { code: 'SEARINGS_IO_URING_UNAVAILABLE', stopped: true };
    assert.deepEqual(lines, [[seen, seen]]);
  });

  describe('in a worker thread', () => {
    let before;
    let worker;
    let ports;

    beforeEach(async () => {
      await startNodeThreads();
      before = threads();
      worker = new Worker(WORKER);
      [ports] = await once(worker, 'message');
    });

    afterEach(() => threadsBackTo(before));

    it('serve, and let it end after stop()', async () => {
      for (const port of [ports.port, ports.echoPort]) {
        assert.deepEqual(await runLoad({ port, connections: 10, bytes: MIB / 4 }), []);
      }
      const exited = once(worker, 'exit');
      worker.postMessage('stop');
      assert.deepEqual(await once(worker, 'message'), ['stopped']);
      assert.deepEqual(await exited, [0]);
    });

    it('are cut by terminate() under load', async () => {
      const { gone } = await flood([ports.port, ports.echoPort], 20);
      await worker.terminate();
      await gone;
    });

    it('are cut by terminate() while the JavaScript thread is busy', async () => {
      const { gone } = await flood([ports.port, ports.echoPort], 20);
      worker.postMessage('block');
      await once(worker, 'message');
      await worker.terminate();
      await gone;
    });

    it('are cut by process.exit()', async () => {
      const { gone } = await flood([ports.port, ports.echoPort], 20);
      worker.postMessage('exit');
      assert.deepEqual(await once(worker, 'exit'), [5]);
      await gone;
    });
  });
});
