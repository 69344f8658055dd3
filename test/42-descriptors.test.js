'use strict';

const assert = require('node:assert/strict');
const { expectedBackend } = require('./helpers/backend');
const { closed, connect, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { startProgram } = require('./helpers/programs');
const { limit } = require('./helpers/scale');

const DESCRIPTORS = 64; // of the server's process, for everything
const BACKOFF_MS = 100;
const PINGS = 20;

async function ask(client, text) {
  const answer = readBytes(client, text === '?' ? 1 : text.length);
  client.write(text);
  return (await answer).toString();
}

async function counters(client) {
  return JSON.parse(await ask(client, '?'));
}

/** A client whose question is answered when it is accepted. */
async function visit(port) {
  const client = await connect(port);
  const visitor = { client, served: false, gone: false };
  closed(client).then(() => {
    visitor.gone = true;
  });
  client.once('data', () => {
    visitor.served = true;
  });
  client.write('x');
  return visitor;
}

describe('a server that is out of descriptors', function () {
  limit(this, 30);

  let program;
  let port;
  let visitors;
  const served = () => visitors.filter(({ served, gone }) => served && !gone);

  /** More than there are descriptors for. The last one that was served, as `one`, stays. */
  beforeEach(async () => {
    program = startProgram('few-descriptors', { descriptors: DESCRIPTORS });
    port = await program.line();
    visitors = [];
    for (let i = 0; i < DESCRIPTORS; i++) visitors.push(await visit(port));
  });

  afterEach(async () => {
    for (const { client } of visitors) client.destroy();
    program.child.kill();
    assert.equal((await program.exited).stderr, '');
  });

  it('serves those who are in, and later those who come when some have gone', async () => {
    await eventually(() => served().length > 0, 'one who is served');
    const { client } = served()[0];
    for (let i = 0; i < PINGS; i++) assert.equal(await ask(client, `ping ${i}`), `ping ${i}`);
    assert.deepEqual((await counters(client)).errors, []);
    await eventually(async () => {
      for (const other of served()) if (other.client !== client) other.client.destroy();
      const late = await visit(port);
      visitors.push(late);
      await eventually(() => late.served || late.gone, 'an answer, or none');
      return late.served;
    }, 'one who comes when there is room');
  });

  if (expectedBackend === 'io_uring') {
    it('lets the others wait, without spinning, and serves them in turn', async () => {
      await eventually(() => served().length > 0, 'one who is served');
      const { client } = served()[0];
      await eventually(async () => (await counters(client)).acceptBackoffs > 0, 'a refusal');
      const before = await counters(client);
      const start = Date.now();
      for (let i = 0; i < PINGS; i++) await ask(client, 'ping');
      let after = before;
      await eventually(async () => {
        after = await counters(client);
        return after.acceptBackoffs >= before.acceptBackoffs + 3;
      }, 'more refusals');
      const looks = after.acceptBackoffs - before.acceptBackoffs;
      assert.ok(looks <= (Date.now() - start) / BACKOFF_MS + 1, `${looks} looks`);
      assert.equal(visitors.filter(({ gone }) => gone).length, 0);
      const waiting = visitors.filter((one) => !one.served);
      assert.ok(waiting.length > 0);
      await eventually(() => {
        for (const other of served()) if (other.client !== client) other.client.destroy();
        return visitors.every((one) => one.served);
      }, 'the turn of each');
    });
  }
});
