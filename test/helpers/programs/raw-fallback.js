'use strict';

// Starts both raw servers on a host whose addon cannot be used, echoes once over each, and prints what
// came of it.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true }));
process.env.SEARINGS_BACKEND = '';
process.env.SEARINGS_ADDON = path.join(folder, 'unusable.js');
fs.writeFileSync(
  process.env.SEARINGS_ADDON,
  "exports.probe = () => ({ usable: false, reason: 'no', code: 'EPERM', features: {} });",
);

const { UringTcpEchoServer, UringTcpServer } = require('../../..');
const { connect, readAll } = require('../clients');

process.removeAllListeners('warning'); // which it would print

async function tryOne(server, started) {
  try {
    const { backend, fallbackReason, port } = await started;
    const client = await connect(port);
    client.end('hello');
    const echo = String(await readAll(client));
    await server.stop();
    return { backend, why: typeof fallbackReason, echo };
  } catch (err) {
    return { code: err.code, stopped: (await server.stop()) === undefined };
  }
}

async function main(options) {
  const raw = new UringTcpServer(options);
  const started = raw.start(({ eventType, connectionId: id, data }) => {
    if (eventType === 'data') raw.sendAndClose(id, data);
  });
  const echo = new UringTcpEchoServer(options);
  const seen = [await tryOne(raw, started), await tryOne(echo, echo.start())];
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}

main(JSON.parse(process.argv[2]));
