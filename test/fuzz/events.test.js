'use strict';

/* Events and commands in any order that the worker may take: what a program sees of them. */

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { setImmediate: turn } = require('node:timers/promises');
const fc = require('fast-check');
const { createTcpServer } = require('../..');
const { RandomStream } = require('../helpers/random');
const { useFakeWorkers } = require('./fake-worker');

const RUNS = Number(process.env.SEARINGS_FUZZ_RUNS || 300);
const CONNECTIONS = 6;

const which = fc.nat(CONNECTIONS - 1);
const size = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 16384 }));

/** What may happen, each as [name, ...arguments]. */
const step = fc.oneof(
  fc.tuple(fc.constant('open')),
  fc.tuple(fc.constant('receive'), which, size),
  fc.tuple(fc.constant('endOf'), which),
  fc.tuple(fc.constant('deliver'), fc.integer({ min: 1, max: 8 })),
  fc.tuple(fc.constant('deliver'), fc.constant(64)),
  fc.tuple(fc.constant('turn')),
  fc.tuple(fc.constant('refuse'), fc.integer({ min: 1, max: 1023 })),
  fc.tuple(fc.constant('write'), which, fc.integer({ min: 0, max: 3000 })),
  fc.tuple(fc.constant('end'), which),
  fc.tuple(fc.constant('destroy'), which),
  fc.tuple(fc.constant('pause'), which),
  fc.tuple(fc.constant('resume'), which),
  fc.tuple(fc.constant('throwAtNext'), which),
);

/** What a program has seen of one connection; `fail` hears of what it was not promised. */
class Witness {
  constructor(connection, stream, play) {
    this.connection = connection;
    this.expected = stream;
    this.play = play;
    this.position = 0;
    this.ended = false;
    this.closed = 0;
    this.called = 0;
    this.written = 0;
    this.throws = false;
    connection.on('data', (chunk) => this.onData(chunk));
    connection.on('end', () => {
      this.must(!this.ended && this.closed === 0, 'an end too many');
      this.ended = true;
    });
    connection.on('error', () => {});
    connection.on('close', () => this.closed++);
  }

  must(condition, what) {
    if (!condition) this.play.problems.push(what);
  }

  onData(chunk) {
    this.must(!this.ended && this.closed === 0, 'data after the end');
    const expected = this.expected.slice(this.position, chunk.length);
    this.must(chunk.equals(expected), `wrong bytes at ${this.position}`);
    this.position += chunk.length;
    if (this.throws && this.play.worker.delivering) {
      this.throws = false;
      throw new Error('of a handler');
    }
  }

  write(length) {
    this.written++;
    this.connection.write(Buffer.alloc(length), () => this.called++);
  }
}

class Play {
  constructor(fake) {
    this.fake = fake;
    this.sent = []; // by order of arrival: bytes that the worker has received
    this.slots = []; // likewise
    this.witnesses = [];
    this.problems = [];
    this.server = createTcpServer({ allowHalfOpen: true, driver: 'worker' }, (connection) => {
      const number = this.witnesses.length;
      this.witnesses.push(new Witness(connection, new RandomStream(number), this));
    });
  }

  async begin() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.worker = this.fake.workers.at(-1);
  }

  open() {
    this.slots.push(this.worker.openConnection());
    this.sent.push(0);
  }

  /** The last connections opened are played with; a number names the same one while they last. */
  at(i) {
    return this.slots.length - 1 - (i % Math.max(1, this.slots.length));
  }

  /** Whether that connection is the one its slot has now. */
  isCurrent(n) {
    return n >= 0 && this.slots.lastIndexOf(this.slots[n]) === n;
  }

  receive(i, length) {
    const n = this.at(i);
    if (!this.isCurrent(n)) return;
    const before = this.worker.pending.length;
    this.worker.receive(this.slots[n], new RandomStream(n).slice(this.sent[n], length));
    if (this.worker.pending.length > before) this.sent[n] += length;
  }

  endOf(i) {
    const n = this.at(i);
    if (this.isCurrent(n)) this.worker.endOf(this.slots[n]);
  }

  deliver(max) {
    this.worker.deliver(max);
  }

  turn() {
    return turn();
  }

  refuse(which) {
    this.worker.refusals = which;
  }

  on(i, action) {
    const witness = this.witnesses[this.at(i)];
    if (witness !== undefined) action(witness);
  }

  write(i, length) {
    this.on(i, (witness) => witness.write(length));
  }

  end(i) {
    this.on(i, ({ connection }) => connection.end());
  }

  destroy(i) {
    this.on(i, ({ connection }) => connection.destroy());
  }

  pause(i) {
    this.on(i, ({ connection }) => connection.pause());
  }

  resume(i) {
    this.on(i, ({ connection }) => connection.resume());
  }

  throwAtNext(i) {
    this.on(i, (witness) => {
      witness.throws = true;
    });
  }

  /** Everything is delivered and read, then everything ends. */
  async finish() {
    for (const witness of this.witnesses) {
      witness.throws = false;
      witness.connection.resume();
    }
    await this.settle();
    this.check();
    let closed = false;
    this.server.once('close', () => {
      closed = true;
    });
    this.server.stop();
    await this.settle();
    for (const { message } of this.worker.thrown) assert.equal(message, 'of a handler');
    assert.equal(closed, true);
    for (const { closed: times, called, written } of this.witnesses) {
      assert.equal(times, 1);
      assert.equal(called, written);
    }
    assert.equal(this.worker.released, true);
    assert.deepEqual(this.problems, []);
    for (const { message } of this.worker.thrown) assert.equal(message, 'of a handler');
  }

  async settle() {
    for (let quiet = 0; quiet < 3; ) {
      this.worker.refusals = 0;
      this.worker.flush();
      quiet = this.worker.deliver(64) ? 0 : quiet + 1;
      await turn();
    }
  }

  check() {
    this.witnesses.forEach(({ connection, position, closed, called, written }, n) => {
      assert.ok(position <= this.sent[n]);
      assert.equal(called, written);
      assert.equal(closed, connection.destroyed ? 1 : 0);
      if (closed === 0) assert.equal(position, this.sent[n]);
    });
  }
}

describe('events in any order', function () {
  this.timeout(60000 * Number(process.env.SEARINGS_TEST_TIME_SCALE || 1));
  let fake;

  before(() => {
    fake = useFakeWorkers();
  });
  after(() => fake.undo());

  it('lose no byte, no end, no close and no callback, and bring none twice', async () => {
    const steps = fc.array(step, { minLength: 5, maxLength: 120, size: 'max' });
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const play = new Play(fake);
        await play.begin();
        play.open();
        for (const [name, ...args] of script) await play[name](...args);
        await play.finish();
      }),
      { numRuns: RUNS },
    );
  });
});
