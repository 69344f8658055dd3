'use strict';

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { must, root } = require('../../scripts/lib/run');

/** Makes the tarballs of searings and of some platforms. @returns {string[]} searings itself last */
function makeTarballs(platforms) {
  const script = path.join(root, 'scripts', 'package.js');
  return execFileSync(process.execPath, [script, ...platforms], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

/** A folder with nothing but node and a shell to put on PATH. */
function makeBarePath(folder) {
  fs.mkdirSync(folder);
  fs.symlinkSync(process.execPath, path.join(folder, 'node'));
  fs.symlinkSync('/bin/sh', path.join(folder, 'sh'));
  return folder;
}

/** @returns {string} an empty project */
function makeProject() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-project-'));
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  return folder;
}

/** `npm install` of tarballs, perhaps with another PATH. @returns {string} what it said */
function npmInstall(project, tarballs, PATH = process.env.PATH) {
  const npm = process.env.PATH.split(path.delimiter)
    .map((folder) => path.join(folder, 'npm'))
    .find((file) => fs.existsSync(file));
  const args = ['install', '--no-audit', '--no-fund', '--foreground-scripts', ...tarballs];
  const env = { ...process.env, PATH };
  return must(process.execPath, [fs.realpathSync(npm), ...args], { cwd: project, env });
}

/** As npm would, for a machine that is not this one. */
function unpackInto(project, tarball, name) {
  const folder = path.join(project, 'node_modules', name);
  fs.mkdirSync(folder, { recursive: true });
  must('tar', ['--extract', '--file', tarball, '--directory', folder, '--strip-components=1']);
}

const echoOnce = `
  const server = searings.createTcpServer((connection) => connection.pipe(connection));
  process.removeAllListeners('warning').on('warning', () => {});
  server.listen(0, '127.0.0.1', () => {
    const { backend, fallbackReason } = server.info();
    const { addon } = searings.capabilities();
    const client = net.connect(server.address().port, '127.0.0.1');
    let echo = '';
    client.setEncoding('utf8').on('data', (text) => { echo += text; });
    client.on('end', () => server.close(() => {
      console.log(JSON.stringify({ backend, fallbackReason, echo, arch: process.arch, addon }));
    }));
    client.end('hello');
  });
`;
const PROGRAMS = {
  require: ['-e', `const net = require('net'), searings = require('searings'); ${echoOnce}`],
  import: [
    '--input-type=module',
    '-e',
    `import net from 'node:net'; import * as searings from 'searings'; ${echoOnce}`,
  ],
};

/**
 * Serves an echo in a project.
 *
 * @param {string} project
 * @param {'require' | 'import'} how the program gets searings
 * @param {string[]} [node] the command that runs Node.js
 * @returns {{backend: string, fallbackReason: string | null, echo: string, arch: string, addon: object}}
 */
function serveEcho(project, how, [command, ...args] = [process.execPath]) {
  const result = spawnSync(command, [...args, ...PROGRAMS[how]], {
    cwd: project,
    encoding: 'utf8',
    env: { ...process.env, SEARINGS_ADDON: '', SEARINGS_BACKEND: '' },
  });
  if (result.status !== 0) throw new Error(result.stderr);
  return JSON.parse(result.stdout);
}

module.exports = { makeTarballs, makeBarePath, makeProject, npmInstall, unpackInto, serveEcho };
