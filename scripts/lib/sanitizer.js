'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { buildFolder } = require('./build');
const { must } = require('./run');

// Measured on the whole suite: what takes a second in a release build takes a few under ASan.
const TIME_SCALE = '5';
// Freed memory stays in quarantine, and every allocation has red zones.
const MEMORY_SLACK_MIB = '256';
const ASAN = ['abort_on_error=0', 'strict_string_checks=1', 'quarantine_size_mb=64'];
const UBSAN = 'print_stacktrace=1:halt_on_error=1';

const C_TESTS = {
  asan: {
    ASAN_OPTIONS: [...ASAN, 'detect_leaks=1', 'detect_stack_use_after_return=1'].join(':'),
    UBSAN_OPTIONS: UBSAN,
    SEARINGS_TEST_TIME_SCALE: TIME_SCALE,
  },
  tsan: {
    TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
    SEARINGS_TEST_TIME_SCALE: TIME_SCALE,
  },
};

/** What the C tests of a flavour run with. */
function ctestEnvironment(flavour) {
  return C_TESTS[flavour] ?? {};
}

function reportFolder() {
  return path.join(buildFolder('asan'), 'reports');
}

/**
 * What Node runs with to load an addon built with AddressSanitizer. Reports go to files, so that
 * none is lost in the output of a process that a test started. Node never frees all it has at exit:
 * leaks are looked for in the C tests only.
 */
function nodeEnvironment() {
  environment ??= makeEnvironment();
  return environment;
}

let environment;

function makeEnvironment() {
  const folder = reportFolder();
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const log = `log_path=${path.join(folder, 'report')}`;
  return {
    LD_PRELOAD: must('gcc', ['-print-file-name=libasan.so']).trim(),
    ASAN_OPTIONS: [...ASAN, 'detect_leaks=0', log].join(':'),
    UBSAN_OPTIONS: `${UBSAN}:${log}`,
    SEARINGS_ADDON: path.join(buildFolder('asan'), 'searings.node'),
    SEARINGS_TEST_TIME_SCALE: TIME_SCALE,
    SEARINGS_TEST_MEMORY_SLACK_MIB: MEMORY_SLACK_MIB,
  };
}

/** Prints every report that this process's runs left. @returns {number} how many there were */
function showReports() {
  const files = fs.readdirSync(reportFolder());
  for (const file of files) {
    console.log(fs.readFileSync(path.join(reportFolder(), file), 'utf8'));
  }
  return files.length;
}

module.exports = { ctestEnvironment, nodeEnvironment, showReports, TIME_SCALE };
