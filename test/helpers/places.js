'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const exported = require('../..');
const { runNode, searings, searingsJson } = require('./launch');

const ECHO = path.join(__dirname, 'programs', 'echo-once.js');

/** Every server the package has, and what makes it. */
const KINDS = Object.keys(exported)
  .filter((name) => /^(create|Uring).*Server$/.test(name))
  .sort();

function checkOf(report, id) {
  const check = report.checks.find((one) => one.id === id);
  assert.ok(check, `no check '${id}' among ${report.checks.map((one) => one.id).join(', ')}`);
  return check;
}

/** What holds for every report of doctor. */
function assertSound(report) {
  for (const { id, status, text, fix } of report.checks) {
    assert.ok(['ok', 'note', 'warning', 'blocker'].includes(status), id);
    assert.ok(text.length > 0, id);
    const needsFix =
      ['warning', 'blocker'].includes(status) || (id === 'zcrx' && status === 'note');
    assert.equal(typeof fix === 'string' && fix.length > 0, needsFix, `${id}: fix ${fix}`);
  }
  for (const { server, ok, error, medianUs, maxUs } of report.servers) {
    assert.equal(ok, true, `${server}: ${error}`);
    assert.ok(medianUs > 0 && maxUs >= medianUs, server);
  }
  const kinds = report.servers.map(({ server }) => server);
  assert.deepEqual(kinds.sort(), KINDS);
}

/** Runs doctor somewhere, and a server beside it. */
async function visit(place) {
  const [{ code, report }, served] = [
    await searingsJson(['doctor', '--require-ready'], place),
    await runNode([ECHO], place),
  ];
  assertSound(report);
  assert.equal(served.code, 0, served.stderr);
  return { code, report, served: JSON.parse(served.stdout) };
}

/** Servers run on io_uring there. */
async function assertReady(place) {
  const { code, report, served } = await visit(place);
  assert.equal(report.verdict, 'ready');
  assert.equal(code, 0);
  assert.deepEqual(served, {
    backend: 'io_uring',
    fallbackReason: null,
    echo: 'hello',
    warnings: [],
  });
  for (const { backend } of report.servers) assert.equal(backend, 'io_uring');
  return report;
}

/**
 * Servers run on node:net there, for the reason that the check `id` tells.
 *
 * @param {{cause: string, reason: RegExp, fix: RegExp}} expected
 */
async function assertFallback(place, id, { cause, reason, fix }) {
  const { code, report, served } = await visit(place);
  assert.equal(report.verdict, 'fallback');
  assert.equal(code, 1);
  assert.equal((await searings(['doctor'], place)).code, 0, 'without --require-ready');
  assert.equal(report.host.problem.cause, cause);
  const check = checkOf(report, id);
  assert.equal(check.status, 'blocker');
  assert.match(check.text, reason);
  assert.match(check.fix, fix);
  assert.equal(served.backend, 'net');
  assert.equal(served.echo, 'hello');
  assert.deepEqual(served.warnings, ['SEARINGS_FALLBACK']);
  for (const { backend } of report.servers) assert.equal(backend, 'net');
  if (!report.host.features.ring.available) {
    for (const [name, { available }] of Object.entries(report.host.features)) {
      assert.equal(available, false, name);
    }
  }
  return report;
}

module.exports = { assertFallback, assertReady, checkOf, visit };
