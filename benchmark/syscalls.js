'use strict';

/**
 * System calls per message, counted by strace while sea_load runs. A traced process is stopped twice per
 * call, so this is a run by itself, of which nothing but the numbers of calls is kept.
 */

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { ServerProcess, startLoad } = require('./processes');

const SECONDS = 2;
const ATTACH_MS = 10_000;

/** @returns {Record<string, number>} calls by name, from the table that `strace -c` writes */
function parseStrace(text) {
  const calls = {};
  for (const line of text.split('\n')) {
    const match = /^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)\s*$/.exec(line);
    if (match && match[2] !== 'total') calls[match[2]] = Number(match[1]);
  }
  return calls;
}

/** Attaches strace to a process and all its threads. */
async function attach(pid, file) {
  const child = spawn('strace', ['-f', '-c', '-o', file, '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const lines = readline.createInterface({ input: child.stderr });
  const timer = setTimeout(() => child.kill('SIGKILL'), ATTACH_MS);
  const complaint = await new Promise((resolve, reject) => {
    child.once('error', reject);
    lines.once('line', (line) => resolve(line.includes('attached') ? null : line));
    lines.once('close', () => resolve('strace ended'));
  });
  clearTimeout(timer);
  if (complaint) throw new Error(complaint);
  return async () => {
    child.kill('SIGINT');
    await ended;
    return parseStrace(fs.readFileSync(file, 'utf8'));
  };
}

/** @returns {Promise<{syscalls: number, byCall: Record<string, number>}>} per message */
async function measureSyscalls(benchmark, kind, options) {
  const { program, args } = benchmark;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-strace-'));
  const server = await ServerProcess.start(kind, { ...options, program, args });
  try {
    const detach = await attach(server.pid, path.join(folder, 'calls'));
    const settings = { ...benchmark.load, seconds: SECONDS, warmup: 0 };
    const { messages } = await startLoad(options, server.port, settings).result;
    const calls = await detach();
    const byCall = Object.fromEntries(
      Object.entries(calls).map(([name, count]) => [name, count / messages]),
    );
    return { syscalls: Object.values(byCall).reduce((sum, n) => sum + n, 0), byCall, messages };
  } finally {
    await server.stop();
    fs.rmSync(folder, { recursive: true });
  }
}

module.exports = { measureSyscalls, parseStrace };
