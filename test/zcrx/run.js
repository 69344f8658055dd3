'use strict';

/*
 * Zero-copy receive on a real network card: every byte must arrive, and by way of the card's queue.
 *
 *   ZCRX_INTERFACE     the card, as `searings zcrx-probe` has found it ready
 *   ZCRX_CONNECT_HOST  the address of that card, as the client reaches it
 *   ZCRX_RX_QUEUE      its receive queue, to which traffic to the port is steered; default 0
 *   ZCRX_PORT          where the server listens; default any free port
 *   ZCRX_MIB           MiB per connection; default 64
 *   ZCRX_CLIENT        words in front of the client's command, so that it runs on another machine or in
 *                      another network namespace ("ssh peer", "ip netns exec peer"): there the same
 *                      checkout and Node.js lie at the same paths. Without it what is sent goes over
 *                      loopback, unless the routes say otherwise.
 */

const { spawn } = require('node:child_process');
const { createHash } = require('node:crypto');
const { once } = require('node:events');
const path = require('node:path');

const EXIT_USAGE = 64;
const CONNECTIONS = 8;
const COUNTERS = ['zcrxPackets', 'zcrxBytes', 'zcrxRefills', 'zcrxCopies', 'zcrxExhaustions'];

const { ZCRX_INTERFACE, ZCRX_CONNECT_HOST, ZCRX_RX_QUEUE, ZCRX_PORT, ZCRX_CLIENT } = process.env;
const BYTES = Number(process.env.ZCRX_MIB ?? 64) * 1024 * 1024;

/** Answers a stream with the digest of what it received. */
function digest(connection) {
  const hash = createHash('sha256');
  connection.on('data', (chunk) => hash.update(chunk));
  connection.on('end', () => connection.end(hash.digest('hex')));
  connection.on('error', (error) => console.error(`server: ${error.message}`));
}

async function runClient(port) {
  const client = path.join(__dirname, 'client.js');
  const words = [process.execPath, client, ZCRX_CONNECT_HOST, port, CONNECTIONS, BYTES].map(String);
  const [program, ...rest] = [...(ZCRX_CLIENT ?? '').split(' ').filter(Boolean), ...words];
  const [code] = await once(spawn(program, rest, { stdio: 'inherit' }), 'close');
  return code;
}

/** @returns {string[]} what is wrong */
function judge(code, info) {
  const wrong = [];
  const state = info.fastPaths?.zeroCopyReceive ?? info.fallbackReason;
  if (state !== 'on') wrong.push(`zero-copy receive is off: ${state}`);
  if (code !== 0) wrong.push('the bytes are not those that were sent');
  if (state === 'on' && info.zcrxPackets === 0) wrong.push('nothing came by the zero-copy path');
  if (info.bytesReceived !== CONNECTIONS * BYTES) wrong.push('not every byte was counted');
  return wrong;
}

async function main() {
  const { createTcpServer } = require('../..');
  const options = {
    useZeroCopyReceive: true,
    zcrxInterfaceName: ZCRX_INTERFACE,
    zcrxRxQueue: Number(ZCRX_RX_QUEUE ?? 0),
    allowHalfOpen: true,
  };
  const server = createTcpServer(options, digest);
  server.listen({ port: Number(ZCRX_PORT ?? 0), host: '::' });
  await once(server, 'listening');
  const code = await runClient(server.address().port);
  const info = server.info();
  for (const name of COUNTERS) console.log(`${name} ${info[name]}`);
  await server.stop();
  const wrong = judge(code, info);
  for (const text of wrong) console.log(text);
  console.log(wrong.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed');
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

if (!ZCRX_INTERFACE || !ZCRX_CONNECT_HOST) {
  console.error(
    'test:zcrx takes a card that `searings zcrx-probe` calls ready, root, ZCRX_INTERFACE=<its name> and ' +
      'ZCRX_CONNECT_HOST=<its address>; see test/zcrx/run.js for ZCRX_RX_QUEUE, ZCRX_PORT and ZCRX_CLIENT',
  );
  process.exitCode = EXIT_USAGE;
} else {
  if (!process.env.SEARINGS_ADDON) require('../../scripts/bootstrap').bootstrap({});
  main();
}
