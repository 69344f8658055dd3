'use strict';

const assert = require('node:assert/strict');
const { readdirSync } = require('node:fs');
const { stat } = require('node:fs/promises');
const { eventually } = require('./eventually');

/** What info() counts of things in use: all of them are zero once the last connection is gone. */
const IN_USE = ['connectionsActive', 'slotsInUse', 'buffersInUse'];

/** Waits until a server holds nothing any more. */
async function nothingLeft(server) {
  const left = () => {
    const info = server.info();
    return IN_USE.filter((name) => info[name]).map((name) => `${name} ${info[name]}`);
  };
  assert.equal(server.info().connectionsActive >= 0, true);
  await eventually(() => left().length === 0, 'a server with nothing left').catch((error) => {
    throw new Error(`${error.message}: ${left().join(', ')}`);
  });
}

/** @returns {number} the threads this process has */
function threads() {
  return readdirSync('/proc/self/task').length;
}

/** Makes Node start the threads it starts on first use, so that they are not counted later. */
async function startNodeThreads() {
  await Promise.all(Array.from({ length: 16 }, () => stat('/')));
}

/** Waits until no more threads are left than there were. */
async function threadsBackTo(before) {
  await eventually(() => threads() <= before, `no more than ${before} threads`);
}

module.exports = { nothingLeft, threads, startNodeThreads, threadsBackTo };
