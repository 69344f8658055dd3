'use strict';

const assert = require('node:assert/strict');
const { since, useWorld } = require('../helpers/parity');
const { acceptedOption } = require('../helpers/sockopt');

describe("the options of a connection's socket", () => {
  const world = useWorld();

  const keepAlive = ({ server, client }) => [
    acceptedOption(server, client, 'SO_KEEPALIVE'),
    acceptedOption(server, client, 'TCP_KEEPIDLE'),
  ];

  it('noDelay sets TCP_NODELAY', async () => {
    const { server, client } = await world.pair({ noDelay: true });
    assert.equal(acceptedOption(server, client, 'TCP_NODELAY'), 1);
    const other = await world.pair({ noDelay: false });
    assert.equal(acceptedOption(other.server, other.client, 'TCP_NODELAY'), 0);
  });

  it('setNoDelay() changes it', async () => {
    const { server, client, connection } = await world.pair({ noDelay: true });
    connection.setNoDelay(false);
    assert.equal(acceptedOption(server, client, 'TCP_NODELAY'), 0);
    connection.setNoDelay();
    assert.equal(acceptedOption(server, client, 'TCP_NODELAY'), 1);
  });

  it('keepAlive and keepAliveInitialDelay set SO_KEEPALIVE and TCP_KEEPIDLE', async () => {
    const pair = await world.pair({ keepAlive: true, keepAliveInitialDelay: 123_456 });
    assert.deepEqual(keepAlive(pair), [1, 123]);
    assert.equal(keepAlive(await world.pair())[0], 0);
  });

  it('setKeepAlive() changes them; 0 leaves the delay as it is', async () => {
    const pair = await world.pair();
    pair.connection.setKeepAlive(true, 45_000);
    assert.deepEqual(keepAlive(pair), [1, 45]);
    pair.connection.setKeepAlive(true, 0);
    assert.deepEqual(keepAlive(pair), [1, 45]);
    pair.connection.setKeepAlive();
    assert.equal(keepAlive(pair)[0], 0);
  });

  if (since(26, 4)) {
    it('setKeepAlive() also takes an object', async () => {
      const pair = await world.pair();
      pair.connection.setKeepAlive({ enable: true, initialDelay: 67_000 });
      assert.deepEqual(keepAlive(pair), [1, 67]);
      pair.connection.setKeepAlive({ enable: false });
      assert.equal(keepAlive(pair)[0], 0);
    });
  }
});
