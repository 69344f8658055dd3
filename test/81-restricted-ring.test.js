'use strict';

const assert = require('node:assert/strict');
const { UringTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { readAll } = require('./helpers/clients');
const { useNetwork } = require('./helpers/network');
const { limit } = require('./helpers/scale');

const onUring = (word) => (expectedBackend === 'net' ? undefined : word);

describe('the restricted ring', function () {
  limit(this, 20);
  const network = useNetwork();

  it('is on by default', async () => {
    const server = await network.listen({});
    assert.equal(server.info().restrictedRing, onUring('on'));
  });

  it('is on by default with raw servers', async () => {
    const server = new UringTcpServer();
    await server.start(() => {});
    assert.equal(server.info().restrictedRing, onUring('on'));
    await server.stop();
  });

  it('can be turned off, and the data are the same', async () => {
    const server = await network.listen({ restrictedRing: false }, (connection) => {
      connection.pipe(connection);
    });
    assert.equal(server.info().restrictedRing, onUring('not asked for'));
    const client = await network.connect(server);
    client.end('as before');
    assert.equal(String(await readAll(client)), 'as before');
  });
});
