'use strict';

/** What a server process tells about itself: CPU time per thread, and memory. */

const fs = require('node:fs');

const TASKS = '/proc/self/task';
const US_PER_TICK = 10_000; // USER_HZ is 100 on every Linux that Node supports
const WORKER_NAME = 'searings';

function read(path) {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch {
    return ''; // the file is not offered by this kernel, or the thread has just ended
  }
}

/**
 * CPU time of one thread in µs. The first two sources count nanoseconds but depend on the kernel's
 * configuration; the last is always there, in steps of 10 ms.
 */
function threadCpuUs(tid) {
  const schedstat = read(`${TASKS}/${tid}/schedstat`);
  if (schedstat) return Number(schedstat.split(' ')[0]) / 1e3;

  const runtime = /^se\.sum_exec_runtime\s*:\s*([\d.]+)/m.exec(read(`${TASKS}/${tid}/sched`));
  if (runtime) return Number(runtime[1]) * 1e3;

  // The name in parentheses may contain spaces; user and system time are fields 14 and 15.
  const stat = read(`${TASKS}/${tid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return stat ? (Number(fields[11]) + Number(fields[12])) * US_PER_TICK : 0;
}

/** CPU time in µs of the JS thread, the transport's worker, and all other threads together. */
function cpuByThread() {
  const cpuUs = { main: 0, worker: 0, other: 0 };
  for (const tid of fs.readdirSync(TASKS)) {
    const name = read(`${TASKS}/${tid}/comm`);
    const us = threadCpuUs(tid);
    if (Number(tid) === process.pid) cpuUs.main += us;
    else if (name.startsWith(WORKER_NAME)) cpuUs.worker += us;
    else cpuUs.other += us;
  }
  return cpuUs;
}

function readStats() {
  return {
    timeUs: Number(process.hrtime.bigint() / 1000n),
    cpuUs: cpuByThread(),
    rss: process.memoryUsage.rss(),
  };
}

/** Several passes, because finalizers and weak references free more in the turn after. */
function collectGarbage(callback, passes = 4) {
  if (!globalThis.gc) {
    callback(false);
    return;
  }
  globalThis.gc();
  if (passes > 1) setImmediate(collectGarbage, callback, passes - 1);
  else callback(true);
}

module.exports = { collectGarbage, readStats };
