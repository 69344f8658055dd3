'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { must, root, say } = require('./run');

/** Of each Node.js that is supported, the release that is tested. */
const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

/**
 * Installs a Node.js from npm into build/nodes/, unless it is there.
 *
 * @param {string} version
 * @param {string} [cpu] of another machine, perhaps
 * @returns {string} its program
 */
function installNode(version, cpu = process.arch) {
  const folder = path.join(root, 'build', 'nodes', `${version}-${cpu}`);
  const name = `node-linux-${cpu}`;
  const program = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!fs.existsSync(program)) {
    say(`installing Node.js ${version} for ${cpu}`);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
    // Forced: npm would rather not install what this machine cannot run.
    const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--force'];
    must('npm', ['install', ...quiet, '--prefix', folder, `${name}@${version}`]);
  }
  return program;
}

module.exports = { VERSIONS, installNode };
