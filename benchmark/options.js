'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { cases, servers, suites } = require('./cases');

const USAGE = `usage: node benchmark/run.js [options]
  --suite NAME         ${Object.keys(suites).join(', ')} (main)
  --case NAME[,NAME]   some cases instead: ${Object.keys(cases).join(', ')}
  --servers NAME,...   these servers instead of those of each case, the first being the base:
                       ${servers.join(', ')};
                       searings and raw with options: searings@bufferSize=4096+eventBatchSize=16
  --rounds N           interleaved rounds (5; cases that are not in main: 3)
  --seconds S          measured time per round (3; full: 2; not in main: 2; full: 1)
  --warmup S           time before it (1; full: 0.5)
  --quick              2 rounds of 0.5 second (wrk: 1), 0.3 second warm-up
  --node PATH          Node executable of the servers (this one)
  --peers DIR          where the npm packages bun and uws-pack are installed
  --uws-node PATH      Node executable for uWebSockets.js
  --load PATH          load generator (build/release/sea_load)
  --server-cpu N       CPU of the server, all its threads (0); any: not pinned
  --load-cpu N         CPU of the generator (1)
  --save NAME          benchmark/results/NAME.json, .md and .svg, and what the README shows of it
  --json FILE          write everything measured
  --check              exit with 1 when a threshold is missed`;

const ROOT = path.join(__dirname, '..');
const PRESETS = {
  usual: { rounds: 5, seconds: 3, warmup: 1, repeats: 0.2, others: { rounds: 3, seconds: 2 } },
  full: { rounds: 5, seconds: 2, warmup: 0.5, repeats: 0.2, others: { rounds: 3, seconds: 1 } },
  quick: { rounds: 2, seconds: 0.5, warmup: 0.3, repeats: 0, others: { rounds: 2, seconds: 0.5 } },
};
/** Options whose values say where something is on this machine, and nothing about the run. */
const PATHS = ['node', 'peers', 'uws-node', 'load', 'json'];

const text = (value) => ({ type: 'string', ...(value === undefined ? {} : { default: value }) });
const flag = { type: 'boolean', default: false };
const SPEC = {
  suite: text('main'),
  case: text(),
  servers: text(),
  rounds: text(),
  seconds: text(),
  warmup: text(),
  quick: flag,
  node: text(process.execPath),
  peers: text(),
  'uws-node': text(),
  load: text(path.join(ROOT, 'build', 'release', 'sea_load')),
  'server-cpu': text('0'),
  'load-cpu': text('1'),
  save: text(),
  json: text(),
  check: flag,
  help: flag,
};

function number(values, name, { min, max, integer = false }) {
  const value = Number(values[name]);
  if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
    throw new RangeError(`--${name} ${values[name]}: expected a number from ${min} to ${max}`);
  }
  return value;
}

function names(list, option, known) {
  for (const name of list) {
    if (!known.includes(name.split('@')[0])) {
      throw new RangeError(`--${option} ${name}: expected ${known.join(', ')}`);
    }
  }
  return [...new Set(list)];
}

function casesOf({ suite, case: some }) {
  if (some !== undefined) return names(some.split(','), 'case', Object.keys(cases));
  names([suite], 'suite', Object.keys(suites));
  return suites[suite];
}

function presetOf({ quick, suite }) {
  if (quick) return PRESETS.quick;
  return PRESETS[suite] ?? PRESETS.usual;
}

function length(values) {
  return {
    rounds: number(values, 'rounds', { min: 1, max: 100, integer: true }),
    seconds: number(values, 'seconds', { min: 0.1, max: 300 }),
  };
}

/** The command line, without where things are on this machine. */
function commandOf(argv) {
  const shown = argv.map((word, i) => (PATHS.includes(argv[i - 1]?.slice(2)) ? '…' : word));
  return ['node benchmark/run.js', ...shown].join(' ');
}

/** Turns the command line into a complete set of options, or throws saying what is wrong. */
function parseOptions(argv) {
  const { values } = parseArgs({ args: argv, options: SPEC });
  if (values.help) return { help: true };

  const preset = presetOf(values);
  const merged = { ...preset, ...values };
  const others = { ...merged, ...preset.others, ...values };
  const cpu = { min: 0, max: 1023, integer: true };
  const options = {
    cases: casesOf(values),
    servers: values.servers ? names(values.servers.split(','), 'servers', servers) : null,
    ...length(merged),
    others: length(others),
    warmup: number(merged, 'warmup', { min: 0, max: 60 }),
    repeats: merged.repeats, // the share of measurements that may be done again when disturbed
    serverCpu: values['server-cpu'] === 'any' ? null : number(merged, 'server-cpu', cpu),
    loadCpu: number(merged, 'load-cpu', cpu),
    node: values.node,
    peers: values.peers,
    uwsNode: values['uws-node'],
    load: values.load,
    save: values.save,
    json: values.json,
    check: values.check,
    command: commandOf(argv),
  };
  if (options.save !== undefined && !/^[\w-]+$/.test(options.save)) {
    throw new RangeError(`--save ${options.save}: expected letters, digits and hyphens`);
  }
  if (!fs.existsSync(options.load)) {
    throw new Error(
      `no load generator at ${options.load}: build the project first (npm run build)`,
    );
  }
  return options;
}

/** How often and how long a case is measured: those of main, which have thresholds, more thoroughly. */
function lengthOf(name, { rounds, seconds, others }) {
  return suites.main.includes(name) ? { rounds, seconds } : others;
}

module.exports = { USAGE, commandOf, lengthOf, parseOptions };
