'use strict';

/*
 * An echo server in a process that may have few descriptors. It answers `?` with its counters and
 * errors. Prints its port.
 */

const { execFileSync } = require('node:child_process');
const { createTcpServer } = require('../../..');

const { descriptors } = JSON.parse(process.argv[2]);
execFileSync('prlimit', [`--pid=${process.pid}`, `--nofile=${descriptors}:${descriptors}`]);

const errors = [];
const server = createTcpServer((connection) => {
  connection.on('error', () => {});
  connection.on('data', (chunk) => {
    const { acceptBackoffs, enters, passes } = server.info();
    const asked = chunk.toString() === '?';
    connection.write(asked ? JSON.stringify({ acceptBackoffs, enters, passes, errors }) : chunk);
  });
});
server.on('error', ({ code, syscall }) => errors.push({ code, syscall }));
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address().port)));
