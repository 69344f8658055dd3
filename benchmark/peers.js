'use strict';

/** Other people's servers, which are measured beside ours when they are installed. */

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const ROOT = path.join(__dirname, '..');
const PEERS = ['bun', 'uws'];

function folders(dir) {
  if (dir) return [path.join(dir, 'node_modules'), dir];
  return require.resolve.paths('bun').filter((folder) => folder.startsWith(ROOT));
}

function findPackage(name, places) {
  const folder = places.map((place) => path.join(place, name)).find((one) => fs.existsSync(one));
  if (!folder) return null;
  const { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
  return { folder, version };
}

function findBun(places) {
  const found = findPackage('bun', places);
  if (!found) return { absent: 'the npm package bun is not installed' };
  const executable = path.join(found.folder, 'bin', 'bun.exe'); // so on every system
  if (!fs.existsSync(executable)) return { absent: 'the npm package bun has no executable' };
  return { version: `Bun ${found.version}`, executable, args: [] };
}

function findUws(places, node) {
  const found = findPackage('uws-pack', places);
  if (!found) return { absent: 'the npm package uws-pack is not installed' };
  const script = 'process.version + " " + process.versions.modules';
  const [version, abi] = execFileSync(node, ['-p', script], { encoding: 'utf8' }).trim().split(' ');
  const binary = `uws_linux_${process.arch}_${abi}.node`;
  if (!fs.existsSync(path.join(found.folder, 'dist', 'bin', binary))) {
    return {
      absent: `uws-pack ${found.version} has no binary for Node ${version}: see --uws-node`,
    };
  }
  return {
    version: `uWebSockets.js (uws-pack ${found.version}, Node ${version})`,
    executable: node,
    args: [path.join(found.folder, 'dist', 'index.mjs')],
  };
}

/**
 * @param {{peers?: string, uwsNode?: string, node: string}} options `peers` is where they are installed
 * @returns {Record<string, {version: string, executable: string, args: string[]} | {absent: string}>}
 */
function findPeers({ peers, uwsNode, node }) {
  const places = folders(peers);
  return { bun: findBun(places), uws: findUws(places, uwsNode ?? node) };
}

module.exports = { PEERS, findPeers };
