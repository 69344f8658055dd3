'use strict';

const assert = require('node:assert/strict');
const { version } = require('../package.json');
const { searings, searingsJson } = require('./helpers/launch');
const { limit } = require('./helpers/scale');

describe('the searings command', function () {
  limit(this, 20);

  for (const [what, args, complaint] of [
    ['no command', [], /which command\?/],
    ['an unknown command', ['docter'], /there is no command 'docter'/],
    ['an empty command', [''], /there is no command ''/],
    ['an unknown flag', ['doctor', '--jsno'], /--jsno/],
    ['a flag of another command', ['capabilities', '--require-ready'], /--require-ready/],
    ['a value for a flag that takes none', ['doctor', '--json=yes'], /--json/],
    ['a word too many', ['capabilities', 'all'], /'all'/],
    ['zcrx-probe without a target', ['zcrx-probe'], /either --interface <name> or --all/],
    ['both targets', ['zcrx-probe', '--all', '--interface', 'lo'], /either/],
    ['an empty name', ['zcrx-probe', '--interface', ''], /--interface takes a name/],
    ['a missing name', ['zcrx-probe', '--interface'], /--interface/],
    ['1e3 for a number', ['zcrx-probe', '--all', '--rx-queue', '1e3'], /--rx-queue .*'1e3'/],
    ['an empty number', ['zcrx-probe', '--all', '--rx-queue='], /--rx-queue .*''/],
    ['a negative number', ['zcrx-probe', '--all', '--rx-queue=-1'], /--rx-queue .*'-1'/],
    ['a number too large', ['zcrx-probe', '--all', '--rx-queue', '65536'], /--rx-queue .*'65536'/],
    ['a hexadecimal number', ['zcrx-probe', '--all', '--rx-buffer-size', '0x1000'], /'0x1000'/],
    ['an interface twice', ['zcrx-probe', '--interface', 'lo', '--interface', 'lo'], /twice/],
    ['an empty name and one', ['zcrx-probe', '--interface=', '--interface', 'lo'], /twice/],
    ['a number twice', ['zcrx-probe', '--all', '--rx-queue', '1e3', '--rx-queue', '0'], /twice/],
    ['a flag twice', ['doctor', '--json', '--json'], /--json is given twice/],
    ['a word behind --help', ['--help', 'bogus'], /nothing goes behind --help, not 'bogus'/],
    ['a word behind help', ['help', 'bogus'], /nothing goes behind help/],
    ['a word behind --version', ['--version', 'extra'], /nothing goes behind --version/],
    ['an odd buffer size', ['zcrx-probe', '--all', '--rx-buffer-size', '5000'], /power of two/],
  ]) {
    it(`exits with 64 and its usage for ${what}`, async () => {
      const { code, stdout, stderr } = await searings(args);
      assert.equal(code, 64, stderr);
      assert.equal(stdout, '');
      assert.match(stderr.split('\n', 1)[0], /^searings: /);
      assert.match(stderr, complaint);
      assert.match(stderr, /^Usage: searings /m);
      assert.ok(!stderr.includes('    at '), 'no stack');
    });
  }

  it('tells the usage of the command that was meant', async () => {
    const { stderr } = await searings(['doctor', '--jsno']);
    assert.match(stderr, /^Usage: searings doctor \[--json\]/m);
    assert.ok(!stderr.includes('zcrx-probe'));
  });

  it('has a help and a version', async () => {
    const help = await searings(['--help']);
    assert.equal(help.code, 0);
    for (const name of ['capabilities', 'doctor', 'zcrx-probe'])
      assert.match(help.stdout, new RegExp(name));
    const one = await searings(['doctor', '--help']);
    assert.match(one.stdout, /^Usage: searings doctor/);
    assert.deepEqual(await searings(['--version']), {
      code: 0,
      stdout: `${version}\n`,
      stderr: '',
    });
  });

  it('capabilities prints a line for each feature', async () => {
    const { report } = await searingsJson(['capabilities']);
    const { code, stdout } = await searings(['capabilities']);
    assert.equal(code, 0);
    for (const [name, { available, since }] of Object.entries(report.features)) {
      const mark = available ? 'yes' : 'no';
      assert.match(stdout, new RegExp(`^ {2}${mark} +${name} +${since.replace('.', '\\.')} `, 'm'));
    }
    assert.match(stdout, /locked memory +\d+|locked memory +unlimited/);
  });

  it('capabilities tells what was tried for the addon, and what would bring one', async () => {
    const env = { SEARINGS_ADDON: '/nowhere.node' };
    const { code, stdout } = await searings(['capabilities'], { env });
    assert.equal(code, 0);
    assert.match(stdout, /^ {2}\/nowhere\.node: Cannot find module/m);
    assert.match(stdout, /^ {2}fix: unset SEARINGS_ADDON/m);
  });

  it('does not mind a reader that stops reading', async () => {
    const prefix = ['sh', '-c', '"$@" | true', 'sh'];
    const { code, stderr } = await searings(['capabilities'], { prefix });
    assert.equal(stderr, '');
    assert.equal(code, 0);
  });

  it('says in a line that the report cannot be written, and exits with 74', async () => {
    for (const args of [['capabilities'], ['--help']]) {
      const prefix = ['sh', '-c', '"$@" > /dev/full', 'sh'];
      const { code, stderr } = await searings(args, { prefix });
      assert.match(stderr, /^searings: the report cannot be written: ENOSPC: [^\n]*\n$/);
      assert.equal(code, 74);
    }
  });
});
