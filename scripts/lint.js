'use strict';

/*
 * Checks the format and the style of everything, or with --fix puts right what a program can.
 * Every checker runs, also when an earlier one complains, so that one run shows all there is.
 */

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { bootstrap } = require('./bootstrap');
const { buildFolder } = require('./lib/build');
const { root, run } = require('./lib/run');

const MAX_LINES = 550;
const C_FOLDERS = ['src', 'binding', 'test/c', 'test/faults', 'test/fuzz', 'benchmark', 'examples'];
const CODE_FOLDERS = [...C_FOLDERS, 'lib', 'bin', 'test', 'scripts', 'cmake', 'npm'];
const CODE = /\.(c|h|js|mjs|ts|mts|cmake|sh)$/;

function filesUnder(folder, pattern) {
  const full = path.join(root, folder);
  if (!fs.existsSync(full)) {
    return [];
  }
  return fs
    .readdirSync(full, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)));
}

function filesIn(folders, pattern) {
  return [...new Set(folders.flatMap((folder) => filesUnder(folder, pattern)))].sort();
}

function clangFormat(fix) {
  const files = filesIn(C_FOLDERS, /\.[ch]$/);
  return run('clang-format', [...(fix ? ['-i'] : ['--dry-run', '-Werror']), ...files]);
}

function biome(fix) {
  const program = path.join(root, 'node_modules', '.bin', 'biome');
  return run(program, ['check', '--error-on-warnings', ...(fix ? ['--write'] : []), '.']);
}

function fileLength() {
  const long = filesIn(CODE_FOLDERS, CODE)
    .map((file) => [file, fs.readFileSync(path.join(root, file), 'utf8').split('\n').length - 1])
    .filter(([, lines]) => lines > MAX_LINES)
    .map(([file, lines]) => `${file}: ${lines} lines, at most ${MAX_LINES}\n`);
  return { ok: long.length === 0, output: long.join(''), why: 'a file is too long' };
}

function tidyOne(file) {
  return new Promise((resolve) => {
    const child = spawn('clang-tidy', ['--quiet', '-p', buildFolder('debug'), file], { cwd: root });
    const output = [];
    child.stdout.on('data', (data) => output.push(data));
    child.stderr.resume();
    child.on('error', (error) => resolve(`${file}: ${error.message}\n`));
    child.on('close', (code) => {
      resolve(
        code === 0 ? '' : `${Buffer.concat(output)}${file}: clang-tidy exited with ${code}\n`,
      );
    });
  });
}

/** As many at a time as there are processors: the analyser is by far the slowest checker. */
async function clangTidy() {
  const files = filesIn(['src', 'binding'], /\.c$/);
  const outputs = [];
  const worker = async () => {
    for (let file = files.shift(); file; file = files.shift()) {
      outputs.push(await tidyOne(file));
    }
  };
  await Promise.all(os.cpus().map(worker));
  const output = outputs.join('');
  return { ok: output === '', output, why: 'clang-tidy has complaints' };
}

async function main(fix) {
  // The debug flavour: the analyser then knows what the assertions promise.
  bootstrap({ flavour: 'debug', tests: true, lint: true, compile: false });
  const checkers = { 'clang-format': clangFormat, biome };
  if (!fix) {
    Object.assign(checkers, { 'file length': fileLength, 'clang-tidy': clangTidy });
  }
  for (const [name, check] of Object.entries(checkers)) {
    const { ok, output, why } = await check(fix);
    console.log(ok ? `${name}: ok` : `${output}${name}: ${why}`);
    if (!ok) {
      process.exitCode = 1;
    }
  }
}

process.chdir(root);
main(process.argv.includes('--fix'));
