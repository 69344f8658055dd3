'use strict';

const assert = require('node:assert/strict');
const { ProtocolError, RespParser } = require('../examples/kv-server/resp');
const { createRandom } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_none, i) => i)).toString('latin1');

/** A command as clients send it. */
function frame(...args) {
  const parts = args.map((arg) => `$${arg.length}\r\n${arg}\r\n`);
  return `*${args.length}\r\n${parts.join('')}`;
}

/** The commands in `text`, which the parser gets in chunks of the lengths that `lengths()` says. */
function parse(text, lengths = () => text.length) {
  const bytes = Buffer.from(text, 'latin1');
  const parser = new RespParser();
  const commands = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + lengths());
    parser.push(bytes.subarray(at, end));
    at = end;
    for (let args = parser.next(); args !== null; args = parser.next()) commands.push(args);
  }
  return commands;
}

const VALID = [
  ['a command', frame('PING'), [['PING']]],
  ['arguments', frame('SET', 'key', 'value'), [['SET', 'key', 'value']]],
  ['an empty argument', frame('SET', 'key', ''), [['SET', 'key', '']]],
  [
    'line ends in an argument',
    frame('SET', '\r\n', '*1\r\n$4\r\n'),
    [['SET', '\r\n', '*1\r\n$4\r\n']],
  ],
  ['every byte there is', frame('ECHO', ALL_BYTES), [['ECHO', ALL_BYTES]]],
  ['a small command after a large one', frame(ALL_BYTES) + frame('PING'), [[ALL_BYTES], ['PING']]],
  ['many arguments', frame('DEL', ...Array(300).fill('k')), [['DEL', ...Array(300).fill('k')]]],
  [
    'several commands',
    frame('GET', 'a') + frame('GET', 'b'),
    [
      ['GET', 'a'],
      ['GET', 'b'],
    ],
  ],
  ['empty arrays', `*0\r\n*-1\r\n${frame('PING')}*0\r\n`, [['PING']]],
  ['an inline command', 'PING\r\n', [['PING']]],
  ['an inline command without CR', 'PING\n', [['PING']]],
  ['inline words', '  set  key\tvalue \r\n', [['set', 'key', 'value']]],
  ['inline quotes', `set "a key" 'a "value"' ""\r\n`, [['set', 'a key', 'a "value"', '']]],
  ['blank lines', `\r\n\n \r\n${frame('PING')}\r\n`, [['PING']]],
  ['both kinds in turn', `PING\r\n${frame('PING')}PING\r\n`, [['PING'], ['PING'], ['PING']]],
];

const INVALID = [
  ['a length that is no number', '*x\r\n', 'invalid multibulk length'],
  ['no length', '*\r\n', 'invalid multibulk length'],
  ['a number with a fraction', '*1.5\r\n', 'invalid multibulk length'],
  ['too many arguments', '*1048577\r\n', 'invalid multibulk length'],
  ['a very long number', '*00000000001', 'invalid multibulk length'],
  ['a header that ends in CR alone', '*1\rx', 'invalid multibulk length'],
  ['an argument that is no bulk string', '*1\r\n:1\r\n', "expected '$', got ':'"],
  ['a negative length', '*1\r\n$-1\r\n', 'invalid bulk length'],
  ['a length that is no number', '*1\r\n$1e3\r\n', 'invalid bulk length'],
  ['an argument that is too long', '*1\r\n$67108865\r\n', 'invalid bulk length'],
  [
    'a bulk string with another length',
    '*1\r\n$4\r\nPINGPONG',
    'expected the end of a bulk string',
  ],
  ['an inline command without end', 'x'.repeat(65537), 'too big inline request'],
  ['unbalanced quotes', 'set "a key\r\n', 'unbalanced quotes in request'],
];

describe('examples/kv-server/resp.js', function () {
  limit(this, 20);

  for (const [what, text, commands] of VALID) {
    it(`understands ${what}`, () => {
      assert.deepEqual(parse(text), commands);
      assert.deepEqual(
        parse(text, () => 1),
        commands,
      );
    });
  }

  it('understands all of these wherever the chunks end', () => {
    const text = VALID.map(([, part]) => part).join('');
    const commands = VALID.flatMap(([, , list]) => list);
    const random = createRandom(63);
    for (let i = 0; i < 200; i++) {
      assert.deepEqual(
        parse(text, () => 1 + Math.floor(random() * 40)),
        commands,
      );
    }
  });

  it('understands large arguments in small chunks', () => {
    const value = ALL_BYTES.repeat((16 * MIB) / 256);
    const [first, second] = parse(frame('SET', 'key', value) + frame('PING'), () => 16000);
    assert.equal(first.length, 3);
    assert.ok(first[2] === value); // not equal(): nobody wants to see the difference
    assert.deepEqual(second, ['PING']);
  });

  for (const [what, text, message] of INVALID) {
    it(`refuses ${what}: ${message}`, () => {
      const refusal = (err) => err instanceof ProtocolError && err.message === message;
      assert.throws(() => parse(text), refusal);
      assert.throws(() => parse(frame('PING') + text, () => 7), refusal);
    });
  }

  it('refuses a command whose arguments are too long together', () => {
    const parser = new RespParser();
    const third = Buffer.from(`$${24 * MIB}\r\n${'x'.repeat(24 * MIB)}\r\n`);
    parser.push(Buffer.from('*3\r\n'));
    for (let i = 0; i < 2; i++) {
      parser.push(third);
      assert.equal(parser.next(), null);
    }
    parser.push(third.subarray(0, 20));
    assert.throws(() => parser.next(), { message: 'invalid bulk length' });
  });
});
