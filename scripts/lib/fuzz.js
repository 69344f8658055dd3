'use strict';

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { buildFolder } = require('./build');
const { root, say } = require('./run');

const SECONDS = 60;

/** @returns {Promise<string|null>} what went wrong with a target, or null */
function runTarget(folder, name, seconds) {
  const corpus = path.join(buildFolder('fuzz'), 'corpus', name);
  fs.mkdirSync(corpus, { recursive: true });
  say(`${name}: ${seconds} s`);
  const limits = [`-max_total_time=${seconds}`, '-timeout=20', `-artifact_prefix=${corpus}-`];
  const seeds = path.join(root, 'test', 'fuzz', 'seeds', name);
  const folders = fs.existsSync(seeds) ? [corpus, seeds] : [corpus];
  return new Promise((resolve) => {
    const child = spawn(path.join(folder, name), [...limits, ...folders], { cwd: root });
    const output = [];
    child.stdout.on('data', (data) => output.push(data));
    child.stderr.on('data', (data) => output.push(data));
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => {
      const text = `${Buffer.concat(output)}\n${name}: ended with ${signal ?? code}`;
      resolve(code === 0 ? null : text);
    });
  });
}

/**
 * Runs every libFuzzer target for a while, as many at once as there are processors. What made one fail is
 * kept, and named in the output.
 *
 * @param {string[]} args seconds for each target
 * @returns {Promise<{passed: number, failed: number}>} targets
 */
async function runFuzz([seconds = String(SECONDS)]) {
  const folder = path.join(buildFolder('fuzz'), 'fuzz');
  const names = fs.readdirSync(folder).filter((file) => file.endsWith('_fuzz'));
  const counts = { passed: 0, failed: 0 };
  const worker = async () => {
    while (names.length > 0) {
      const problem = await runTarget(folder, names.shift(), seconds);
      counts[problem === null ? 'passed' : 'failed'] += 1;
      if (problem !== null) console.log(problem);
    }
  };
  await Promise.all(os.cpus().map(worker));
  return counts;
}

module.exports = { runFuzz };
