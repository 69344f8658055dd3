'use strict';

/** wrk, the load generator whose figures count for HTTP, and which is not ours. */

const path = require('node:path');
const { collect, parseLine, pinned } = require('./processes');

const SCRIPT = path.join(__dirname, 'load', 'report.lua');
const GRACE_MS = 30_000;

/** The line that report.lua has printed. Throws when there is none, or when anything went wrong. */
function parseWrk(output) {
  const report = output
    .split('\n')
    .map((line) => (line.startsWith('{') ? parseLine(line) : null))
    .find((line) => line !== null);
  if (!report) throw new Error(`wrk printed no report: ${output.trim()}`);
  const errors = Object.entries(report.errors).filter(([, count]) => count > 0);
  if (errors.length > 0) {
    throw new Error(`wrk: ${errors.map(([what, count]) => `${count} × ${what}`).join(', ')}`);
  }
  if (report.requests === 0) throw new Error('wrk: no request was answered');
  return { ...report, rate: (report.requests * 1e6) / report.durationUs };
}

/** wrk counts in whole seconds. */
function wholeSeconds(seconds) {
  return Math.max(1, Math.round(seconds));
}

function wrkArgs({ connections }, url, seconds) {
  const numbers = ['-t1', `-c${connections}`, `-d${wholeSeconds(seconds)}s`];
  return [...numbers, '--latency', '-s', SCRIPT, url];
}

/** One run of wrk. @returns {Promise<object>} what parseWrk() makes of it */
function runWrk({ loadCpu }, settings, port, seconds) {
  const url = `${settings.secure ? 'https' : 'http'}://127.0.0.1:${port}/`;
  const args = wrkArgs(settings, url, seconds);
  const child = pinned(loadCpu, 'wrk', args, ['ignore', 'pipe', 'pipe']);
  const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000 + GRACE_MS);
  const output = collect(child.stdout);
  const complaints = collect(child.stderr);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code !== 0) {
        reject(new Error(`wrk ended with ${signal ?? code}: ${complaints.text.trim()}`));
        return;
      }
      try {
        resolve(parseWrk(output.text));
      } catch (error) {
        reject(error);
      }
    });
  });
}

module.exports = { parseWrk, runWrk, wholeSeconds };
