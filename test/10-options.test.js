'use strict';

const assert = require('node:assert/strict');
const { createTcpServer, TcpServer } = require('..');
const { useNetwork } = require('./helpers/network');

const integers = {
  port: [0, 65535],
  backlog: [1, 2147483647],
  tcpDeferAcceptSeconds: [0, 3600],
  maxConnections: [0, 2147483647],
  idleTimeoutMs: [0, 2147483647],
  socketRecvBufferSize: [0, 2147483647],
  socketSendBufferSize: [0, 2147483647],
  queueDepth: [8, 32768],
  bufferCount: [1, 32768],
  bufferSize: [64, 1048576],
  commandQueueCapacity: [16, 16777216],
  eventQueueCapacity: [16, 16777216],
  eventBatchSize: [1, 4096],
  keepAliveInitialDelay: [0, 2147483647],
  highWaterMark: [0, 2147483647],
};

const booleans = [
  'reusePort',
  'tcpNoDelay',
  'fallback',
  'allowHalfOpen',
  'pauseOnConnect',
  'noDelay',
  'keepAlive',
];

describe('options', () => {
  const network = useNetwork();

  for (const [name, [min, max]] of Object.entries(integers)) {
    const range = `It must be an integer between ${min} and ${max}.`;

    it(`${name} takes ${min} to ${max}`, () => {
      createTcpServer({ [name]: min });
      createTcpServer({ [name]: max });
      for (const value of [min - 1, max + 1, min + 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.throws(() => createTcpServer({ [name]: value }), {
          name: 'RangeError',
          code: 'ERR_OUT_OF_RANGE',
          message: `The value of "options.${name}" is out of range. ${range} Received ${value}`,
        });
      }
    });

    it(`${name} is a number`, () => {
      assert.throws(() => createTcpServer({ [name]: '8' }), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
        message:
          `The "options.${name}" property must be an integer between ${min} and ${max}. ` +
          "Received type string ('8')",
      });
      assert.throws(() => createTcpServer({ [name]: null }), { code: 'ERR_INVALID_ARG_TYPE' });
    });
  }

  for (const name of booleans) {
    it(`${name} is a boolean`, () => {
      createTcpServer({ [name]: true });
      createTcpServer({ [name]: false });
      assert.throws(() => createTcpServer({ [name]: 1 }), {
        name: 'TypeError',
        code: 'ERR_INVALID_ARG_TYPE',
        message: `The "options.${name}" property must be of type boolean. Received type number (1)`,
      });
    });
  }

  it('host is a string', () => {
    assert.throws(() => createTcpServer({ host: 127 }), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_TYPE',
      message: 'The "options.host" property must be of type string. Received type number (127)',
    });
  });

  it('takes undefined for "not given"', () => {
    createTcpServer({ port: undefined, bufferSize: undefined, allowHalfOpen: undefined });
    createTcpServer(undefined);
    createTcpServer(null);
    createTcpServer();
  });

  it('refuses an option that does not exist, and names those that do', () => {
    assert.throws(() => createTcpServer({ bufferSizes: 4096 }), {
      name: 'TypeError',
      code: 'ERR_INVALID_ARG_VALUE',
      message: /"options\.bufferSizes" property.*bufferSize,.*Received 4096$/,
    });
    assert.throws(() => createTcpServer({ toString: 1 }), { code: 'ERR_INVALID_ARG_VALUE' });
  });

  it('refuses what is no options object', () => {
    for (const value of ['8080', 8080, true, Symbol('options')]) {
      assert.throws(() => createTcpServer(value), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    assert.throws(() => createTcpServer({}, 'listener'), { code: 'ERR_INVALID_ARG_TYPE' });
  });

  it('shows the code in the stack, as Node does', () => {
    assert.throws(
      () => createTcpServer({ port: -1 }),
      (err) => err.stack.startsWith('RangeError [ERR_OUT_OF_RANGE]: The value of "options.port"'),
    );
  });

  it('does not touch the object it is given', () => {
    const options = Object.freeze({ bufferCount: 16 });
    createTcpServer(options);
    assert.deepEqual(options, { bufferCount: 16 });
  });

  it('takes the listener alone, or with options, and from a class', () => {
    const listener = () => {};
    assert.deepEqual(createTcpServer(listener).listeners('connection'), [listener]);
    assert.deepEqual(createTcpServer({}, listener).listeners('connection'), [listener]);
    assert.deepEqual(new TcpServer(listener).listeners('connection'), [listener]);
    assert.ok(createTcpServer() instanceof TcpServer);
  });

  it('maxConnections is where server.maxConnections begins', () => {
    assert.equal(createTcpServer({ maxConnections: 7 }).maxConnections, 7);
    assert.equal(createTcpServer({ maxConnections: 0 }).maxConnections, undefined);
    assert.equal(createTcpServer().maxConnections, undefined);
  });

  it('highWaterMark is that of the connections', async () => {
    const server = await network.listen({ highWaterMark: 1234 });
    const accepted = new Promise((resolve) => server.once('connection', resolve));
    await network.connect(server);
    const connection = await accepted;
    assert.equal(connection.readableHighWaterMark, 1234);
    assert.equal(connection.writableHighWaterMark, 1234);
  });

  it('is also an ES module', async () => {
    const module = await import('../lib/index.mjs');
    assert.equal(module.createTcpServer, createTcpServer);
    assert.equal(module.default.createTcpServer, createTcpServer);
  });
});
