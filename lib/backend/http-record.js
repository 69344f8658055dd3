'use strict';

const { loadBinding } = require('../binding');

const { constants } = loadBinding().binding;
const { HTTP_KEEP_ALIVE, HTTP_1_0, HTTP_COMPLETE, HTTP_RECORD_BYTES, METHODS } = constants;

const WORDS = HTTP_RECORD_BYTES / 4;
const METHOD = 1; // the words of a sea_http_record_t
const FLAGS = 2;
const HEAD_BYTES = 3;
const URL_BYTES = 4;
const COUNT = 5;

const wordsOf = new WeakMap(); // by slab
let lastSlab = null;
let lastWords = null;

/** A slab as 32-bit numbers, which is how records begin. */
function wordsOfSlab(slab) {
  if (slab === lastSlab) return lastWords;
  let words = wordsOf.get(slab);
  if (words === undefined) {
    words = new Int32Array(slab.buffer, slab.byteOffset, slab.length >> 2);
    wordsOf.set(slab, words);
  }
  lastSlab = slab;
  lastWords = words;
  return words;
}

/** The record of a request, as the worker has left it in a slab. */
class Record {
  constructor(slab, at) {
    const words = wordsOfSlab(slab);
    const word = at >> 2;
    const flags = words[word + FLAGS];
    this.slab = slab;
    this.words = words;
    this.word = word;
    this.seq = words[word] >>> 0;
    this.flags = flags;
    this.method = METHODS[words[word + METHOD]];
    this.minor = flags & HTTP_1_0 ? 0 : 1;
    this.keepAlive = (flags & HTTP_KEEP_ALIVE) !== 0;
    this.complete = (flags & HTTP_COMPLETE) !== 0;
    this.headBytes = words[word + HEAD_BYTES];
    this.count = words[word + COUNT];
    const textAt = at + HTTP_RECORD_BYTES + 8 * this.count;
    this.headersAt = textAt + words[word + URL_BYTES];
    this.url = slab.latin1Slice(textAt, this.headersAt);
  }

  /** Names and values in turn, cut out of one string: that is far cheaper than decoding each. */
  headers() {
    const { slab, words, headersAt } = this;
    const at = this.word + WORDS;
    const raw = new Array(2 * this.count);
    let length = 0;
    for (let i = 0; i < raw.length; i++) length += words[at + i];
    const text = slab.latin1Slice(headersAt, headersAt + length);
    let start = 0;
    for (let i = 0; i < raw.length; i++) {
      const end = start + words[at + i];
      raw[i] = text.slice(start, end);
      start = end;
    }
    return raw;
  }
}

module.exports = { Record };
