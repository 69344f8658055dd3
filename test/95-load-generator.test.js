'use strict';

const assert = require('node:assert/strict');
const { ServerProcess, startLoad } = require('../benchmark/processes');
const { buildTarget } = require('../scripts/lib/build');

const HELLO_BYTES = 13;
/** So many messages, however long they take on this machine today. */
const SOME = { messages: 200, seconds: 20, warmup: 0 };
/** What was begun by then has to be answered; a wrong answer is seen whenever it comes. */
const FAILING = { seconds: 0.2 };

/** The load generator against the benchmark's own servers: does it measure what it says it does? */
describe('load generator', () => {
  let load;

  before(function build() {
    this.timeout(120_000);
    load = buildTarget('release', 'sea_load');
  });

  /** One run. @returns {Promise<{line: object, stats: object}>} its result, and what the server says after it */
  async function run(program, [kind, ...args], settings) {
    const options = { node: process.execPath, serverCpu: null, program, args };
    const server = await ServerProcess.start(kind, options);
    try {
      const all = { connections: 4, ...SOME, ...settings };
      const line = await startLoad({ load, loadCpu: null }, server.port, all).result;
      return { line, stats: await server.ask('stats') };
    } finally {
      await server.stop();
    }
  }

  function assertSound(line) {
    assert.equal(line.errors, 0);
    assert.ok(line.messages >= SOME.messages, `only ${line.messages} messages`);
    const { p50, p99, max } = line.latencyUs;
    assert.ok(p50 > 0 && p50 <= p99, `p50 ${p50}, p99 ${p99}`);
    assert.ok(p99 <= max * 1.01, `p99 ${p99}, longest ${max}`);
  }

  for (const kind of ['node:http', 'searings', 'inline', 'handler', 'batch', 'fixed', 'routes']) {
    it(`http: ${kind} answers keep-alive and pipelined requests`, async () => {
      const { line } = await run('http.js', [kind], {
        mode: 'http',
        size: HELLO_BYTES,
        pipeline: 8,
      });
      assertSound(line);
    });
  }

  it('http: begins no more requests in a second than it was told', async () => {
    const settings = { mode: 'http', pipeline: 1024, rate: 1000, warmup: 0 };
    const { line } = await run('http.js', ['fixed'], settings);
    assertSound(line);
    assert.ok(line.seconds > 0.19, `${line.messages} in ${line.seconds} s at 1,000 a second`);
  });

  it('http: counts the time a request waits for its turn', async () => {
    const options = { node: process.execPath, serverCpu: null, program: 'http.js' };
    const server = await ServerProcess.start('node:http', options);
    try {
      const settings = { connections: 1, pipeline: 1024, rate: 400, seconds: 1, warmup: 0 };
      const blocked = server.ask('block 800');
      const line = await startLoad({ load, loadCpu: null }, server.port, {
        mode: 'http',
        ...settings,
      }).result;
      await blocked;
      // Most were due while nobody answered. The last of them waited little, the first all the time.
      const { p90, max } = line.latencyUs;
      assert.ok(p90 > 100_000 && max > 300_000, `p90 ${p90} µs, longest ${max} µs`);
    } finally {
      await server.stop();
    }
  });

  it('http: refuses a body of another length', async () => {
    const settings = { mode: 'http', size: HELLO_BYTES - 1, ...FAILING };
    await assert.rejects(run('http.js', ['fixed'], settings), /a body of another length/);
  });

  it('http: refuses another status', async () => {
    await assert.rejects(
      run('http.js', ['routes'], { mode: 'http', path: '/elsewhere', ...FAILING }),
      /without status 200/,
    );
  });

  for (const direction of ['upload', 'download']) {
    it(`${direction}: moves whole messages`, async () => {
      const size = 256 * 1024;
      const settings = { mode: direction, size, pipeline: 2 };
      const { line } = await run('bulk.js', ['searings', direction, String(size)], settings);
      assertSound(line);
      if (direction === 'download') assert.ok(line.bytes >= (line.messages - 8) * size);
    });
  }

  it('download: refuses bytes that are not those asked for', async () => {
    const settings = { mode: 'download', size: 1000, pipeline: 2, ...FAILING };
    await assert.rejects(
      run('bulk.js', ['net', 'download', '999'], settings),
      /a reply with wrong bytes/,
    );
  });

  it('slow: the server is left with what is not read, and all comes in the end', async () => {
    const settings = { mode: 'slow', size: 4096, messages: 100 };
    const { line, stats } = await run('pipe.js', ['searings'], settings);
    assert.equal(line.errors, 0);
    assert.ok(line.messages >= 100, `${line.messages} messages`);
    // 4 connections read 4 KiB every 10 ms at most.
    assert.ok(line.seconds > 0.2, `${line.messages} messages in ${line.seconds} s`);
    if (stats.info.backend === 'io_uring') {
      assert.equal(stats.info.bytesSent, stats.info.bytesReceived);
    }
  });

  it('echo: refuses what was not sent', async () => {
    // A server of another kind answers with zeros.
    await assert.rejects(
      run('bulk.js', ['net', 'upload', '16'], { mode: 'echo', size: 16, ...FAILING }),
      /differs from what was sent/,
    );
  });
});
