'use strict';

/* Options of any kind: they are refused in JavaScript, or the core takes them. */

const assert = require('node:assert/strict');
const fc = require('fast-check');
const { createTcpServer, UringTcpEchoServer, UringTcpServer } = require('../..');
const { loadBinding } = require('../../lib/binding');
const { normalizeOptions, RAW_OPTIONS, TCP_OPTIONS } = require('../../lib/options');

const RUNS = Number(process.env.SEARINGS_FUZZ_RUNS || 300) * 10;
const CODES = new Set(['ERR_INVALID_ARG_TYPE', 'ERR_INVALID_ARG_VALUE', 'ERR_OUT_OF_RANGE']);
const names = Object.keys(RAW_OPTIONS);

/** Values that are valid for one option or another, their neighbours, and anything else. */
const value = fc.oneof(
  fc.constantFrom(-1, 0, 1, 7, 8, 15, 16, 63, 64, 4095, 4096, 32768, 32769, 65535, 65536, 1.5),
  fc.constantFrom(2 ** 20, 2 ** 20 + 1, 2 ** 24 + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 + 16, NaN, -0),
  fc.boolean(),
  fc.integer(),
  fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true }),
);
const options = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value, {
  maxKeys: 8,
});

/** Calls; an error must be one that tells the user what is wrong. @returns {boolean} whether it did */
function isTaken(call) {
  try {
    call();
    return true;
  } catch (error) {
    assert.ok(error instanceof TypeError || error instanceof RangeError, error);
    assert.ok(CODES.has(error.code), error);
    return false;
  }
}

function noop() {}

/** Rings of the largest size would only take time. */
function smaller(given) {
  const { commandQueueCapacity, eventQueueCapacity } = given;
  return {
    ...given,
    commandQueueCapacity: Math.min(commandQueueCapacity, 4096),
    eventQueueCapacity: Math.min(eventQueueCapacity, 4096),
  };
}

/** The two options that are about a card's queue go with a card alone. */
const WITHOUT_DEVICE = { zcrxWithoutDevice: true, zcrxRxQueue: 0, zcrxRxBufferSize: 0 };

describe('options of any kind', function () {
  this.timeout(60000 * Number(process.env.SEARINGS_TEST_TIME_SCALE || 1));

  for (const [name, make] of [
    ['createTcpServer', (given) => createTcpServer(given)],
    ['UringTcpServer', (given) => new UringTcpServer(given)],
    ['UringTcpEchoServer', (given) => new UringTcpEchoServer(given)],
  ]) {
    it(`${name} takes them, or says what is wrong`, () => {
      fc.assert(
        fc.property(fc.oneof(options, fc.anything()), (given) => {
          isTaken(() => make(given));
        }),
        { numRuns: RUNS },
      );
    });
  }

  /** By option: numbers within the range, with its ends; either boolean. */
  const valid = Object.fromEntries(
    Object.entries(RAW_OPTIONS)
      .filter(([, { kind }]) => kind === 'integer' || kind === 'boolean')
      .map(([name, { kind, min, max }]) => [
        name,
        kind === 'boolean'
          ? fc.boolean()
          : fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max })),
      ]),
  );
  valid.zcrxRxBufferSize = fc.constantFrom(0, 4096, 65536, 2 ** 20);
  delete valid.zcrxWithoutDevice; // one of the two is needed, and both are too much
  const where = fc.constantFrom({ zcrxInterfaceName: 'lo' }, WITHOUT_DEVICE);

  it('what is valid in JavaScript is valid in the core', () => {
    const { binding } = loadBinding();
    const records = new Int32Array(4 * binding.constants.RECORD_LENGTH);
    fc.assert(
      fc.property(fc.record(valid, { requiredKeys: [] }), where, (given, place) => {
        const complete = smaller(normalizeOptions({ ...given, ...place }, RAW_OPTIONS));
        binding.createTransport(complete, records, noop, noop, noop).release();
      }),
      { numRuns: RUNS / 10 },
    );
  });

  it('what the core is given that is of the wrong kind does not break it', () => {
    const { binding } = loadBinding();
    const records = new Int32Array(4 * binding.constants.RECORD_LENGTH);
    const anything = Object.fromEntries(Object.keys(TCP_OPTIONS).map((name) => [name, value]));
    const small = { commandQueueCapacity: fc.nat(64), eventQueueCapacity: fc.nat(64) };
    fc.assert(
      fc.property(fc.record({ ...anything, ...small }, { requiredKeys: [] }), (given) => {
        let made;
        try {
          made = binding.createTransport(given, records, noop, noop, noop);
        } catch (error) {
          assert.equal(error.code, 'EINVAL');
        }
        made?.release();
      }),
      { numRuns: RUNS / 10 },
    );
  });
});
