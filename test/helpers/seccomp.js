'use strict';

const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { launcher } = require('./launch');

const PROFILE = path.join(__dirname, '..', '..', 'docs', 'seccomp.json');
const ARCHITECTURES = {
  x64: ['SCMP_ARCH_X86_64', 0xc000003e],
  arm64: ['SCMP_ARCH_AARCH64', 0xc00000b7],
};

// Instructions of classic BPF, and what they read: fields of struct seccomp_data.
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const AND = 0x54;
const RETURN = 0x06;
const NUMBER = 0;
const ARCHITECTURE = 4;
const ARGUMENTS = 16;
const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
const KILL = 0x80000000;

/** @returns {Map<string, number>} the system calls of this architecture, from the C headers */
function systemCalls() {
  const text = execFileSync('gcc', [
    '-dM',
    '-E',
    '-include',
    'sys/syscall.h',
    '-x',
    'c',
    '/dev/null',
  ]);
  const defined = new Map();
  for (const [, name, value] of String(text).matchAll(/^#define (__NR\w+) (\w+)$/gm)) {
    defined.set(name, value);
  }
  const numbers = new Map();
  for (const [name, value] of defined) {
    const number = Number(defined.get(value) ?? value);
    if (name.startsWith('__NR_')) numbers.set(name.slice(5), number);
  }
  return numbers;
}

function readProfile() {
  return JSON.parse(fs.readFileSync(PROFILE, 'utf8'));
}

/** The same without some of the calls. */
function withoutCalls(profile, calls) {
  const syscalls = profile.syscalls.map((rule) => {
    return { ...rule, names: rule.names.filter((name) => !calls.includes(name)) };
  });
  return { ...profile, syscalls };
}

function resultOf(action, errno) {
  if (action === 'SCMP_ACT_ALLOW') return ALLOW;
  if (action === 'SCMP_ACT_ERRNO') return ERRNO | errno;
  throw new Error(`the profile has an action that is not known here: ${action}`);
}

/** The instructions of one call: what it returns if it is the one, and fits. */
function ruleFor(number, { action, errnoRet, args = [] }) {
  const body = [];
  for (const { index, value, valueTwo, op } of args) {
    if (op !== 'SCMP_CMP_MASKED_EQ' || args.length > 1) throw new Error(`${op} is not known here`);
    body.push([LOAD, ARGUMENTS + 8 * index], [AND, value], [JUMP_IF_EQUAL, valueTwo, 0, 1]);
  }
  body.push([RETURN, resultOf(action, errnoRet)]);
  if (args.length > 0) body.push([LOAD, NUMBER]); // for the rules behind
  return [[JUMP_IF_EQUAL, number, 0, body.length], ...body];
}

/** A profile in the format of Docker as a filter for this architecture. @returns {Buffer} */
function compile(profile) {
  const [name, code] = ARCHITECTURES[process.arch];
  if (!profile.archMap.some(({ architecture }) => architecture === name)) {
    throw new Error(`the profile is not for ${name}`);
  }
  const numbers = systemCalls();
  const rules = profile.syscalls.flatMap((rule) => {
    const known = rule.names.filter((call) => numbers.has(call)); // as container runtimes do
    return known.flatMap((call) => ruleFor(numbers.get(call), rule));
  });
  const filter = [
    [LOAD, ARCHITECTURE],
    [JUMP_IF_EQUAL, code, 1, 0],
    [RETURN, KILL],
    [LOAD, NUMBER],
    ...rules,
    [RETURN, resultOf(profile.defaultAction, profile.defaultErrnoRet)],
  ];
  const bytes = Buffer.alloc(filter.length * 8);
  filter.forEach(([operation, operand, yes = 0, no = 0], i) => {
    bytes.writeUInt16LE(operation, i * 8);
    bytes.writeUInt8(yes, i * 8 + 2);
    bytes.writeUInt8(no, i * 8 + 3);
    bytes.writeUInt32LE(operand, i * 8 + 4);
  });
  return bytes;
}

/** Words in front of a command that let it run under a profile. */
function underProfile(profile) {
  const program = launcher('filtered');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-seccomp-'));
  process.once('exit', () => fs.rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'filter');
  fs.writeFileSync(file, compile(profile));
  return [program, file];
}

module.exports = { readProfile, systemCalls, underProfile, withoutCalls };
