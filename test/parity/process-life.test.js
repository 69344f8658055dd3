'use strict';

const assert = require('node:assert/strict');
const { closed, connect, readBytes } = require('../helpers/clients');
const { runProgram, startProgram } = require('../helpers/programs');
const { limit } = require('../helpers/scale');

describe('the life of the process', function () {
  limit(this, 60);

  it('is over when the server has been closed', async () => {
    const { code, signal, lines, stderr } = await runProgram('liveness', { how: 'close' });
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
    assert.deepEqual(lines.slice(1), ['closed']);
  });

  it('does not wait for an unref()ed server', async () => {
    const { code, signal, stderr } = await runProgram('liveness', { how: 'unref' });
    assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: '' });
  });

  it('waits for a server that has been ref()ed again', async () => {
    const { line, exited } = startProgram('liveness', { how: 'unref-ref' });
    const client = await connect((await line()).port);
    assert.equal(await line(), 'connection');
    client.end();
    await closed(client.resume());
    // The program closes the server when its first connection has ended.
    assert.deepEqual(await exitOf(exited), { code: 0, signal: null });
  });

  for (const how of ['connection', 'connection-unref-server']) {
    it(`waits for an open connection (${how})`, async () => {
      const { line, exited } = startProgram('liveness', { how });
      const client = await connect((await line()).port);
      assert.equal(await line(), 'connection');
      // Nothing but the connection is left there, and it goes on answering.
      for (let i = 0; i < 100; i++) {
        client.write('x');
        assert.equal((await readBytes(client, 1)).length, 1);
      }
      const gone = closed(client);
      client.end();
      await gone;
      assert.deepEqual(await exitOf(exited), { code: 0, signal: null });
    });
  }

  it('does not wait for an unref()ed connection', async () => {
    const { line, exited } = startProgram('liveness', { how: 'connection-unref' });
    const client = await connect((await line()).port);
    const gone = closed(client.resume());
    assert.deepEqual(await exitOf(exited), { code: 0, signal: null });
    await gone;
  });
});

async function exitOf(exited) {
  const { code, signal } = await exited;
  return { code, signal };
}
