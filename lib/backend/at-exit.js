'use strict';

/** Backends that run. Their last words go out when the process exits. */
const live = new Set();

function onProcessExit() {
  for (const backend of live) backend.finishAtExit();
}

/** From now on `backend.finishAtExit()` is called when the process exits. */
function track(backend) {
  if (live.size === 0) process.on('exit', onProcessExit);
  live.add(backend);
}

function untrack(backend) {
  if (live.delete(backend) && live.size === 0) process.removeListener('exit', onProcessExit);
}

function isTracked(backend) {
  return live.has(backend);
}

module.exports = { track, untrack, isTracked };
