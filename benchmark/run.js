#!/usr/bin/env node
'use strict';

/**
 * Compares the searings transport with Node's own: the same program, the same load, taking turns, server and
 * generator on a CPU each. See README.md on how to read the result.
 */

const fs = require('node:fs');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { ensurePackages, hasProgram } = require('../scripts/lib/packages');
const { cases, methodOf } = require('./cases');
const { describeMachine, versionOfWrk } = require('./machine');
const { measure } = require('./measure');
const { USAGE, lengthOf, parseOptions } = require('./options');
const { PEERS, findPeers } = require('./peers');
const { Progress, brief } = require('./progress');
const { publish } = require('./publish');
const { DISTURBED, countRounds, judge, render, summarize } = require('./report');

/** How often a disturbed round is measured at most. */
const ATTEMPTS = 4;
const QUIET_DOWN_MS = 2000;
/** What there is so far: a run that is interrupted is not lost. */
const UNFINISHED = path.join(__dirname, '..', 'build', 'benchmark.json');

/** Measures again, within reason, while something else uses the two CPUs. */
async function measureUndisturbed(benchmark, kind, label, options, progress) {
  for (let attempt = 1; ; attempt++) {
    const sample = await measure(benchmark, kind, options);
    const disturbed = sample.foreign > DISTURBED;
    const share = disturbed ? `, others took ${Math.round(sample.foreign * 100)} % of a CPU` : '';
    const text = `${brief(sample)}${share}`;
    if (!disturbed || attempt === ATTEMPTS || progress.repeated >= options.repeats) {
      progress.finish(benchmark, options, label, text);
      return sample;
    }
    progress.repeat(`${label}: ${text}: once more`);
    await sleep(QUIET_DOWN_MS);
  }
}

async function measureOnce(benchmark, kind, label, options, progress, result) {
  try {
    result.samples.push(await measureUndisturbed(benchmark, kind, label, options, progress));
  } catch (error) {
    result.failures.push(error.message);
    progress.finish(benchmark, options, label, `failed: ${error.message}`);
  }
}

/** All rounds of one case. The servers take turns, and turns at going first. */
async function runCase({ name, benchmark, servers, rounds, options }, progress) {
  const results = Object.fromEntries(servers.map((kind) => [kind, { samples: [], failures: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (const kind of round % 2 ? [...servers].reverse() : servers) {
      const label = `${name} ${round + 1}/${rounds} ${kind}`;
      await measureOnce(benchmark, kind, label, options, progress, results[kind]);
    }
  }
  for (const result of Object.values(results)) result.summary = summarize(result.samples);
  const { title, load } = benchmark;
  const paced = load?.rate !== undefined || load?.mode === 'slow';
  return { title, section: sectionOf(name), base: servers[0], rounds, paced, servers: results };
}

function sectionOf(name) {
  const method = methodOf(cases[name]);
  if (method === 'idle' || name === 'slow') return 'memory';
  if (method === 'syscalls' || method === 'blocked') return method;
  return ['echo.js', 'bulk.js', 'broadcast.js'].includes(cases[name].program ?? 'echo.js')
    ? 'tcp'
    : 'http';
}

/** Which cases with which servers, how often: without those that cannot be measured here. */
function plan(options, absent) {
  return options.cases
    .filter((name) => !(methodOf(cases[name]) === 'syscalls' && absent.strace))
    .map((name) => {
      const benchmark = cases[name];
      const servers = (options.servers ?? benchmark.servers).filter((kind) => !absent[kind]);
      const { rounds, seconds } = lengthOf(name, options);
      const once = methodOf(benchmark) === 'syscalls';
      return {
        name,
        benchmark,
        servers,
        rounds: once ? 1 : rounds,
        options: { ...options, seconds },
      };
    });
}

/** What cannot be measured, and why. Looks only for what would be. */
function findAbsent(options, peers) {
  const used = options.cases.flatMap((name) => options.servers ?? cases[name].servers);
  const absent = {};
  for (const peer of PEERS) {
    if (used.includes(peer) && peers[peer].absent) absent[peer] = peers[peer].absent;
  }
  const traced = options.cases.some((name) => methodOf(cases[name]) === 'syscalls');
  if (traced && !hasProgram('strace')) absent.strace = 'the program strace is not installed';
  return absent;
}

function describeEnvironment(options, peers, steps) {
  const measured = new Set(steps.flatMap(({ servers }) => servers));
  const used = PEERS.filter((peer) => measured.has(peer));
  const versions = Object.fromEntries(used.map((peer) => [peer, peers[peer].version]));
  if (steps.some(({ benchmark }) => benchmark.wrk)) versions.wrk = versionOfWrk();
  const { command, rounds, seconds, others, warmup, serverCpu, loadCpu } = options;
  const run = { command, rounds, seconds, others, warmup, serverCpu, loadCpu };
  return { ...describeMachine(options.node), versions, ...run };
}

function save(file, report) {
  fs.writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
}

async function measureAll(options) {
  const peers = findPeers(options);
  const absent = findAbsent(options, peers);
  const steps = plan({ ...options, peers }, absent);
  const environment = describeEnvironment(options, peers, steps);

  const progress = new Progress();
  for (const [what, why] of Object.entries(absent)) progress.say(`without ${what}: ${why}`);
  for (const step of steps) {
    progress.plan(step.benchmark, step.options, step.servers.length * step.rounds);
  }
  progress.say(progress.describe());
  const measured = {};
  for (const step of steps) {
    measured[step.name] = await runCase(step, progress);
    save(UNFINISHED, { environment, absent, verdicts: judge(measured), cases: measured });
  }
  return { environment, absent, verdicts: judge(measured), cases: measured };
}

/** Figures of a machine that did something else are not for others to read. */
function publishTrusted(name, report) {
  const { rounds, disturbed } = countRounds(report);
  if (disturbed * 2 <= rounds) {
    publish(name, report);
    return;
  }
  process.stderr.write(`not saved: ${disturbed} of ${rounds} rounds were disturbed\n`);
  process.exitCode = 1;
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (options.cases.some((name) => methodOf(cases[name]) === 'wrk')) ensurePackages(['wrk']);
  const report = await measureAll(options);

  process.stdout.write(`${render(report)}\n`);
  if (options.json) save(options.json, report);
  if (options.save) publishTrusted(options.save, report);
  const failed = Object.values(report.cases).some(({ servers }) =>
    Object.values(servers).some(({ failures }) => failures.length > 0),
  );
  if (failed || (options.check && report.verdicts.some(({ met }) => !met))) process.exitCode = 1;
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exitCode = 2;
});
