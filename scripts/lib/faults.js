'use strict';

const { spawn } = require('node:child_process');
const os = require('node:os');
const path = require('node:path');
const { buildFolder } = require('./build');
const { fail, say } = require('./run');

const RUNS = 10000;
const RUNS_OF_A_PROCESS = 500;
const PROCESS_LIMIT_MS = 10 * 60 * 1000;

/** @returns {Promise<string|null>} what went wrong with the seeds from `first` on, or null */
function runSeeds(program, first, runs) {
  return new Promise((resolve) => {
    const env = { ...process.env, SEARINGS_FAULT_SEED: first, SEARINGS_FAULT_RUNS: runs };
    const child = spawn(program, { env, timeout: PROCESS_LIMIT_MS, killSignal: 'SIGABRT' });
    const output = [];
    child.stdout.on('data', (data) => output.push(data));
    child.stderr.on('data', (data) => output.push(data));
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      const text = `${Buffer.concat(output)}\nseeds from ${first} on: ended with ${signal ?? code}`;
      resolve(code === 0 ? null : text);
    });
  });
}

/** A whole number of the command line. */
function number(text, otherwise) {
  const value = text === undefined ? otherwise : Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    fail(`not a number of runs or a seed: ${text}`);
  }
  return value;
}

/**
 * The seeded fault runs, on all processors.
 *
 * @param {string[]} args how many runs, 10,000 if not said; the first seed, 1 if not said
 * @returns {Promise<{passed: number, failed: number}>} runs; a group that fails is not finished
 */
async function runFaults([runsText, firstText]) {
  const runs = number(runsText, RUNS);
  const program = path.join(buildFolder('release'), 'ctests', 'faults_seeded_test');
  const counts = { passed: 0, failed: 0 };
  let next = number(firstText, 1);
  const end = next + runs;
  const worker = async () => {
    while (next < end) {
      const first = next;
      const n = Math.min(RUNS_OF_A_PROCESS, end - first);
      next += n;
      const problem = await runSeeds(program, first, n);
      counts.passed += problem === null ? n : 0;
      counts.failed += problem === null ? 0 : 1;
      if (problem !== null) console.log(problem);
      say(`${counts.passed} of ${runs} runs`);
    }
  };
  await Promise.all(os.cpus().map(worker));
  return counts;
}

module.exports = { runFaults };
