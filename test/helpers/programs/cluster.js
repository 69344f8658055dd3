'use strict';

// Workers of a cluster that listen on one port. Each answers a connection with its number. Prints
// {port} when all listen, or {errors} when all have listened or failed. Ends on SIGTERM.

const cluster = require('node:cluster');
const net = require('node:net');
const { createTcpServer } = require('../../..');
const { LOOPBACK } = require('../clients');

const { workers, exclusive = false } = JSON.parse(process.argv[2] ?? '{}');

/** A port that is free now. The primary cannot keep it: the workers are to bind it. */
function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, LOOPBACK, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function primary() {
  const port = await freePort();
  const answers = [];
  cluster.setupPrimary({ args: [JSON.stringify({ exclusive })] });
  for (let i = 0; i < workers; i++) {
    const worker = cluster.fork({ PORT: port });
    worker.on('message', (answer) => {
      if (answers.push(answer) < workers) return;
      const errors = answers.filter((one) => one !== 'listening');
      console.log(JSON.stringify(exclusive ? { errors } : { port, errors }));
    });
  }
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
  });
}

function work() {
  const server = createTcpServer((connection) => connection.end(`${cluster.worker.id}`));
  server.on('error', (error) => process.send(error.code));
  server.listen({ port: Number(process.env.PORT), host: LOOPBACK, exclusive }, () => {
    process.send('listening');
  });
}

if (cluster.isPrimary) primary();
else work();
