'use strict';

// Sends streams of bytes to test/zcrx/run.js, which answers each with the digest of what it got.

const { createHash } = require('node:crypto');
const net = require('node:net');
const { text } = require('node:stream/consumers');
const { Readable } = require('node:stream');
const { pipeline } = require('node:stream/promises');

const [host, port, connections, bytes] = process.argv.slice(2);
const PIECE = 256 * 1024;

/** Bytes that differ wherever pieces could have been mixed up, and between connections. */
function* stream(seed, hash) {
  let word = seed + 1;
  for (let sent = 0; sent < Number(bytes); sent += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE, Number(bytes) - sent));
    for (let at = 0; at + 4 <= piece.length; at += 4) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      piece.writeUInt32LE(word, at);
    }
    hash.update(piece);
    yield piece;
  }
}

async function send(seed) {
  const socket = net.connect({ host, port: Number(port), allowHalfOpen: true });
  const hash = createHash('sha256');
  const answer = text(socket);
  await pipeline(Readable.from(stream(seed, hash)), socket, { end: true }).catch((error) => {
    if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  });
  return (await answer) === hash.digest('hex');
}

async function main() {
  const all = Array.from({ length: Number(connections) }, (_none, seed) => send(seed));
  const right = (await Promise.all(all)).filter(Boolean).length;
  console.log(`${right} of ${connections} streams of ${bytes} bytes arrived whole`);
  process.exitCode = right === Number(connections) ? 0 : 1;
}

main();
