'use strict';

const { spawn } = require('node:child_process');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { fallsBack } = require('./backend');
const { seconds } = require('./scale');

const FALLBACK_WARNING =
  /^\(node:\d+\) \[SEARINGS_FALLBACK\].*\n(\(Use `node --trace-warnings.*\n)?/gm;

/**
 * Starts test/helpers/programs/<name>.js in a process of its own. Programs read one JSON argument
 * and print one JSON value per line. `handles` become its descriptors from 3 on.
 *
 * @returns {{child: import('node:child_process').ChildProcess, line: () => Promise<any>,
 *   exited: Promise<{code: number|null, signal: string|null, lines: any[], stderr: string}>}}
 *   `line()` gives the next value printed; `exited` resolves when the process is gone. A process
 *   that outlives the limit is killed, so that `signal` is 'SIGKILL'. On a kernel without io_uring
 *   the warning that there is none is not part of `stderr`.
 */
function startProgram(name, argument = {}, limitMs = seconds(30), handles = []) {
  const file = path.join(__dirname, 'programs', `${name}.js`);
  const child = spawn(process.execPath, [file, JSON.stringify(argument)], {
    stdio: ['ignore', 'pipe', 'pipe', ...handles],
    // Certificates of the system's, which Node reads at some time, take descriptors.
    env: { ...process.env, NODE_EXTRA_CA_CERTS: '' },
  });
  const killer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });

  const lines = [];
  let taken = 0;
  let wake = () => {};
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text));
    wake();
  });
  const exited = new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(killer);
      const said = fallsBack ? stderr.replace(FALLBACK_WARNING, '') : stderr;
      resolve({ code, signal, lines, stderr: said });
      wake();
    });
  });

  const line = async () => {
    while (lines.length <= taken) {
      if (child.stdout.closed) {
        throw new Error(`${name} ended without another line: ${stderr}`);
      }
      await new Promise((resolve) => {
        wake = resolve;
      });
    }
    return lines[taken++];
  };
  return { child, line, exited };
}

/** Runs a program to its end. */
function runProgram(name, argument, limitMs) {
  return startProgram(name, argument, limitMs).exited;
}

module.exports = { startProgram, runProgram };
