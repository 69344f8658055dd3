'use strict';

/**
 * What the measured servers have in common: `node <server>.js <kind> [arguments]`. It prints one JSON
 * line with its port and then obeys lines on stdin: `stats`, `gc`, `block <ms>`. It ends with stdin.
 */

const { once } = require('node:events');
const path = require('node:path');
const readline = require('node:readline');
const { collectGarbage, readStats } = require('./stats');

/** The options behind the name on the command line: `searings@bufferSize=4096+driver=inline`. */
function givenOptions() {
  const [, text] = process.argv[2].split('@');
  if (text === undefined) return {};
  const read = (value) => (['worker', 'inline'].includes(value) ? value : JSON.parse(value));
  return Object.fromEntries(
    text.split('+').map((pair) => {
      const [name, value] = pair.split('=');
      return [name, read(value)];
    }),
  );
}

/** searings with options. */
function withOptions(options) {
  const { createTcpServer } = require('../../lib');
  return (listener) => createTcpServer(options, listener);
}

/** Ways to make a server whose connections are streams. */
const factories = {
  net: () => require('node:net').createServer,
  searings: () => withOptions(givenOptions()),
  inline: () => withOptions({ driver: 'inline' }),
  bundle: () => withOptions({ useRecvBundle: true, bufferSize: 4096, bufferCount: 4096 }),
  incremental: () => withOptions({ useIncrementalBuffers: true }),
  'zero-copy': () => withOptions({ useZeroCopySend: true }),
  registered: () => withOptions({ useRegisteredSendBuffer: true, sendBufferSize: 256 * 1024 }),
};

function say(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function countConnections(server, callback) {
  if (server.getConnections) server.getConnections((_error, connections) => callback(connections));
  else callback(server.info?.().connectionsActive ?? null);
}

/** Nothing else runs on this thread for so long. */
function block(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

function answer(server, line) {
  const [command, argument] = line.split(' ');
  if (command === 'stats') {
    countConnections(server, (connections) => {
      say({ ...readStats(), connections, info: server.info?.() ?? null });
    });
  } else if (command === 'gc') {
    collectGarbage((collected) => say({ collected }));
  } else if (command === 'block') {
    block(Number(argument));
    say({ blocked: true });
  } else {
    say({ error: `unknown command ${line}` });
  }
}

/** Lets a server of Node's kind listen. */
async function listening(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: server.address().port };
}

/** Starts a server of the raw kind, by what its `start()` returned. */
async function startedRaw(server, started) {
  const { port } = await started;
  return { server, port };
}

/**
 * The kinds whose connections are streams: the same program on each factory.
 *
 * @param {(createServer: Function) => import('node:net').Server} make
 */
function streams(make) {
  return Object.fromEntries(
    Object.entries(factories).map(([kind, factory]) => [kind, () => listening(make(factory()))]),
  );
}

/**
 * @param {Record<string, (...args: string[]) => Promise<{server: object, port: number}>>} kinds
 *   by the name on the command line; the words behind it are the arguments
 */
async function run(kinds) {
  const [name = '', ...args] = process.argv.slice(2);
  const [kind] = name.split('@');
  if (!Object.hasOwn(kinds, kind)) {
    const names = Object.keys(kinds).join('|');
    process.stderr.write(`usage: node ${path.basename(process.argv[1])} ${names}\n`);
    process.exitCode = 2;
    return;
  }
  const { server, port } = await kinds[kind](...args);
  say({ port });

  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => answer(server, line));
  lines.on('close', () => process.exit(0));
}

module.exports = { givenOptions, listening, run, startedRaw, streams };
