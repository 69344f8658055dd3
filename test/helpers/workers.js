'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');

const FILE = path.join(__dirname, 'programs', 'worker-server.js');

/**
 * Starts programs/worker-server.js in a thread of its own.
 *
 * @param {object} workerData what it does: see there
 * @returns {{worker: Worker, message: () => Promise<any>, exited: Promise<{code: number,
 *   error: Error|null}>}} `message()` gives the next message; messages are kept until asked for
 */
function startWorker(workerData = {}) {
  const worker = new Worker(FILE, { workerData });
  const messages = [];
  const waiting = [];
  let error = null;
  let over = false;
  const give = () => {
    while (messages.length > 0 && waiting.length > 0) {
      waiting.shift().resolve(messages.shift());
    }
    if (over) {
      for (const { reject } of waiting.splice(0)) {
        reject(error ?? new Error('the worker is over'));
      }
    }
  };
  worker.on('message', (message) => {
    messages.push(message);
    give();
  });
  worker.on('error', (reason) => {
    error = reason;
  });
  const exited = new Promise((resolve) => {
    worker.on('exit', (code) => {
      over = true;
      give();
      resolve({ code, error });
    });
  });
  const message = () =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      give();
    });
  return { worker, message, exited };
}

/** Starts so many, and waits until all of them listen: @returns theirs, each with its `port` */
async function startWorkers(count, workerData) {
  const workers = Array.from({ length: count }, () => startWorker(workerData));
  return Promise.all(
    workers.map(async (one) => {
      const { port } = await one.message();
      return { ...one, port };
    }),
  );
}

module.exports = { startWorker, startWorkers };
