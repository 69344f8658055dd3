'use strict';

/*
 * Debian packages of any architecture, unpacked into build/package/. The machine's own package
 * management is asked for its sources only: no architecture is added to it and nothing installed.
 */

const fs = require('node:fs');
const path = require('node:path');
const { must, root, say } = require('./run');

const PACKAGES = ['liburing-dev', 'linux-libc-dev', 'musl', 'musl-dev'];

function settings(debian, folder) {
  return `
    APT::Architecture "${debian}";
    APT::Architectures { "${debian}"; };
    APT::Sandbox::User "root";
    Acquire::Retries "3";
    Dir::State "${folder}/state";
    Dir::State::status "${folder}/status";
    Dir::Cache "${folder}/cache";
  `;
}

/** Downloads the packages. @returns {string[]} their files */
function download(debian, folder) {
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'packages']) {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
  }
  fs.writeFileSync(path.join(folder, 'status'), '');
  fs.writeFileSync(path.join(folder, 'apt.conf'), settings(debian, folder));
  const env = { ...process.env, APT_CONFIG: path.join(folder, 'apt.conf') };
  const packages = path.join(folder, 'packages');
  must('apt-get', ['-q', 'update'], { env });
  must('apt-get', ['-q', 'download', ...PACKAGES], { env, cwd: packages });
  return fs.readdirSync(packages).map((name) => path.join(packages, name));
}

/** What a prebuilt addon is compiled with, besides compiler and glibc. @returns {string} its folder */
function ensureSysroot({ debian }) {
  const folder = path.join(root, 'build', 'package', 'sysroot', debian);
  if (fs.existsSync(folder)) return folder;
  say(`fetching ${PACKAGES.join(', ')} for ${debian}`);
  const work = `${folder}.download`;
  fs.rmSync(work, { recursive: true, force: true });
  const unpacked = path.join(work, 'unpacked');
  for (const file of download(debian, work)) {
    must('dpkg-deb', ['--extract', file, unpacked]);
  }
  fs.renameSync(unpacked, folder);
  fs.rmSync(work, { recursive: true });
  return folder;
}

module.exports = { ensureSysroot };
