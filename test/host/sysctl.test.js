'use strict';

/* Needs root, and the machine for itself: changes a sysctl of the whole machine, for about a second. */

const fs = require('node:fs');
const { unprivileged } = require('../helpers/launch');
const { assertFallback, assertReady } = require('../helpers/places');
const { limit } = require('../helpers/scale');

const SWITCH = '/proc/sys/kernel/io_uring_disabled';
const NOBODY = 65534;
const GROUP = '/proc/sys/kernel/io_uring_group';

describe('the sysctl kernel.io_uring_disabled', function () {
  limit(this, 40);
  const found = [SWITCH, GROUP].map((file) => [file, fs.readFileSync(file, 'utf8').trim()]);

  function restore() {
    for (const [file, value] of found) fs.writeFileSync(file, value);
  }

  beforeEach(() => process.once('exit', restore));
  afterEach(() => {
    restore();
    process.off('exit', restore);
  });

  it('2 keeps everybody from io_uring: servers run on node:net', async () => {
    fs.writeFileSync(SWITCH, '2');
    await assertFallback({}, 'io_uring', {
      cause: 'sysctl',
      reason: /io_uring_setup failed with EPERM: the sysctl kernel\.io_uring_disabled is 2/,
      fix: /^sysctl -w kernel\.io_uring_disabled=0/,
    });
  });

  it('1 keeps those who are not root from it', async () => {
    fs.writeFileSync(SWITCH, '1');
    await assertReady({});
    await assertFallback({ prefix: unprivileged(NOBODY) }, 'io_uring', {
      cause: 'sysctl',
      reason: /kernel\.io_uring_disabled is 1: only root may/,
      fix: /^sysctl -w kernel\.io_uring_group=65534/,
    });
  });

  it('1 with a group keeps those outside of it from it', async () => {
    fs.writeFileSync(SWITCH, '1');
    fs.writeFileSync(GROUP, '1234');
    await assertFallback({ prefix: unprivileged(NOBODY) }, 'io_uring', {
      cause: 'sysctl',
      reason: /only root and the group 1234 may/,
      fix: /^usermod -a -G 1234 nobody/,
    });
    fs.writeFileSync(GROUP, '65534');
    await assertReady({ prefix: unprivileged(NOBODY) });
  });
});
