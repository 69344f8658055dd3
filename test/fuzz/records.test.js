'use strict';

/* The record of a request, as the core lays it out: whatever it says is read as it was written. */

const assert = require('node:assert/strict');
const fc = require('fast-check');
const { Record } = require('../../lib/backend/http-record');
const { loadBinding } = require('../../lib/binding');

const { constants } = loadBinding().binding;
const RUNS = Number(process.env.SEARINGS_FUZZ_RUNS || 300) * 10;
const { HTTP_1_0, HTTP_COMPLETE, HTTP_KEEP_ALIVE, HTTP_RECORD_BYTES } = constants;

const byte = fc.integer({ min: 0, max: 255 });
const text = fc.array(byte, { maxLength: 60 }).map((bytes) => Buffer.from(bytes).latin1Slice());
const request = fc.record({
  seq: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  method: fc.integer({ min: 0, max: constants.METHODS.length - 1 }),
  flags: fc.integer({ min: 0, max: 511 }),
  headBytes: fc.integer({ min: 0, max: 2 ** 24 }),
  url: text,
  headers: fc.array(text, { maxLength: 60 }).map((texts) => texts.slice(texts.length % 2)),
  before: fc.integer({ min: 0, max: 20 }), // words
  behind: fc.integer({ min: 0, max: 20 }),
});

/** A slab with the record in it, between other bytes. */
function slabWith({ seq, method, flags, headBytes, url, headers, before, behind }) {
  const words = Uint32Array.of(seq, method, flags, headBytes, url.length, headers.length / 2);
  assert.equal(words.byteLength, HTTP_RECORD_BYTES);
  const lengths = Uint32Array.from(headers, ({ length }) => length);
  const texts = Buffer.from(url + headers.join(''), 'latin1');
  const parts = [Buffer.alloc(before * 4, 255), words, lengths, texts, Buffer.alloc(behind, 255)];
  const bytes = Buffer.concat(
    parts.map(({ buffer, byteOffset, byteLength }) => {
      return Buffer.from(buffer, byteOffset, byteLength);
    }),
  );
  const slab = Buffer.from(new ArrayBuffer((bytes.length + 3) & ~3));
  bytes.copy(slab);
  return slab;
}

describe('records of requests', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(request, (written) => {
        const read = new Record(slabWith(written), written.before * 4);
        assert.equal(read.seq, written.seq);
        assert.equal(read.method, constants.METHODS[written.method]);
        assert.equal(read.minor, written.flags & HTTP_1_0 ? 0 : 1);
        assert.equal(read.keepAlive, (written.flags & HTTP_KEEP_ALIVE) !== 0);
        assert.equal(read.complete, (written.flags & HTTP_COMPLETE) !== 0);
        assert.equal(read.headBytes, written.headBytes);
        assert.equal(read.url, written.url);
        assert.deepEqual(read.headers(), written.headers);
      }),
      { numRuns: RUNS },
    );
  });
});
