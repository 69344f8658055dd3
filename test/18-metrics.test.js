'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const searings = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, connect, readAll } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { useNetwork } = require('./helpers/network');
const { parseMetrics } = require('./helpers/prometheus');
const { identity } = require('./helpers/tls');

const { METRICS_CONTENT_TYPE, UringHttpServer, UringTcpEchoServer, UringTcpServer } = searings;
const { createTcpServer, formatMetrics } = searings;
const DOCUMENT = path.join(__dirname, '..', 'docs', 'metrics.md');

const NODE_LIKE = {
  tcp: () => createTcpServer(),
  http: () => searings.createHttpServer(),
  tls: () => searings.createTlsServer(identity('server')),
  https: () => searings.createHttpsServer(identity('server')),
};
const RAW = {
  uring_tcp: () => new UringTcpServer(),
  uring_tcp_echo: () => new UringTcpEchoServer(),
  uring_http: () => new UringHttpServer({ responseBody: 'fixed' }),
};

/** The value of a metric that has one sample. */
function value(metrics, name) {
  const { samples } = metrics.get(name);
  assert.equal(samples.length, 1);
  return samples[0].value;
}

/** Holds the metrics of a server against its info(). */
function checkAgainstInfo(server, kind) {
  const text = server.metrics();
  const info = server.info();
  const metrics = parseMetrics(text);
  for (const { samples } of metrics.values()) {
    for (const { labels } of samples) {
      assert.equal(labels.server, kind);
      assert.equal(labels.backend, expectedBackend);
      assert.equal(labels.driver, info.driver ?? 'none');
    }
  }
  const numbers = Object.keys(info).filter(
    (name) => typeof info[name] === 'number' && name !== 'port',
  );
  const others = ['listening', 'fallback', 'fast_path', 'restricted_ring'];
  const counted = [...metrics.keys()].filter((name) => !others.includes(name.slice(9)));
  assert.equal(counted.length, numbers.length, 'every number of info(), and no other');
  assert.equal(value(metrics, 'searings_listening'), 1);
  return metrics;
}

describe('metrics()', () => {
  const network = useNetwork();
  const running = [];

  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.stop()));
  });

  async function start(server) {
    running.push(server);
    await server.start(server instanceof UringTcpServer ? () => {} : undefined);
    return server;
  }

  for (const [kind, create] of Object.entries(NODE_LIKE)) {
    it(`of a server of the kind ${kind}`, async () => {
      checkAgainstInfo(await network.open(create()), kind);
    });
  }

  for (const [kind, create] of Object.entries(RAW)) {
    it(`of a server of the kind ${kind}`, async () => {
      checkAgainstInfo(await start(create()), kind);
    });
  }

  it('counts what happens', async () => {
    const server = await network.listen({}, (connection) => connection.pipe(connection));
    const client = await network.connect(server);
    client.end('12345');
    assert.equal((await readAll(client)).length, 5);
    await eventually(() => server.info().connectionsClosed === 1, 'the end');
    const metrics = parseMetrics(server.metrics());
    const names = ['connections', 'connections_accepted_total', 'connections_closed_total'];
    names.push('received_bytes_total', 'sent_bytes_total');
    const values = names.map((name) => value(metrics, `searings_${name}`));
    assert.deepEqual(values, [0, 1, 1, 5, 5]);
  });

  it('counts requests of a UringHttpServer', async () => {
    const server = await start(new UringHttpServer({ responseBody: 'fixed' }));
    const client = await connect(server.info().port);
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await readAll(client);
    client.destroy();
    const metrics = parseMetrics(server.metrics());
    assert.equal(value(metrics, 'searings_http_requests_total'), 1);
    assert.equal(value(metrics, 'searings_http_fixed_responses_total'), 1);
  });

  it('before listening there are no counters; after the end the last ones stay', async () => {
    const server = createTcpServer();
    const before = parseMetrics(server.metrics());
    assert.deepEqual([...before.keys()], ['searings_listening', 'searings_fallback']);
    await network.open(server);
    server.close();
    await once(server, 'close');
    const after = parseMetrics(server.metrics());
    assert.equal(value(after, 'searings_listening'), 0);
    assert.equal(value(after, 'searings_connections_accepted_total'), 0);
  });

  it('tells of the fallback, and why', () => {
    const { samples } = parseMetrics(createTcpServer().metrics()).get('searings_fallback');
    const onNet = expectedBackend === 'net';
    assert.equal(samples[0].value, onNet ? 1 : 0);
    assert.equal(samples[0].labels.reason, onNet ? 'SEARINGS_BACKEND=net' : undefined);
  });

  it('takes labels of any text, and a prefix', async () => {
    const server = await network.listen();
    const labels = { zone: 'a"b\\c\nd', shard: 7, empty: '' };
    const metrics = parseMetrics(server.metrics({ prefix: 'app:tcp_', labels }));
    const { zone, shard, empty } = metrics.get('app:tcp_connections').samples[0].labels;
    assert.deepEqual([zone, shard, empty], [labels.zone, '7', '']);
    for (const name of metrics.keys()) assert.ok(name.startsWith('app:tcp_'), name);
    assert.ok(parseMetrics(server.metrics({ prefix: '' })).has('connections'));
  });

  it('refuses options that would break the format', () => {
    const server = createTcpServer();
    const type = { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' };
    const wrong = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
    for (const options of [1, 'x', null, { prefix: 1 }, { labels: 'x' }, { labels: { a: {} } }]) {
      assert.throws(() => server.metrics(options), type);
    }
    for (const prefix of ['1', 'a-b', 'a b', 'a\n', 'ä']) {
      assert.throws(() => server.metrics({ prefix }), wrong);
    }
    for (const label of ['', '1', 'a-b', 'a:b', '__a', 'server', 'name', 'a\n', 'a="x",b']) {
      assert.throws(() => server.metrics({ labels: { [label]: 'x' } }), wrong);
    }
    assert.throws(() => server.metrics({ label: {} }), wrong);
  });

  it('formatMetrics() gives several servers in one text', async () => {
    const web = await start(new UringHttpServer());
    const chat = await network.listen();
    const text = formatMetrics({ web, chat, 'a "name"': createTcpServer() }, { labels: { x: 1 } });
    const { samples } = parseMetrics(text).get('searings_listening');
    const seen = samples.map(({ labels, value: on }) => [labels.name, labels.server, labels.x, on]);
    assert.deepEqual(seen, [
      ['web', 'uring_http', '1', 1],
      ['chat', 'tcp', '1', 1],
      ['a "name"', 'tcp', '1', 0],
    ]);
    assert.equal(formatMetrics({}), '');
    for (const servers of [undefined, null, 1, { a: null }, { a: http.createServer() }]) {
      assert.throws(() => formatMetrics(servers), { code: 'ERR_INVALID_ARG_TYPE' });
    }
  });

  it('is served with its content type', async () => {
    const chat = await network.listen();
    const admin = http.createServer((_request, response) => {
      response.setHeader('Content-Type', METRICS_CONTENT_TYPE);
      response.end(chat.metrics());
    });
    admin.listen(0, LOOPBACK);
    await once(admin, 'listening');
    const response = await fetch(`http://${LOOPBACK}:${admin.address().port}/metrics`);
    const text = await response.text();
    admin.close();
    admin.closeAllConnections();
    assert.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
    assert.ok(parseMetrics(text).has('searings_connections'));
  });

  it('docs/metrics.md has every metric, with its type', async () => {
    const all = { ...NODE_LIKE, ...RAW };
    const document = fs.readFileSync(DOCUMENT, 'utf8');
    for (const create of Object.values(all)) {
      const server = create();
      if (server.start) await start(server);
      else await network.open(server);
      for (const [name, { type }] of parseMetrics(server.metrics({ prefix: '' }))) {
        const row = document.split('\n').find((line) => line.startsWith(`| \`${name}\``));
        assert.ok(row?.includes(`| ${type} `), `${name}, a ${type}`);
      }
    }
  });
});
