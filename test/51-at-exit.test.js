'use strict';

const assert = require('node:assert/strict');
const { flood } = require('./helpers/clients');
const { runProgram, startProgram } = require('./helpers/programs');
const { limit } = require('./helpers/scale');

const CLIENTS = 20;

/** Starts the program, and sends to each of its servers until they are gone. */
async function endUnderLoad(argument) {
  const { line, exited } = startProgram('exit-under-load', argument);
  const { ports } = await line();
  const { gone } = await flood(ports, CLIENTS);
  const result = await exited;
  await gone;
  return result;
}

describe('the end of the process under load', function () {
  limit(this, 60);

  for (const [how, what] of [
    ['exit', 'process.exit() in a data handler'],
    ['exit-in-tick', 'process.exit() in a tick after a data handler'],
    ['exit-blocked', 'process.exit() with many events waiting'],
    ['exit-after-stop', 'stop() and process.exit()'],
    ['stop-at-exit', "process.exit() and stop() in the 'exit' handler"],
    ['exit-code', 'stop() and nothing left to do'],
  ]) {
    for (const [which, more] of [
      ['', {}],
      [', 8 servers', { servers: 8 }],
      [', tiny queues', { options: { eventQueueCapacity: 64, bufferCount: 4, bufferSize: 512 } }],
    ]) {
      it(`${what}${which}`, async () => {
        const { code, signal, stderr } = await endUnderLoad({ how, ...more });
        assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' });
      });
    }
  }

  it('an exception that nobody catches', async () => {
    const { code, signal, stderr } = await endUnderLoad({ how: 'throw' });
    assert.deepEqual({ code, signal }, { code: 1, signal: null });
    assert.match(stderr, /Error: from the data handler/);
  });

  it('a signal that nobody handles', async () => {
    const { code, signal, stderr } = await endUnderLoad({ how: 'signal' });
    assert.deepEqual({ code, signal, stderr }, { code: null, signal: 'SIGTERM', stderr: '' });
  });

  it('process.exit() right after listen()', async () => {
    const { code, signal, stderr } = await runProgram('exit-under-load', {
      how: 'exit-at-once',
      servers: 8,
    });
    assert.deepEqual({ code, signal, stderr }, { code: 7, signal: null, stderr: '' });
  });
});
