'use strict';

const assert = require('node:assert/strict');
const { MIB } = require('./scale');

// A prime, so that no buffer or chunk size divides it: a lost or repeated piece never lines up.
const PERIOD = 1048573;
const LARGEST_SLICE = MIB;

/** A small seeded generator (mulberry32): @returns {() => number} values in [0, 1) */
function createRandom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** @returns {number} an integer in [low, high] whose magnitude is uniform: small ones are common */
function randomSize(random, low, high) {
  return Math.min(high, Math.floor(low * (high / low + 1) ** random()));
}

const block = createBlock();

function createBlock() {
  const bytes = Buffer.allocUnsafe(PERIOD + LARGEST_SLICE);
  const random = createRandom(20240229);
  for (let i = 0; i < PERIOD; i++) {
    bytes[i] = random() * 256;
  }
  bytes.copy(bytes, PERIOD, 0, LARGEST_SLICE);
  return bytes;
}

/**
 * An endless stream of random bytes, different for every seed, any part of which can be named by
 * its position. Slices are views of one shared block, so a run of gigabytes needs no memory.
 */
class RandomStream {
  constructor(seed) {
    this.offset = Math.floor(createRandom(seed)() * PERIOD);
  }

  /** @returns {Buffer} `length` (at most 1 MiB) bytes from `position` on; not to be written to */
  slice(position, length) {
    assert.ok(length <= LARGEST_SLICE);
    const start = (this.offset + position) % PERIOD;
    return block.subarray(start, start + length);
  }

  /** @returns {Buffer} any number of bytes from the start, as memory of its own */
  bytes(length) {
    const result = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; done += LARGEST_SLICE) {
      this.slice(done, Math.min(LARGEST_SLICE, length - done)).copy(result, done);
    }
    return result;
  }
}

/** Compares what arrives with what a RandomStream of the same seed says, byte by byte. */
class RandomCheck {
  constructor(seed) {
    this.stream = new RandomStream(seed);
    this.position = 0;
  }

  /** Takes the next chunk; throws with the position of the first wrong byte. */
  push(chunk) {
    for (let done = 0; done < chunk.length; done += LARGEST_SLICE) {
      const part = chunk.subarray(done, done + LARGEST_SLICE);
      const expected = this.stream.slice(this.position, part.length);
      if (!expected.equals(part)) {
        const at = expected.findIndex((byte, index) => byte !== part[index]);
        throw new Error(`wrong byte at position ${this.position + at}`);
      }
      this.position += part.length;
    }
  }
}

module.exports = { createRandom, randomSize, RandomStream, RandomCheck };
