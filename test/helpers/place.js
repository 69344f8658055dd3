'use strict';

const os = require('node:os');
const path = require('node:path');

const LOOPBACK = '127.0.0.1';

/** Whether the servers of this run listen on Unix sockets. Some suites are run once so. */
const onUnixSockets = process.env.SEARINGS_TEST_SOCKETS === 'unix';

let made = 0;

/** Arguments for listen(): a free port of loopback, or a new Unix socket. */
function freePlace() {
  if (!onUnixSockets) return [0, LOOPBACK];
  return [path.join(os.tmpdir(), `searings-test-${process.pid}-${made++}.sock`)];
}

/** Where net.connect() finds a server. */
function placeOf(server) {
  const address = server.address();
  return typeof address === 'string' ? address : address.port;
}

/** Options for net.connect(): of a port, or of a path. */
function target(place) {
  return typeof place === 'string' ? { path: place } : { host: LOOPBACK, port: place };
}

module.exports = { LOOPBACK, freePlace, onUnixSockets, placeOf, target };
