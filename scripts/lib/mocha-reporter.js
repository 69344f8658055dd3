'use strict';

const fs = require('node:fs');
const { Spec } = require('mocha').reporters;

// A run that is over but does not end has left a server, a socket or a timer behind.
const END_LIMIT_MS = 15000 * Number(process.env.SEARINGS_TEST_TIME_SCALE || 1);

function firstLine(error) {
  return String(error?.message ?? error).split('\n', 1)[0];
}

/**
 * The usual spec reporter, which also writes its counts to the file named by SEARINGS_MOCHA_COUNTS
 * and makes sure that nothing left behind by the tests keeps the process alive unnoticed.
 */
class CountingReporter extends Spec {
  constructor(runner, options) {
    super(runner, options);
    const names = [];
    runner.on('fail', (test, error) => names.push(`${test.fullTitle()}: ${firstLine(error)}`));
    runner.once('end', () => this.finish(runner.stats, names));
  }

  finish({ passes, failures }, names) {
    const file = process.env.SEARINGS_MOCHA_COUNTS;
    const write = (failed) => {
      if (file) {
        fs.writeFileSync(file, JSON.stringify({ passed: passes, failed, names }));
      }
    };
    write(failures);
    setTimeout(() => {
      const kept = process.getActiveResourcesInfo().join(', ');
      console.error(`\nAll tests have ended, but the process is kept alive by: ${kept}`);
      names.push(`the process was kept alive by: ${kept}`);
      write(failures + 1);
      process.exit(1);
    }, END_LIMIT_MS).unref();
  }
}

module.exports = CountingReporter;
