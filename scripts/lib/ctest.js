'use strict';

const fs = require('node:fs');
const os = require('node:os');
const { buildFolder } = require('./build');
const { start } = require('./run');

// ThreadSanitizer of this compiler generation cannot place its shadow under more random bits.
const TSAN_RANDOM_BITS = 28;

function randomBits() {
  const file = '/proc/sys/vm/mmap_rnd_bits';
  return fs.existsSync(file) ? Number(fs.readFileSync(file, 'utf8')) : 0;
}

function command(flavour, args) {
  const ctest = [
    'ctest',
    '--test-dir',
    buildFolder(flavour),
    '--verbose',
    '--no-tests=error',
    // Most of them wait most of the time.
    ...['--parallel', String(2 * os.availableParallelism())],
    ...['--timeout', '120'],
    ...args,
  ];
  const still = flavour === 'tsan' && randomBits() > TSAN_RANDOM_BITS;
  return still ? ['setarch', os.machine(), '--addr-no-randomize', ...ctest] : ctest;
}

/** Test cases per executable, from cmocka's own summary lines. */
function countCases(lines) {
  const sum = (word) =>
    lines
      .map((line) => line.match(/\[ {2}(\w+) *\] (\d+) test\(s\)/))
      .filter((match) => match && match[1] === word)
      .reduce((total, match) => total + Number(match[2]), 0);
  return { passed: sum('PASSED'), failed: sum('FAILED') };
}

/**
 * Reads `ctest --verbose`: every output line of test 7 starts with `7: `, and its end is a line
 * `1/9 Test #7: name ....   Passed`. An executable that fails without a failing case (it crashed,
 * leaked, raced or took too long) counts as one failure.
 */
function readResults(output) {
  const lines = output.split('\n');
  const total = { passed: 0, failed: 0, broken: [] };
  for (const line of lines) {
    const end = line.match(/^ *\d+\/\d+ Test +#(\d+): (\S+) \.*(.*)$/);
    if (!end) {
      continue;
    }
    const [, number, name, verdict] = end;
    const own = lines.filter((text) => text.startsWith(`${number}: `));
    const { passed, failed } = countCases(own);
    const ok = /Passed/.test(verdict);
    total.passed += passed;
    total.failed += ok ? 0 : Math.max(failed, 1);
    if (!ok) {
      total.broken.push({ name, verdict: verdict.trim(), output: own.join('\n') });
    }
  }
  return total;
}

/**
 * Runs the C tests of a flavour; prints only what failed.
 *
 * @returns {Promise<{passed: number, failed: number, names: string[]}>}
 */
async function runCTests(flavour, { env = {}, args = [] } = {}) {
  const [program, ...rest] = command(flavour, args);
  const result = await start(program, rest, { env: { ...process.env, ...env } });
  const { passed, failed, broken } = readResults(result.output);
  for (const { name, verdict, output } of broken) {
    console.log(`${output}\n${name}: ${verdict}\n`);
  }
  if (!result.ok && broken.length === 0) {
    console.log(`${result.output}\n${result.why}`);
    return { passed, failed: failed + 1, names: [result.why] };
  }
  return { passed, failed, names: broken.map(({ name, verdict }) => `${name}: ${verdict}`) };
}

module.exports = { runCTests, readResults };
