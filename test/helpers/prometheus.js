'use strict';

const assert = require('node:assert/strict');

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|$)/y;
const HELP = new RegExp(`^# HELP (${NAME}) (\\S.*)$`);
const TYPE = new RegExp(`^# TYPE (${NAME}) (counter|gauge)$`);
const SAMPLE = new RegExp(`^(${NAME})\\{(.*)\\} (\\d+)$`);
/** Units that are not base units, and words that a type or a unit has to itself. */
const BAD_WORD = /(^|_)(ms|millis|milliseconds|micros|us|ns|kib|mib|kb|mb|minutes|bits|count)(_|$)/;

function unquoted(text) {
  return text.replace(/\\(.)/g, (_all, letter) => (letter === 'n' ? '\n' : letter));
}

function parseLabels(text) {
  const labels = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    assert.ok(match, `labels at ${at} of ${text}`);
    assert.ok(!match[1].startsWith('__') && !(match[1] in labels), text);
    labels[match[1]] = unquoted(match[2]);
  }
  assert.ok(!text.endsWith(','), text);
  return labels;
}

/**
 * Reads the text format, strictly: each metric is there once, as HELP, TYPE and its samples, each sample
 * once; names follow Prometheus' own rules.
 *
 * @returns {Map<string, {type: string, help: string, samples: {labels: object, value: number}[]}>}
 */
function parseMetrics(text) {
  assert.ok(text.endsWith('\n') && !text.includes('\r'), 'it ends with a line feed');
  const metrics = new Map();
  const lines = text.slice(0, -1).split('\n');
  for (let i = 0; i < lines.length; ) {
    const [, name, help] = HELP.exec(lines[i++]) ?? assert.fail(`no HELP: ${lines[i - 1]}`);
    const [, same, type] = TYPE.exec(lines[i++]) ?? assert.fail(`no TYPE: ${lines[i - 1]}`);
    assert.equal(same, name);
    assert.ok(!metrics.has(name), `${name} twice`);
    assert.equal(name.endsWith('_total'), type === 'counter', `${name} is a ${type}`);
    assert.ok(!BAD_WORD.test(name), name);
    const samples = [];
    const seen = new Set();
    for (; i < lines.length && !lines[i].startsWith('#'); i++) {
      const [, whose, labels, value] = SAMPLE.exec(lines[i]) ?? assert.fail(lines[i]);
      assert.equal(whose, name);
      assert.ok(!seen.has(labels), lines[i]);
      seen.add(labels);
      samples.push({ labels: parseLabels(labels), value: Number(value) });
    }
    assert.ok(samples.length > 0, `${name} without a sample`);
    metrics.set(name, { type, help, samples });
  }
  return metrics;
}

module.exports = { parseMetrics };
