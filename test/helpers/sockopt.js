'use strict';

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');

/** Linux's numbers of what getsockopt(2) is asked for here: [level, name]. */
const OPTIONS = {
  SO_SNDBUF: [1, 7],
  SO_RCVBUF: [1, 8],
  SO_KEEPALIVE: [1, 9],
  SO_REUSEPORT: [1, 15],
  TCP_NODELAY: [6, 1],
  TCP_KEEPIDLE: [6, 4],
  TCP_DEFER_ACCEPT: [6, 9],
  IPV6_V6ONLY: [41, 26],
};

/** The inodes of this host's TCP sockets with that local port, and with that remote port. */
function inodes(localPort, remotePort) {
  const found = new Set();
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of fs.readFileSync(table, 'latin1').split('\n').slice(1)) {
      const [, local, remote, , , , , , , inode] = line.trim().split(/\s+/);
      if (local === undefined) continue;
      const ports = [local, remote].map((end) => Number.parseInt(end.split(':')[1], 16));
      if (ports[0] === localPort && ports[1] === remotePort) found.add(inode);
    }
  }
  return found;
}

/** @returns {number} the descriptor of this process's socket with these ports; 0 is "none" */
function findSocket(localPort, remotePort) {
  const wanted = inodes(localPort, remotePort);
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    let target = '';
    try {
      target = fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {} // that of the directory itself is closed again
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    if (inode !== undefined && wanted.has(inode)) return Number(fd);
  }
  throw new Error(`no socket with the ports ${localPort} and ${remotePort}`);
}

/** What getsockopt(2) says. Node has no such call, so the descriptor is lent to a program that has. */
function getOption(fd, option) {
  const ask = 'open(S, "+<&=3") or die; print unpack("i", getsockopt(S, $ARGV[0], $ARGV[1]))';
  const args = ['-e', ask, ...OPTIONS[option].map(String)];
  const { status, stdout, stderr } = spawnSync('perl', args, {
    stdio: ['ignore', 'pipe', 'pipe', fd],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

/** An option of the listening socket of a server. */
function listenerOption(server, option) {
  return getOption(findSocket(server.address().port, 0), option);
}

/** An option of the server's end of a client's connection. */
function acceptedOption(server, client, option) {
  return getOption(findSocket(server.address().port, client.localPort), option);
}

module.exports = { listenerOption, acceptedOption };
