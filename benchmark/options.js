'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { cases } = require('./cases');

const USAGE = `usage: node benchmark/run.js [options]
  --case NAME[,NAME]   ${Object.keys(cases).join(', ')} or all (default)
  --servers NAME,...   net,searings (default), inline, raw, batch, echo, bundle, incremental,
                       zero-copy, registered; one name measures it alone
  --rounds N           interleaved rounds per case (5)
  --seconds S          measured time per round (3)
  --warmup S           time before it (1)
  --quick              2 rounds of 1 second, 0.5 second warm-up
  --node PATH          Node executable of the servers (this one)
  --load PATH          load generator (build/release/sea_load)
  --server-cpu N       CPU of the server, all its threads (0); any: not pinned
  --load-cpu N         CPU of the generator (1)
  --json FILE          write everything measured
  --check              exit with 1 when a threshold is missed`;

const ROOT = path.join(__dirname, '..');
const PRESETS = {
  full: { rounds: 5, seconds: 3, warmup: 1 },
  quick: { rounds: 2, seconds: 1, warmup: 0.5 },
};
const FAST_PATHS = ['bundle', 'incremental', 'zero-copy', 'registered'];
const SERVERS = ['net', 'searings', 'inline', 'raw', 'batch', 'echo', ...FAST_PATHS];
const SERVERS_COMPARED = ['net', 'searings'];

const SPEC = {
  case: { type: 'string', default: 'all' },
  servers: { type: 'string' },
  rounds: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  quick: { type: 'boolean', default: false },
  node: { type: 'string', default: process.execPath },
  load: { type: 'string', default: path.join(ROOT, 'build', 'release', 'sea_load') },
  'server-cpu': { type: 'string', default: '0' },
  'load-cpu': { type: 'string', default: '1' },
  json: { type: 'string' },
  check: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
};

function number(values, name, { min, max, integer = false }) {
  const value = Number(values[name]);
  if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
    throw new RangeError(`--${name} ${values[name]}: expected a number from ${min} to ${max}`);
  }
  return value;
}

function names(text, option, known) {
  const list = text.split(',');
  for (const name of list) {
    if (!known.includes(name)) {
      throw new RangeError(`--${option} ${name}: expected ${known.join(', ')}`);
    }
  }
  return [...new Set(list)];
}

/** Turns the command line into a complete set of options, or throws saying what is wrong. */
function parseOptions(argv) {
  const { values } = parseArgs({ args: argv, options: SPEC });
  if (values.help) return { help: true };

  const merged = { ...(values.quick ? PRESETS.quick : PRESETS.full), ...values };
  const all = Object.keys(cases);
  const options = {
    cases: values.case === 'all' ? all : names(values.case, 'case', all),
    servers: values.servers === undefined ? null : names(values.servers, 'servers', SERVERS),
    rounds: number(merged, 'rounds', { min: 1, max: 100, integer: true }),
    seconds: number(merged, 'seconds', { min: 0.1, max: 300 }),
    warmup: number(merged, 'warmup', { min: 0, max: 60 }),
    serverCpu:
      values['server-cpu'] === 'any'
        ? null
        : number(merged, 'server-cpu', { min: 0, max: 1023, integer: true }),
    loadCpu: number(merged, 'load-cpu', { min: 0, max: 1023, integer: true }),
    node: values.node,
    load: values.load,
    json: values.json,
    check: values.check,
  };
  if (!fs.existsSync(options.load)) {
    throw new Error(`no load generator at ${options.load}: build the project first (npm start)`);
  }
  return options;
}

module.exports = { SERVERS_COMPARED, USAGE, parseOptions };
