#!/usr/bin/env node
'use strict';

/** sea_load by itself, with percentiles: `node benchmark/load.js --port 7000 --mode http`. */

const path = require('node:path');
const { startLoad } = require('./processes');

const LOAD = path.join(__dirname, '..', 'build', 'release', 'sea_load');

function parse(argv) {
  const settings = { seconds: 3, warmup: 1 };
  for (let i = 0; i < argv.length; i += 2) {
    const value = Number(argv[i + 1]);
    settings[argv[i].replace(/^--/, '')] = Number.isNaN(value) ? argv[i + 1] : value;
  }
  return settings;
}

const { port, ...settings } = parse(process.argv.slice(2));
startLoad({ load: LOAD, loadCpu: null }, port, settings).result.then(
  (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
  (error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  },
);
