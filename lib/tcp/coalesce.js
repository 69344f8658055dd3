'use strict';

const SMALL_CHUNK = 2048;
const COALESCED_MAX = 65536;

/** The only chunk with bytes, as of an HTTP response: its end is an empty chunk. */
function theOnly(entries) {
  let found = entries[0].chunk;
  for (let i = 1; i < entries.length; i++) {
    if (entries[i].chunk.length === 0) continue;
    if (found.length > 0) return null;
    found = entries[i].chunk;
  }
  return found;
}

/**
 * Joins runs of small chunks: one copy of a few hundred bytes is cheaper than another buffer to send.
 *
 * @param {{chunk: Buffer}[]} entries as the Duplex hands them to _writev
 * @returns {Buffer[]}
 */
function coalesce(entries) {
  const only = theOnly(entries);
  if (only !== null) return [only];
  const buffers = [];
  let run = [];
  let runBytes = 0;
  const endRun = () => {
    if (run.length === 1) buffers.push(run[0]);
    else if (run.length > 1) buffers.push(Buffer.concat(run, runBytes));
    run = [];
    runBytes = 0;
  };
  for (const { chunk } of entries) {
    if (chunk.length >= SMALL_CHUNK) {
      endRun();
      buffers.push(chunk);
      continue;
    }
    if (runBytes + chunk.length > COALESCED_MAX) endRun();
    run.push(chunk);
    runBytes += chunk.length;
  }
  endRun();
  return buffers;
}

module.exports = { coalesce };
