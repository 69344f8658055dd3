'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createInterface } = require('node:readline');
const { createChatServer } = require('../examples/chat');
const { closed, readAll } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { MIB, limit, seconds } = require('./helpers/scale');

const PATIENT = { slowMs: seconds(60), graceMs: seconds(60) };
// More than the kernel keeps for a connection whose client does not read.
const FLOOD = Array.from({ length: 40000 }, (_none, i) => `${i} `.padEnd(999, 'x'));

describe('examples/chat.js', function () {
  limit(this, 60);
  const network = useNetwork();
  let server;

  /** A client that has said its name; `connection` is the server's end of it. */
  async function enter(nickname) {
    const accepted = once(server, 'connection');
    const client = await network.connect(server);
    const [connection] = await accepted;
    const lines = createInterface({ input: client })[Symbol.asyncIterator]();
    const person = {
      client,
      connection,
      say: (line) => client.write(`${line}\n`),
      /** The next line; undefined when there will be none. */
      hear: async () => (await lines.next()).value,
    };
    assert.equal(await person.hear(), '* your nickname?');
    if (nickname === undefined) return person;
    person.say(nickname);
    assert.match(await person.hear(), new RegExp(`^\\* ${nickname} joined, \\d+ here$`));
    return person;
  }

  /** One that has entered, and does not read. */
  async function enterAndSleep(nickname) {
    const accepted = once(server, 'connection');
    const client = await network.connect(server);
    const [connection] = await accepted;
    client.pause();
    client.write(`${nickname}\n`);
    return { client, connection };
  }

  /** Hears all of the flood, in order, from someone; what else is said meanwhile is returned. */
  async function hearFlood(person, from) {
    const others = [];
    for (let next = 0; next < FLOOD.length; ) {
      const line = await person.hear();
      assert.notEqual(line, undefined);
      if (line.startsWith(`${from}: `)) assert.equal(line, `${from}: ${FLOOD[next++]}`);
      else others.push(line);
    }
    return others;
  }

  it('tells everyone who joins, what is said, and who leaves', async () => {
    server = await network.open(createChatServer());
    const ann = await enter('ann');
    const bob = await enter('bob');
    assert.equal(await ann.hear(), '* bob joined, 2 here');
    bob.say('hello');
    for (const person of [ann, bob]) assert.equal(await person.hear(), 'bob: hello');
    bob.client.end();
    assert.equal(await ann.hear(), '* bob left');
    ann.client.resetAndDestroy();
    await nothingLeft(server);
  });

  it('asks again for a nickname that is taken or is none', async () => {
    server = await network.open(createChatServer());
    const ann = await enter('ann');
    const other = await enter();
    for (const nickname of ['ann', 'two words', 'x'.repeat(21), '../etc']) {
      other.say(nickname);
      assert.equal(await other.hear(), '* taken, or not a nickname: another one?');
    }
    other.say('bob');
    for (const person of [ann, other]) assert.equal(await person.hear(), '* bob joined, 2 here');
  });

  it('puts lines together from any pieces', async () => {
    server = await network.open(createChatServer());
    const { client, connection, hear } = await enter('ann');
    const before = connection.bytesRead;
    const bytes = Buffer.from('grüß\r\n\n€ and 𝄞\nfour\n');
    for (let i = 0; i < bytes.length; i++) {
      client.write(bytes.subarray(i, i + 1));
      await eventually(() => connection.bytesRead === before + i + 1, `byte ${i} has arrived`);
    }
    for (const text of ['grüß', '€ and 𝄞', 'four']) assert.equal(await hear(), `ann: ${text}`);
  });

  it('keeps control characters from the others', async () => {
    server = await network.open(createChatServer());
    const ann = await enter('ann');
    ann.say('\x1b[2Jboo\x07\x9b');
    assert.equal(await ann.hear(), 'ann: [2Jboo');
  });

  for (const [what, line] of [
    ['a line that is too long', `${'x'.repeat(1001)}\nunheard\n`],
    ['a line without an end', 'x'.repeat(4 * MIB)],
  ]) {
    it(`shows out who sends ${what}`, async () => {
      server = await network.open(createChatServer(PATIENT));
      const ann = await enter('ann');
      const bob = await enter('bob');
      assert.equal(await ann.hear(), '* bob joined, 2 here');
      bob.client.write(line);
      assert.equal(await bob.hear(), '* that line is too long');
      assert.equal(await bob.hear(), undefined);
      assert.equal(await ann.hear(), '* bob was shown out: that line is too long');
      ann.client.destroy();
      await nothingLeft(server);
    });
  }

  it('waits for a slow reader that catches up', async () => {
    server = await network.open(createChatServer(PATIENT));
    const ann = await enter('ann');
    const bob = await enterAndSleep('bob');
    assert.equal(await ann.hear(), '* bob joined, 2 here');
    ann.say(FLOOD.join('\n'));
    const heard = hearFlood(ann, 'ann');
    await eventually(() => ann.connection.isPaused(), 'ann is held up');
    assert.ok(bob.connection.writableLength < 8 * MIB);
    const lines = createInterface({ input: bob.client })[Symbol.asyncIterator]();
    const hear = async () => (await lines.next()).value;
    const others = await hearFlood({ hear }, 'ann');
    assert.deepEqual(others, ['* your nickname?', '* bob joined, 2 here']);
    assert.deepEqual(await heard, []);
  });

  it('drops a slow reader that does not, with a message', async () => {
    server = await network.open(createChatServer({ ...PATIENT, slowMs: seconds(1) }));
    const ann = await enter('ann');
    const bob = await enterAndSleep('bob');
    assert.equal(await ann.hear(), '* bob joined, 2 here');
    ann.say(FLOOD.join('\n'));
    assert.deepEqual(await hearFlood(ann, 'ann'), ['* bob was shown out: you read too slowly']);
    assert.ok(bob.connection.writableLength < 8 * MIB);
    // What it had been told before is still there for it, and the message after that.
    const lines = String(await readAll(bob.client)).split('\n');
    assert.deepEqual(lines.slice(-2), ['* you read too slowly', '']);
    const told = lines.slice(2, -2);
    const first = FLOOD.slice(0, told.length).map((line) => `ann: ${line}`);
    assert.deepEqual(told, first);
  });

  it('cuts one that has been dropped and does not read its message', async () => {
    server = await network.open(createChatServer({ slowMs: seconds(1), graceMs: 50 }));
    const ann = await enter('ann');
    const bob = await enterAndSleep('bob');
    const gone = closed(bob.connection);
    ann.say(FLOOD.join('\n'));
    await hearFlood(ann, 'ann');
    await gone;
  });
});
