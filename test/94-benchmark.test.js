'use strict';

const assert = require('node:assert/strict');
const { cases, suites } = require('../benchmark/cases');
const { Latencies } = require('../benchmark/latencies');
const { commandOf, lengthOf, parseOptions } = require('../benchmark/options');
const { stale } = require('../benchmark/publish');
const { judge, render, summarize } = require('../benchmark/report');
const { parseStrace } = require('../benchmark/syscalls');
const { parseWrk } = require('../benchmark/wrk');
const { drawChart } = require('../benchmark/chart');

const WRK = `Running 1s test @ http://127.0.0.1:42291/
  24943 requests in 1.01s, 3.02MB read
Requests/sec:  24665.15
{"requests":24943,"durationUs":1011265,"bytes":3166212,"cpuSeconds":0.34,"p50":177.0,"p90":900.0,"p99":3100.0,"p999":9000.0,"max":58205.0,"errors":{"connect":0,"read":0,"write":0,"status":0,"timeout":0}}
`;

const STRACE = `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 52.10    0.042913           2     20011           write
 40.02    0.032962           1     20110        99 read
  7.88    0.006490          12       512           epoll_pwait
------ ----------- ----------- --------- --------- ----------------
100.00    0.082365           2     40633        99 total
`;

/** A sample as measure.js makes them, of which a test says what matters. */
function sample(more) {
  return { rate: 100_000, p50: 400, p99: 900, mainUs: 8, foreign: 0, backend: 'io_uring', ...more };
}

function result(...samples) {
  return { samples, failures: [], summary: summarize(samples) };
}

/** The cases of a run, of which the judge wants to know `tcp-64`. */
function echoCase(net, searings) {
  const servers = { net: result(...net), searings: result(...searings) };
  return { 'tcp-64': { title: '64 connections', section: 'tcp', base: 'net', servers } };
}

function reportOf(measured, absent = {}) {
  const environment = {
    date: '2026-01-02T03:04:05.678Z',
    commit: 'abc',
    node: 'v26.0.0',
    kernel: '6.18.0',
    cpu: 'a CPU × 2',
    versions: {},
    command: 'node benchmark/run.js',
    rounds: 3,
    seconds: 1,
    others: { rounds: 3, seconds: 1 },
    serverCpu: 0,
    loadCpu: 1,
  };
  return { environment, absent, verdicts: judge(measured), cases: measured };
}

describe('benchmark: what the tools say', () => {
  it('takes the report of wrk from among its other lines', () => {
    const report = parseWrk(WRK);
    assert.equal(report.p99, 3100);
    assert.equal(Math.round(report.rate), 24665);
  });

  it('takes no figure from a run of wrk with errors, or without answers', () => {
    assert.throws(() => parseWrk(WRK.replace('"status":0', '"status":3')), /3 × status/);
    assert.throws(() => parseWrk(WRK.replace('"requests":24943', '"requests":0')), /no request/);
    assert.throws(() => parseWrk('unable to connect'), /no report: unable to connect/);
  });

  it('takes the calls, not the total, from the table of strace', () => {
    assert.deepEqual(parseStrace(STRACE), { write: 20011, read: 20110, epoll_pwait: 512 });
  });

  it('has percentiles of latencies that come in pieces of any length', () => {
    const values = Uint32Array.from({ length: 1000 }, (_, i) => (i + 1) * 100); // 1 to 1000 µs
    const bytes = Buffer.from(values.buffer);
    const latencies = new Latencies();
    for (let at = 0; at < bytes.length; at += 7) latencies.add(bytes.subarray(at, at + 7));
    assert.equal(latencies.count, 1000);
    const { p50, p99 } = latencies.percentiles();
    assert.ok(Math.abs(p50 - 500) < 1, `p50 is ${p50}`);
    assert.ok(Math.abs(p99 - 990) < 1, `p99 is ${p99}`);
    assert.equal(new Latencies().percentiles().p99, null);
  });
});

describe('benchmark: the report', () => {
  it('judges medians, not the best round', () => {
    const ours = [sample({ rate: 300_000 }), sample({ rate: 120_000 }), sample({ rate: 110_000 })];
    const verdicts = judge(echoCase([sample(), sample(), sample()], ours));
    const rate = verdicts.find(({ text }) => text.includes('messages/s'));
    assert.equal(rate.value, 1.2);
    assert.equal(rate.met, false);
  });

  it('shows a slower server and a missed threshold like any other', () => {
    const text = render(reportOf(echoCase([sample()], [sample({ rate: 50_000 })])));
    assert.match(text, /\| 64 connections +\| searings \| +50,000 \(50,000–50,000\) \| +0\.50 \|/);
    assert.match(
      text,
      /- missed: tcp-64, searings: messages\/s against net ≥ 1\.4, measured 0\.500/,
    );
  });

  it('calls a threshold void when others used the CPUs, or the fallback ran', () => {
    for (const spoilt of [{ foreign: 0.5 }, { backend: 'net' }]) {
      const measured = echoCase([sample()], [sample({ rate: 200_000, ...spoilt })]);
      assert.equal(judge(measured)[0].met, false);
      assert.match(render(reportOf(measured)), /- void: tcp-64, searings: messages\/s/);
    }
  });

  it('says what failed and who was absent', () => {
    const measured = echoCase([sample()], [sample()]);
    measured['tcp-64'].servers.searings = { samples: [], failures: ['it fell over'], summary: {} };
    const text = render(reportOf(measured, { bun: 'not installed' }));
    assert.match(text, /\| 64 connections +\| searings +\| +failed \|/);
    assert.match(text, /- failed: tcp-64, searings: it fell over/);
    assert.match(text, /- not measured: bun: not installed/);
  });

  it('draws the same chart from the same figures', () => {
    const report = reportOf(echoCase([sample()], [sample({ rate: 160_000 })]));
    const svg = drawChart(report);
    assert.match(svg, /^<svg /);
    assert.match(svg, /1\.60/);
    assert.equal(drawChart(report), svg);
  });
});

describe('benchmark: the command line', () => {
  const load = ['--load', process.execPath]; // anything that exists

  it('knows suites and cases, and refuses others', () => {
    assert.deepEqual(parseOptions([...load]).cases, suites.main);
    assert.deepEqual(parseOptions([...load, '--case', 'churn']).cases, ['churn']);
    assert.throws(() => parseOptions([...load, '--case', 'chrun']), /--case chrun: expected /);
    assert.throws(() => parseOptions([...load, '--suite', 'some']), /--suite some: expected /);
    assert.throws(() => parseOptions([...load, '--servers', 'nets']), /--servers nets: expected /);
    assert.throws(() => parseOptions([...load, '--rounds', '1.5']), /--rounds 1\.5/);
    assert.throws(() => parseOptions([...load, '--save', '../x']), /--save/);
    assert.throws(() => parseOptions(['--load', '/nowhere']), /no load generator/);
  });

  it('gives more time to what has thresholds, unless it is told a length', () => {
    const usual = parseOptions(load);
    assert.deepEqual(lengthOf('http-64', usual), { rounds: 5, seconds: 3 });
    assert.deepEqual(lengthOf('https', usual), { rounds: 3, seconds: 2 });
    const told = parseOptions([...load, '--rounds', '9']);
    assert.deepEqual(lengthOf('https', told), { rounds: 9, seconds: 2 });
  });

  it('has only cases that exist in its suites, each with a base', () => {
    for (const name of Object.values(suites).flat()) {
      assert.ok(cases[name], name);
      assert.match(cases[name].servers[0], /^(net|node|node:http)$/, name);
    }
  });

  it('takes servers with options of ours, and only servers that there are', () => {
    const { servers } = parseOptions(['--servers', 'net,searings@bufferSize=4096+driver=inline']);
    assert.deepEqual(servers, ['net', 'searings@bufferSize=4096+driver=inline']);
    assert.throws(() => parseOptions(['--servers', 'nobody@bufferSize=4096']), /nobody/);
  });

  it('keeps paths of this machine out of what is saved', () => {
    const command = commandOf(['--suite', 'full', '--node', '/some/node', '--save', 'full']);
    assert.equal(command, 'node benchmark/run.js --suite full --node … --save full');
  });
});

describe('benchmark: what is checked in', () => {
  it('agrees: README, pages and charts with the JSON they are made from', () => {
    assert.deepEqual(stale(), [], 'node benchmark/publish.js makes them anew');
  });
});
