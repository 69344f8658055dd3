#!/usr/bin/env node
'use strict';

/*
 * The command line. Exit codes: 0 all is well, 1 not ready, 2 ready but for zero-copy receive, 64 the
 * command line is wrong, 74 the report cannot be written (docs/cli.md).
 */

const { parseArgs } = require('node:util');
const { version } = require('../package.json');

const NOT_READY = 1;
const NO_ZERO_COPY = 2;
const WRONG_USE = 64;
const CANNOT_WRITE = 74;

const flag = { type: 'boolean', default: false };
const text = { type: 'string' };

const COMMANDS = {
  __proto__: null,
  capabilities: {
    usage: 'capabilities [--json]',
    options: { json: flag },
    run: runCapabilities,
  },
  doctor: {
    usage: 'doctor [--json] [--require-ready] [--require-zcrx]',
    options: { json: flag, 'require-ready': flag, 'require-zcrx': flag },
    run: runDoctor,
  },
  'zcrx-probe': {
    usage:
      'zcrx-probe (--interface <name> | --all) [--rx-queue <n>] [--rx-buffer-size <bytes>]\n' +
      '                           [--active] [--json] [--require-ready]',
    options: {
      interface: text,
      all: flag,
      'rx-queue': text,
      'rx-buffer-size': text,
      active: flag,
      json: flag,
      'require-ready': flag,
    },
    run: runZcrx,
  },
};

/** The command line is wrong: nothing is run. */
class UsageError extends Error {}

function usage(names = Object.keys(COMMANDS)) {
  const lines = names.map((name) => `searings ${COMMANDS[name].usage}`);
  return `Usage: ${lines.join('\n       ')}\n`;
}

function wantsColour(stream) {
  return stream.isTTY === true && !process.env.NO_COLOR && stream.hasColors();
}

/** As JSON, or as a text that `render` makes. */
function print(report, json, render) {
  process.stdout.write(
    json ? `${JSON.stringify(report, null, 2)}\n` : render(report, wantsColour(process.stdout)),
  );
}

function wholeNumber(values, name, max) {
  const given = values[name];
  if (given === undefined) return 0;
  if (!/^\d+$/.test(given) || Number(given) > max) {
    throw new UsageError(`--${name} takes a whole number up to ${max}, not '${given}'`);
  }
  return Number(given);
}

// --- the commands; each gives the exit code

function runCapabilities({ json }) {
  const { capabilities } = require('../lib/host/capabilities');
  const { renderCapabilities } = require('../lib/host/render');
  print(capabilities(), json, renderCapabilities);
  return 0;
}

async function runDoctor(values) {
  const { doctor } = require('../lib/host/doctor');
  const { renderDoctor } = require('../lib/host/render');
  const report = await doctor();
  print(report, values.json, renderDoctor);
  const { verdict, zeroCopyReceive } = report;
  if (verdict === 'broken' || (values['require-ready'] && verdict !== 'ready')) return NOT_READY;
  return values['require-zcrx'] && !zeroCopyReceive.ready ? NO_ZERO_COPY : 0;
}

function zcrxOptions(values) {
  if (values.all === (values.interface !== undefined)) {
    throw new UsageError('zcrx-probe takes either --interface <name> or --all');
  }
  if (values.interface === '') throw new UsageError('--interface takes a name');
  return {
    interface: values.interface,
    rxQueue: wholeNumber(values, 'rx-queue', 65535),
    rxBufferSize: wholeNumber(values, 'rx-buffer-size', 2 ** 30),
    active: values.active,
  };
}

function runZcrx(values) {
  const { zcrxProbe } = require('../lib/host/zcrx');
  const { renderZcrx } = require('../lib/host/render');
  const options = zcrxOptions(values);
  let report;
  try {
    report = zcrxProbe(options);
  } catch (error) {
    if (error.code === 'ERR_INVALID_ARG_VALUE') throw new UsageError(error.message);
    throw error;
  }
  print(report, values.json, renderZcrx);
  return values['require-ready'] && !report.ready ? NOT_READY : 0;
}

// --- the command line

function checkOnce(tokens) {
  const seen = new Set();
  for (const { kind, name } of tokens) {
    if (kind !== 'option') continue;
    if (seen.has(name)) throw new UsageError(`--${name} is given twice`);
    seen.add(name);
  }
}

function parse(args, options) {
  let parsed;
  try {
    const help = { type: 'boolean', short: 'h' };
    parsed = parseArgs({ args, options: { ...options, help }, tokens: true });
  } catch (error) {
    throw new UsageError(error.message);
  }
  checkOnce(parsed.tokens);
  return parsed.values;
}

/** What has nothing behind it. */
const WORDS = {
  __proto__: null,
  help: () => usage(),
  '--help': () => usage(),
  '-h': () => usage(),
  '--version': () => `${version}\n`,
  '-v': () => `${version}\n`,
};

function runWord(name, rest) {
  if (rest.length > 0) throw new UsageError(`nothing goes behind ${name}, not '${rest[0]}'`);
  process.stdout.write(WORDS[name]());
  return 0;
}

function run(name, args) {
  if (name === undefined) throw new UsageError('which command?');
  if (WORDS[name]) return runWord(name, args);
  const command = COMMANDS[name];
  if (command === undefined) throw new UsageError(`there is no command '${name}'`);
  const values = parse(args, command.options);
  if (!values.help) return command.run(values);
  process.stdout.write(usage([name]));
  return 0;
}

async function main([name, ...args]) {
  try {
    return await run(name, args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`searings: ${error.message}\n${usage(COMMANDS[name] && [name])}`);
    return WRONG_USE;
  }
}

// Whoever reads may stop reading: `searings doctor | head -1`.
process.stdout.on('error', (error) => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`searings: the report cannot be written: ${error.message}\n`);
  process.exit(CANNOT_WRITE);
});
// There is nowhere left to say that this one fails.
process.stderr.on('error', () => {});

// A server that doctor could not stop must not keep it from ending.
main(process.argv.slice(2)).then((code) => {
  process.stdout.write('', () => setImmediate(() => process.exit(code))); // after an 'error'
});
