'use strict';

/*
 * The suites of the transport on other kernels, each piece in a virtual machine of its own. How a machine is
 * started is not ours: SEARINGS_KERNEL_RUNNER is a program that is called as
 *
 *   RUNNER -t SECONDS -w FOLDER VERSION COMMAND
 *
 * boots that kernel with this system's files, of which FOLDER can be written, runs the shell command as root
 * within so many seconds, prints its output, and ends with its exit status.
 *
 *   node scripts/kernels.js [6.1] [5.10] [6.12] [7.2] [6.18] [pieces...]
 *   node scripts/kernels.js --here PIECE      one piece, on the kernel that runs
 *
 * A machine may be emulated, where all takes ten times as long and more: SEARINGS_TEST_TIME_SCALE (20) is for each
 * test, SEARINGS_KERNEL_LIMIT_S (290) the seconds of a piece.
 */

const os = require('node:os');
const path = require('node:path');
const { bootstrap } = require('./bootstrap');
const { runCTests } = require('./lib/ctest');
const { runMocha, title } = require('./lib/mocha');
const { fail, root, run } = require('./lib/run');
const { KERNELS, versionOf } = require('../test/kernels/expected');

const LIMIT_S = Number(process.env.SEARINGS_KERNEL_LIMIT_S || 290);
const TIME_SCALE = process.env.SEARINGS_TEST_TIME_SCALE || '20';
/** A machine knows nothing of the environment in which it was started. */
const SETTINGS = `SEARINGS_KERNEL_LIMIT_S=${LIMIT_S} SEARINGS_TEST_TIME_SCALE=${TIME_SCALE}`;
/** C tests that need no ring: where there is none that suffices, these are left, and few enough for c1. */
const RINGLESS = '^(area|chunk|commands|events|http_parser|list|payload|slab|timer)_test$';

const SHARES = 4;
const inline = { SEARINGS_DRIVER: 'inline' };

/** What is run; each takes a machine of its own, and no more time than that has. */
const PIECES = {
  ladder: { files: ['kernels/ladder'] },
  data: { files: ['20-*', '21-*', '22-*', '40-*'] },
  paths: { files: ['80-*', '81-restricted-ring', '16-*'] },
  pressure: { files: ['30-*'] },
  inline: { files: ['20-*', '21-*', '22-*', '40-*', '80-*'], env: inline },
  raw: { files: ['70-*', '71-*', '72-*', '73-*'] },
  http: { files: ['81-http-server', '84-*', '85-*'] },
  sockets: { files: ['10-*', '11-*', '12-*', '14-*', '15-*', '23-*', '24-*', '25-*', '27-*'] },
  inlineRaw: { files: ['70-*', '71-*', '72-*', '81-http-server', '84-*'], env: inline },
  lives: { files: ['41-*', '50-*'] },
  exits: { files: ['51-*', '52-*'] },
  integrity: { files: ['31-*'] },
  rawIntegrity: { files: ['74-*'] },
  processes: { files: ['75-*'] },
  edges: { files: ['76-*', '82-*'] },
  zcrx: { files: ['kernels/zcrx'] },
  zcrxData: { files: ['20-*', '21-*', '22-*', '40-*'], zcrx: true },
  zcrxRaw: { files: ['70-*', '71-*', '72-*', '73-*'], zcrx: true },
  zcrxHttp: { files: ['81-http-server', '84-*', '85-*'], zcrx: true },
  c1: { share: 1 },
  c2: { share: 2 },
  c3: { share: 3 },
  c4: { share: 4 },
};

async function cTests(share, backend) {
  if (backend === 'net' && share > 1) return { passed: 0, failed: 0, names: [] };
  title(`C tests on ${os.release()}`);
  const which = backend === 'net' ? ['-R', RINGLESS] : ['-I', `${share},,${SHARES}`];
  // One at a time: emulated processors have enough to do.
  const args = ['--parallel', '1', '--timeout', String(LIMIT_S), ...which];
  return runCTests('release', { args });
}

/** Every server of these tests receives by RECV_ZC. */
const BY_ZCRX = ['--require', path.resolve(root, 'test/helpers/zcrx-everywhere.js')];

function mochaTests({ files: names, env, zcrx }, backend) {
  const files = names.map((name) => `test/${name}.test.js`);
  const settings = { SEARINGS_TEST_TRANSPORT: backend, SEARINGS_TEST_TIME_SCALE: TIME_SCALE };
  return runMocha(`mocha on ${os.release()}, ${backend}`, files, {
    env: { ...settings, ...env },
    args: zcrx ? BY_ZCRX : [],
    scale: Number(TIME_SCALE),
    limitMs: LIMIT_S * 1000,
  });
}

/** One piece on this kernel; the line of its counts comes last. */
async function here(name) {
  const { backend } = KERNELS[versionOf(os.release())];
  const piece = PIECES[name];
  const counts = await (piece.files ? mochaTests(piece, backend) : cTests(piece.share, backend));
  const { passed, failed, names } = counts;
  console.log(names.map((what) => `failed: ${what}\n`).join(''));
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
}

/** One piece in a machine. @returns {{version: string, piece: string, passed: number, failed: number}} */
function inMachine(runner, version, piece) {
  const command = `${SETTINGS} exec '${process.execPath}' scripts/kernels.js --here ${piece}`;
  const args = ['-t', String(LIMIT_S), '-w', root, version, command];
  const { ok, output, why } = run(runner, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  process.stdout.write(output);
  const [, passed, failed] = /^(\d+) passed, (\d+) failed\s*$/m.exec(output) ?? [null, 0, 0];
  if (!ok) console.log(why);
  return { version, piece, passed: Number(passed), failed: Math.max(Number(failed), ok ? 0 : 1) };
}

function main(args) {
  if (args[0] === '--here') return here(args[1]);
  const runner = process.env.SEARINGS_KERNEL_RUNNER;
  if (!runner) fail('SEARINGS_KERNEL_RUNNER names no program: see scripts/kernels.js');
  const known = [...Object.keys(KERNELS), ...Object.keys(PIECES)];
  const unknown = args.find((arg) => !known.includes(arg));
  if (unknown) fail(`'${unknown}' is none of ${known.join(', ')}`);
  const chosen = (from) => {
    const named = args.filter((arg) => arg in from);
    return named.length > 0 ? named : Object.keys(from);
  };
  bootstrap({ tests: true });
  const rows = chosen(KERNELS).flatMap((version) =>
    chosen(PIECES)
      .filter((piece) => !PIECES[piece].zcrx || KERNELS[version].withoutDevice === 'on')
      .map((piece) => inMachine(runner, version, piece)),
  );
  console.log();
  for (const { version, piece, passed, failed } of rows) {
    console.log(`${version.padEnd(5)} ${piece.padEnd(9)} ${passed} passed, ${failed} failed`);
  }
  const sum = (what) => rows.reduce((total, row) => total + row[what], 0);
  console.log(`\n${sum('passed')} passed, ${sum('failed')} failed`);
  process.exitCode = sum('failed') === 0 ? 0 : 1;
}

process.chdir(root);
main(process.argv.slice(2));
