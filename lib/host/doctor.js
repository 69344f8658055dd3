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
};

/** The servers themselves are asked: whatever else was found explains it. */
function verdictOf(servers) {
  if (servers.some(({ ok }) => !ok)) return 'broken';
  return servers.every(({ backend }) => backend === 'io_uring') ? 'ready' : 'fallback';
}

function summaryOf(verdict, servers) {
  if (verdict !== 'broken') return SUMMARIES[verdict];
  const broken = servers.filter(({ ok }) => !ok).map(({ server }) => server);
  return broken.length === servers.length
    ? 'servers do not run'
    : `do not run: ${broken.join(', ')}`;
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
  const zeroCopy = zeroCopyReceive(host);
  const verdict = verdictOf(servers);
  return {
    searings: version,
    node: process.version,
    verdict,
    summary: summaryOf(verdict, servers),
    checks: checksOf(host, servers, zeroCopy),
    servers,
    zeroCopyReceive: zeroCopy,
    host,
  };
}

module.exports = { doctor };
