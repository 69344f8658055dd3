#!/usr/bin/env node
'use strict';

/**
 * Compares the searings transport with node:net: the same program, the same load, taking turns,
 * server and generator on a CPU each. See README.md on how to read the result.
 */

const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { cases } = require('./cases');
const { describeMachine } = require('./machine');
const { measure } = require('./measure');
const { SERVERS_COMPARED, USAGE, parseOptions } = require('./options');
const { DISTURBED, judge, render, summarize } = require('./report');

/** How often a disturbed round is measured at most. */
const ATTEMPTS = 4;
const QUIET_DOWN_MS = 2000;

function progress(text) {
  process.stderr.write(`${text}\n`);
}

function brief(sample) {
  if (sample.rate === undefined) {
    return `${(sample.rssPerConnection / 1024).toFixed(2)} KiB per connection`;
  }
  return `${Math.round(sample.rate)}/s, p99 ${Math.round(sample.p99)} µs`;
}

/** Measures again, within reason, while something else uses the two CPUs. */
async function measureUndisturbed(name, kind, label, options) {
  for (let attempt = 1; ; attempt++) {
    const sample = await measure(cases[name], kind, options);
    const disturbed = sample.foreign > DISTURBED;
    const share = disturbed ? `, others took ${Math.round(sample.foreign * 100)} % of a CPU` : '';
    progress(`${label}: ${brief(sample)}${share}`);
    if (!disturbed || attempt === ATTEMPTS) return sample;
    await sleep(QUIET_DOWN_MS);
  }
}

async function measureOnce(name, kind, round, options, result) {
  const label = `${name} ${round + 1}/${options.rounds} ${kind}`;
  try {
    result.samples.push(await measureUndisturbed(name, kind, label, options));
  } catch (error) {
    result.failures.push(error.message);
    progress(`${label}: failed: ${error.message}`);
  }
}

/** All rounds of one case. The servers take turns, and turns at going first. */
async function runCase(name, options) {
  const results = {};
  const servers = options.servers ?? cases[name].servers ?? SERVERS_COMPARED;
  for (const kind of servers) results[kind] = { samples: [], failures: [] };
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 ? [...servers].reverse() : servers;
    for (const kind of order) await measureOnce(name, kind, round, options, results[kind]);
  }
  for (const result of Object.values(results)) result.summary = summarize(result.samples);
  return results;
}

function describeEnvironment(options) {
  return {
    ...describeMachine(options.node),
    rounds: options.rounds,
    seconds: options.seconds,
    warmup: options.warmup,
    serverCpu: options.serverCpu,
    loadCpu: options.loadCpu,
  };
}

async function main() {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  const environment = describeEnvironment(options);
  const results = {};
  for (const name of options.cases) results[name] = await runCase(name, options);

  const verdicts = judge(results);
  process.stdout.write(`${render(results, environment)}\n`);
  if (options.json) {
    const everything = { environment, results, verdicts };
    fs.writeFileSync(options.json, `${JSON.stringify(everything, null, 2)}\n`);
  }
  const failed = Object.values(results).some((servers) =>
    Object.values(servers).some(({ failures }) => failures.length > 0),
  );
  if (failed || (options.check && verdicts.some(({ met }) => !met))) process.exitCode = 1;
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
});
