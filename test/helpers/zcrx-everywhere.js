'use strict';

/*
 * For mocha's --require: every server of a test receives by RECV_ZC, without a network card, if its options do
 * not say otherwise. It takes Linux 7.1 and root.
 */

const { ECHO_OPTIONS, HTTP_OPTIONS, RAW_OPTIONS, TCP_OPTIONS } = require('../../lib/options');

const MIB = 1 << 20;

for (const table of [TCP_OPTIONS, RAW_OPTIONS, HTTP_OPTIONS, ECHO_OPTIONS]) {
  table.useZeroCopyReceive.default = true;
  table.zcrxWithoutDevice.default = true;
  table.zcrxAreaSize.default = Number(process.env.SEARINGS_TEST_AREA_MIB ?? 16) * MIB;
}
