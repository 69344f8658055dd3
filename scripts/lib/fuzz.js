'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { buildFolder } = require('./build');
const { run, say } = require('./run');

const SECONDS = 10;

/**
 * Runs every libFuzzer target for a while. What made one fail is kept, and named in the output.
 *
 * @param {string[]} args seconds for each target
 * @returns {{passed: number, failed: number}} targets
 */
function runFuzz([seconds = String(SECONDS)]) {
  const folder = path.join(buildFolder('fuzz'), 'fuzz');
  const counts = { passed: 0, failed: 0 };
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('_fuzz'))) {
    const corpus = path.join(buildFolder('fuzz'), 'corpus', name);
    fs.mkdirSync(corpus, { recursive: true });
    say(`${name}: ${seconds} s`);
    const limits = [`-max_total_time=${seconds}`, '-timeout=20', `-artifact_prefix=${corpus}-`];
    const { ok, output, why } = run(path.join(folder, name), [...limits, corpus]);
    counts[ok ? 'passed' : 'failed'] += 1;
    if (!ok) console.log(`${output}\n${name}: ${why}`);
  }
  return counts;
}

module.exports = { runFuzz };
