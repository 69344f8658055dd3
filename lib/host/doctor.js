'use strict';

const { version } = require('../../package.json');
const { silenceWarning } = require('../backend/select');
const { capabilities } = require('./capabilities');
const { checksOf } = require('./checks');
const { selfTest } = require('./self-test');
const { checkOptions, probeOn } = require('./zcrx');

const SUMMARIES = {
  ready: 'servers run on io_uring',
  fallback: 'servers run, on node:net instead of io_uring',
  broken: 'servers do not run',
};

function verdictOf(checks, servers) {
  if (servers.some(({ ok }) => !ok)) return 'broken';
  const blocked = checks.some(({ status }) => status === 'blocker');
  return blocked || servers.some(({ backend }) => backend !== 'io_uring') ? 'fallback' : 'ready';
}

/** Of the whole report of zcrxProbe() what a summary needs. */
function zeroCopyReceive(host) {
  const { ready, blockers, interfaces } = probeOn(host, checkOptions({}));
  return {
    ready,
    blockers,
    interfaces: interfaces.map((one) => ({
      name: one.name,
      ready: one.ready,
      blockers: one.blockers,
    })),
  };
}

/**
 * Whether servers will run here, on which transport, what is off and why, and the command that changes it.
 * Starts servers on loopback to see. Never rejects.
 */
async function doctor() {
  silenceWarning();
  const host = capabilities();
  const servers = await selfTest();
  const checks = checksOf(host, servers);
  const verdict = verdictOf(checks, servers);
  return {
    searings: version,
    node: process.version,
    verdict,
    summary: SUMMARIES[verdict],
    checks,
    servers,
    zeroCopyReceive: zeroCopyReceive(host),
    host,
  };
}

module.exports = { doctor };
