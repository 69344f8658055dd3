'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const os = require('node:os');
const path = require('node:path');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK } = require('./helpers/clients');
const { createEchoServer } = require('./helpers/echo-server');
const { nothingLeft } = require('./helpers/leftovers');
const { watchMemory } = require('./helpers/memory');
const { runProgram } = require('./helpers/programs');
const { MIB, full, limit, seconds } = require('./helpers/scale');

const CONNECTIONS = full ? 200 : 50;
const BYTES = full ? 8 * MIB : MIB / 2;

/**
 * What the server's process may grow by, whatever the amount that goes through: per connection the
 * two high-water marks and a chunk in each direction, and what is garbage between two collections.
 */
const MEMORY_BOUND = (full ? 384 : 192) * MIB;

const TINY = {
  bufferCount: 4,
  bufferSize: 512,
  eventQueueCapacity: 64,
  commandQueueCapacity: 64,
};

const CASES = [
  { what: 'the defaults' },
  { what: '4 buffers of 512 bytes', options: { bufferCount: 4, bufferSize: 512 } },
  { what: 'an event queue of 64', options: { eventQueueCapacity: 64 } },
  { what: 'a command queue of 64', options: { commandQueueCapacity: 64 } },
  { what: 'everything tiny', options: TINY },
  { what: 'a JS thread that stands still for 300 ms now and then', blocks: true },
  { what: 'a server that pauses reading at random', naps: true },
  { what: 'clients that pause reading at random', clientNaps: true },
  { what: 'everything tiny, standing still and pausing', options: TINY, blocks: true, naps: true },
  { what: 'bundles of small buffers', options: { useRecvBundle: true, bufferSize: 512 } },
  { what: 'tiny bundles', options: { useRecvBundle: true, ...TINY } },
  { what: 'incremental buffers', options: { useIncrementalBuffers: true, bufferCount: 8 } },
  { what: 'tiny incremental buffers', options: { useIncrementalBuffers: true, ...TINY } },
  { what: 'zero-copy sends', options: { useZeroCopySend: true, zeroCopySendMin: 1 } },
  {
    what: 'registered send buffers',
    options: { useRegisteredSendBuffer: true, zeroCopySendMin: 1 },
  },
  { what: 'a Unix socket', unix: true },
  { what: 'a Unix socket, everything tiny', unix: true, options: TINY },
];

async function runCase({ options = {}, blocks, naps, clientNaps, unix }, closeEitherSide) {
  const size = { bytes: BYTES, connections: CONNECTIONS };
  const server = createEchoServer(options, { ...size, blocks, naps });
  const memory = watchMemory();
  try {
    if (unix) server.listen(path.join(os.tmpdir(), `searings-integrity-${process.pid}.sock`));
    else server.listen(0, LOOPBACK);
    await once(server, 'listening');
    const where = unix ? { path: server.address() } : { port: server.address().port };
    const load = await runProgram(
      'load',
      { ...where, ...size, closeEitherSide, clientNaps },
      seconds(full ? 300 : 60),
    );
    assert.deepEqual({ code: load.code, stderr: load.stderr }, { code: 0, stderr: '' });
    assert.deepEqual(load.lines, [[]]);
    assert.deepEqual(server.problems, []);
    memory.within(MEMORY_BOUND);
    await nothingLeft(server);
    assert.equal(server.info().backend, expectedBackend);
    assert.equal(server.info().connectionsAccepted, CONNECTIONS);
  } finally {
    memory.stop();
    const gone = once(server, 'close');
    server.stop();
    await gone;
  }
}

describe(`integrity: ${CONNECTIONS} connections at once, ${BYTES / MIB} MiB each`, function () {
  limit(this, full ? 310 : 65);

  for (const one of CASES) {
    it(one.what, () => runCase(one, false));
    it(`${one.what}, half of the connections closed by either side`, () => runCase(one, true));
  }
});

describe('integrity: an exception in a data handler', function () {
  limit(this, 60);

  it("loses nothing of the other connections' data", async () => {
    const { code, signal, lines, stderr } = await runProgram('throwing-handler', {
      connections: 60,
      bytes: MIB,
    });
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    const [{ thrown, failures }] = lines;
    assert.equal(thrown, 20);
    assert.deepEqual(failures, []);
  });
});

describe('integrity: an exception while answers leave', function () {
  limit(this, 60);

  for (const late of [false, true]) {
    for (const [how, times] of Object.entries({ callback: 10, drain: 10, write: 1 })) {
      it(`of ${how}${late ? ', after the batch' : ''}: the others get theirs`, async () => {
        const argument = { how, late, rounds: 10 };
        const { code, signal, lines, stderr } = await runProgram('throwing-flush', argument);
        assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
        assert.deepEqual(lines, [{ thrown: times, direct: expectedBackend === 'io_uring' }]);
      });
    }

    it(`of a destroy() of the user's${late ? ', after the batch' : ''}: the same`, async () => {
      const argument = { how: 'destroy', late, rounds: 10 };
      const { code, lines, stderr } = await runProgram('throwing-flush', argument);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.ok(lines[0].thrown >= 1);
    });
  }
});
