'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, connect } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { stop, useNetwork } = require('./helpers/network');
const { acceptedOption, listenerOption } = require('./helpers/sockopt');

const KIB = 1024;
const onRing = expectedBackend === 'io_uring';

describe('options of the sockets', () => {
  const network = useNetwork();

  /** What a connection's socket says, of a server with these options. */
  async function accepted(options, option) {
    const { server, client } = await network.pair(options);
    return acceptedOption(server, client, option);
  }

  it('TCP_NODELAY is on, unless tcpNoDelay or noDelay is false', async () => {
    assert.equal(await accepted({}, 'TCP_NODELAY'), 1);
    assert.equal(await accepted({ tcpNoDelay: false }, 'TCP_NODELAY'), 0);
    assert.equal(await accepted({ noDelay: false }, 'TCP_NODELAY'), 0);
    assert.equal(await accepted({ noDelay: false, tcpNoDelay: true }, 'TCP_NODELAY'), 1);
  });

  it('setNoDelay() changes TCP_NODELAY of one connection', async () => {
    const { server, client, connection } = await network.pair({});
    assert.equal(connection.setNoDelay(false), connection);
    assert.equal(acceptedOption(server, client, 'TCP_NODELAY'), 0);
    connection.setNoDelay();
    assert.equal(acceptedOption(server, client, 'TCP_NODELAY'), 1);
  });

  it('keepAlive and keepAliveInitialDelay set SO_KEEPALIVE and TCP_KEEPIDLE', async () => {
    const options = { keepAlive: true, keepAliveInitialDelay: 123_000 };
    const { server, client } = await network.pair(options);
    assert.equal(acceptedOption(server, client, 'SO_KEEPALIVE'), 1);
    assert.equal(acceptedOption(server, client, 'TCP_KEEPIDLE'), 123);
    assert.equal(await accepted({}, 'SO_KEEPALIVE'), 0);
  });

  it('setKeepAlive() changes them of one connection', async () => {
    const { server, client, connection } = await network.pair({});
    connection.setKeepAlive(true, 45_000);
    assert.equal(acceptedOption(server, client, 'SO_KEEPALIVE'), 1);
    assert.equal(acceptedOption(server, client, 'TCP_KEEPIDLE'), 45);
    connection.setKeepAlive(false);
    assert.equal(acceptedOption(server, client, 'SO_KEEPALIVE'), 0);
  });

  it('ipv6Only keeps IPv4 off an IPv6 address', async () => {
    for (const ipv6Only of [false, true]) {
      const server = createTcpServer();
      server.listen({ port: 0, host: '::', ipv6Only });
      await once(server, 'listening');
      assert.equal(listenerOption(server, 'IPV6_V6ONLY'), Number(ipv6Only));
      await stop(server);
    }
  });

  if (!onRing) return; // node:net has none of these on all versions of Node

  it('socketRecvBufferSize and socketSendBufferSize set SO_RCVBUF and SO_SNDBUF', async () => {
    const options = { socketRecvBufferSize: 48 * KIB, socketSendBufferSize: 24 * KIB };
    const { server, client } = await network.pair(options);
    // The kernel doubles what it is given, for its own book-keeping.
    assert.equal(acceptedOption(server, client, 'SO_RCVBUF'), 96 * KIB);
    assert.equal(acceptedOption(server, client, 'SO_SNDBUF'), 48 * KIB);
  });

  it('tcpDeferAcceptSeconds accepts a connection only when it has data', async () => {
    const server = await network.listen({ tcpDeferAcceptSeconds: 10 });
    assert.ok(listenerOption(server, 'TCP_DEFER_ACCEPT') >= 10);
    const accepted = [];
    server.on('connection', (connection) => accepted.push(connection.remotePort));
    const silent = await network.connect(server);
    const talking = await network.connect(server);
    talking.write('hello');
    await eventually(() => accepted.length === 1, 'a connection');
    assert.deepEqual(accepted, [talking.localPort]);
    silent.write('me too');
    await eventually(() => accepted.length === 2, 'the other connection');
  });

  it('reusePort lets several servers share a port', async () => {
    const first = await network.listen({ reusePort: true });
    assert.equal(listenerOption(first, 'SO_REUSEPORT'), 1);
    const { port } = first.address();
    const second = createTcpServer({ reusePort: true, port, host: LOOPBACK });
    second.listen();
    await once(second, 'listening');
    try {
      const served = { first: 0, second: 0 };
      first.on('connection', (connection) => connection.end(`${++served.first}`));
      second.on('connection', (connection) => connection.end(`${++served.second}`));
      for (let i = 0; i < 200 && !(served.first && served.second); i++) {
        const client = await connect(port);
        await once(client.resume(), 'end');
      }
      assert.ok(served.first > 0 && served.second > 0);
    } finally {
      await stop(second);
    }
  });
});
