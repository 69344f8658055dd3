'use strict';

/*
 * Mixed traffic against every kind of server for as long as you like: transfers whole, slow and large,
 * churn, HTTP, resets and peers that leave. At the end every byte is accounted for, nothing is left, and
 * the memory of the servers' process has not grown since it was warm.
 *
 *   npm run soak -- [--minutes 1] [--seed 1] [--idle 0] [--only calm,web] [--log samples.jsonl]
 */

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { appendFileSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { bootstrap } = require('../../scripts/bootstrap');
const { floors, judge, LONG, slope } = require('./verdict');

const MIB = 1024 * 1024;
const PROGRESS_EVERY = 10; // samples
const DESCRIPTORS_OF_TRAFFIC = 500; // and of Node

function start(name, argument) {
  const child = fork(path.join(__dirname, `${name}.js`), [JSON.stringify(argument)], {
    execArgv: ['--expose-gc'],
  });
  child.on('message', ({ failure }) => {
    if (failure) console.error(`${name}: ${failure}`);
  });
  return child;
}

/** The next message that has this property, or null when the process ends before. */
function next(child, property) {
  return new Promise((resolve) => {
    const onMessage = (message) => {
      if (message[property] !== undefined) settle(message[property]);
    };
    const settle = (value) => {
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(value);
    };
    const onExit = () => settle(null);
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

async function ask(servers) {
  const answer = next(servers, 'sample');
  servers.send({ command: 'sample' });
  return answer;
}

function progress(samples, minutes) {
  const { rss, live, connections, accepted, bytes } = samples.at(-1);
  const elapsed = (samples.length / 60).toFixed(1);
  console.log(
    `${elapsed} of ${minutes} min: RSS ${(rss / MIB).toFixed(1)} MiB, in use ${(live / MIB).toFixed(1)}, ` +
      `${connections} connections, ` +
      `${accepted} so far, ${(bytes / MIB / 1024).toFixed(2)} GiB`,
  );
}

async function soak({ minutes, seed, idle, only, log }) {
  const servers = start('servers', { seed, only });
  const ports = await next(servers, 'ports');
  if (ports === null) return { problems: ['the servers did not start'] };
  const before = await ask(servers);
  const clients = start('clients', { seed, minutes, ports, idle });
  if ((await next(clients, 'held')) === null) return { problems: ['the clients did not start'] };
  let held = await ask(servers);
  while (held.connections < idle) held = await ask(servers); // the last are on their way
  const samples = [];
  servers.on('message', ({ sample }) => {
    if (sample === undefined) return;
    samples.push(sample);
    if (log) appendFileSync(log, `${JSON.stringify(sample)}\n`);
    if (samples.length % PROGRESS_EVERY === 0) progress(samples, minutes);
  });
  clients.send({ go: true });
  const finished = await next(clients, 'finished');
  const ending = next(servers, 'ended');
  const exited = once(servers, 'exit');
  servers.send({ command: 'stop' });
  const ended = await ending;
  const [code] = await exited;
  return { finished, ended, code, samples, before, held };
}

function report({ finished, ended, samples, before, held }, { idle }) {
  const last = samples.at(-1);
  const activities = Object.entries(finished.done).map(([name, n]) => `${name} ${n}`);
  const bytes = Object.values(ended.infos).reduce(
    (sum, i) => sum + i.bytesReceived + i.bytesSent,
    0,
  );
  const accepted = Object.values(ended.infos).reduce((sum, i) => sum + i.connectionsAccepted, 0);
  console.log(
    `\n${accepted} connections, ${(bytes / MIB / 1024).toFixed(2)} GiB in both directions`,
  );
  console.log(`activities: ${activities.join(', ')}`);
  console.log(
    `RSS: ${(samples[0].rss / MIB).toFixed(1)} MiB at first, ${(last.rss / MIB).toFixed(1)} at last`,
  );
  if (samples.length >= LONG) {
    console.log(
      `its least grows by ${(slope(samples) / 1024).toFixed(1)} KiB/min in the second half`,
    );
  }
  const [first, late, end] = floors(samples, ended).map((bytes) => (bytes / MIB).toFixed(1));
  console.log(`in use, at least: ${first} MiB, ${late} later, ${end} after the end`);
  if (idle > 0) {
    const each = (name) => `${((held[name] - before[name]) / idle / 1024).toFixed(2)} KiB`;
    console.log(`${idle} idle connections: ${each('live')} in use each, ${each('rss')} of RSS`);
  }
}

/** Why so many idle connections cannot be held here, or null. */
function lacksDescriptors(idle) {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const limit = Number(/Max open files +\d+ +(\d+)/.exec(limits)[1]); // Node raises its own to this
  const needed = idle + DESCRIPTORS_OF_TRAFFIC;
  if (limit >= needed) return null;
  return (
    `${idle} idle connections need ${needed} descriptors in each of two processes, and the limit ` +
    `(RLIMIT_NOFILE) is ${limit}: raise it with ulimit -n ${needed}, or hold fewer`
  );
}

async function main() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      idle: { type: 'string', default: '0' },
      only: { type: 'string', default: '' },
      log: { type: 'string', default: '' },
    },
  });
  const wanted = {
    minutes: Number(values.minutes),
    seed: Number(values.seed),
    idle: Number(values.idle),
    only: values.only.split(',').filter((name) => name !== ''),
    log: values.log,
  };
  const lacking = lacksDescriptors(wanted.idle);
  if (lacking !== null) {
    console.error(lacking);
    process.exitCode = 1;
    return;
  }
  bootstrap();
  console.log(
    `soak: ${wanted.minutes} minutes, seed ${wanted.seed}, ${wanted.idle} idle connections`,
  );
  const result = await soak(wanted);
  const verdicts = judge(result);
  if (result.finished && result.ended) report(result, wanted);
  for (const { what, problems } of verdicts) {
    console.log(`${problems.length === 0 ? 'ok' : 'FAILED'}: ${what}`);
    for (const problem of problems) console.log(`  ${problem}`);
  }
  const failed = verdicts.filter(({ problems }) => problems.length > 0).length;
  console.log(`\n${verdicts.length - failed} passed, ${failed} failed`);
  if (process.env.SEARINGS_TEST_TOTALS) {
    appendFileSync(process.env.SEARINGS_TEST_TOTALS, `${verdicts.length - failed} ${failed}\n`);
  }
  process.exitCode = failed === 0 ? 0 : 1;
}

main();
