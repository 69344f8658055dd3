'use strict';

/*
 * For mocha's --require: every server of a test receives by RECV_ZC, without a network card, if its options do
 * not say otherwise. It takes Linux 7.1 and root; elsewhere no test is run.
 */

const assert = require('node:assert/strict');
const { createTcpServer } = require('../..');
const { ECHO_OPTIONS, HTTP_OPTIONS, RAW_OPTIONS, TCP_OPTIONS } = require('../../lib/options');

for (const table of [TCP_OPTIONS, RAW_OPTIONS, HTTP_OPTIONS, ECHO_OPTIONS]) {
  table.useZeroCopyReceive.default = true;
  table.zcrxWithoutDevice.default = true;
  table.zcrxAreaSize.default = 16 << 20;
}

async function beforeAll() {
  const server = createTcpServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  assert.equal(server.info().fastPaths?.zeroCopyReceive, 'on');
  await server.stop();
}

exports.mochaHooks = { beforeAll };
