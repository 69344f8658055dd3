'use strict';

/* The clients of the soak, in a process of their own. Reports what was done and what went wrong. */

const { once } = require('node:events');
const net = require('node:net');
const { createRandom } = require('../helpers/random');
const { agent, echoActivities, roughActivities, webActivities } = require('./activities');

const AT_ONCE = 24;
const LIMIT_MS = 60000; // of one activity
const PROBLEMS_MAX = 20;
const IDLE_AT_ONCE = 200;

const { seed, minutes, ports, idle } = JSON.parse(process.argv[2]);
const done = {}; // by activity
const bytes = {}; // by server: echoed by whole activities
const problems = [];

/** How likely a kind of activity is, by its name. */
const WEIGHTS = { large: 0.1, slow: 0.5, churn: 0.3 };

function pick(random, list) {
  const total = list.reduce((sum, [name]) => sum + (WEIGHTS[name] ?? 1), 0);
  let rest = random() * total;
  return list.find(([name]) => {
    rest -= WEIGHTS[name] ?? 1;
    return rest <= 0;
  });
}

function activitiesFor(server) {
  if (server === 'web') return webActivities;
  return server.startsWith('rough') ? roughActivities : echoActivities;
}

/** One that does not end is a problem too. */
async function within(ms, promise) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not over after ${ms / 1000} s`)), ms);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
  return promise;
}

async function act(random) {
  const server = Object.keys(ports)[Math.floor(random() * Object.keys(ports).length)];
  const [name, activity] = pick(random, Object.entries(activitiesFor(server)));
  done[name] = (done[name] ?? 0) + 1;
  try {
    const echoed = await within(LIMIT_MS, activity(ports[server], random));
    bytes[server] = (bytes[server] ?? 0) + (echoed ?? 0);
  } catch (error) {
    if (problems.length < PROBLEMS_MAX) problems.push(`${server}, ${name}: ${error.message}`);
  }
}

async function work(number, until) {
  const random = createRandom(seed + number);
  while (Date.now() < until) await act(random);
}

/** One byte there and back: it is still alive. @returns {Promise<boolean>} */
async function answers(socket) {
  if (socket.destroyed || socket.bytesRead > 0) return false;
  const answer = Promise.race([once(socket, 'data'), once(socket, 'close').then(() => [])]);
  socket.write('i');
  const [data] = await within(LIMIT_MS, answer).catch(() => []);
  return data?.toString() === 'i';
}

/** Wakes those that did nothing all the time. */
async function wakeIdle(idlers) {
  let alive = 0;
  for (let i = 0; i < idlers.length; i += IDLE_AT_ONCE) {
    const some = await Promise.all(idlers.slice(i, i + IDLE_AT_ONCE).map(answers));
    alive += some.filter(Boolean).length;
  }
  bytes.calm = (bytes.calm ?? 0) + alive;
  if (alive < idlers.length) problems.push(`${idlers.length - alive} idle connections are dead`);
  for (const socket of idlers) socket.destroy();
}

/** Connections that do nothing from here on. */
async function holdIdle() {
  const sockets = [];
  while (sockets.length < idle) {
    const some = Array.from({ length: Math.min(IDLE_AT_ONCE, idle - sockets.length) }, () =>
      net.connect(ports.calm, '127.0.0.1'),
    );
    await Promise.all(some.map((socket) => once(socket, 'connect')));
    sockets.push(...some);
  }
  return sockets;
}

async function main() {
  const idlers = await holdIdle();
  process.send({ held: idlers.length });
  await once(process, 'message');
  const until = Date.now() + minutes * 60000;
  await Promise.all(Array.from({ length: AT_ONCE }, (_none, i) => work(i, until)));
  await wakeIdle(idlers);
  agent.destroy();
  process.send({ finished: { done, bytes, problems } });
  process.disconnect();
}

process.on('uncaughtException', (error) => {
  process.send({ failure: error.stack }, () => process.exit(1));
});
main();
