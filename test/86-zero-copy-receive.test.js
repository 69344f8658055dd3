'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const {
  capabilities,
  createHttpServer,
  createTcpServer,
  UringHttpServer,
  UringTcpEchoServer,
  UringTcpServer,
  zcrxProbe,
} = require('..');
const { loadBinding } = require('../lib/binding');
const { objectionTo } = require('../lib/host/zcrx-guard');
const { expectedBackend } = require('./helpers/backend');
const { readAll, readBytes } = require('./helpers/clients');
const { ROOT, runNode, unprivileged } = require('./helpers/launch');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { limit } = require('./helpers/scale');

const ON_LOOPBACK = { useZeroCopyReceive: true, zcrxInterfaceName: 'lo' };
const WITHOUT_DEVICE = { useZeroCopyReceive: true, zcrxWithoutDevice: true };
const CQE32 = 1 << 11;

/** What the kernel says when somebody wants a queue of the loopback interface, which has none to give. */
function refusal() {
  const { features, sandbox } = capabilities();
  if (!features.recvZeroCopy.available) return features.recvZeroCopy.reason.split(':')[0];
  return sandbox.capNetAdmin && sandbox.initialUserNamespace !== false ? 'EOPNOTSUPP' : 'EPERM';
}

function pattern(length) {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32LE((i * 2654435761) >>> 0, i);
  return bytes;
}

const IGNORE = 'SEARINGS_ZCRX_IGNORE_ADVISORIES';

describe('useZeroCopyReceive', function () {
  limit(this, 20);
  const network = useNetwork();
  const ignoredBefore = process.env[IGNORE] ?? '';

  // What the kernel itself says is to be heard, also on one that is known for an error.
  before(() => {
    process.env[IGNORE] = 'all';
  });

  after(() => {
    process.env[IGNORE] = ignoredBefore;
  });

  describe('its options', () => {
    const wrong = [
      [{ useZeroCopyReceive: 1 }, 'ERR_INVALID_ARG_TYPE', /useZeroCopyReceive.*boolean/],
      [{ useZeroCopyReceive: true }, 'ERR_INVALID_ARG_VALUE', /zcrxInterfaceName.*zcrx-probe/],
      [{ zcrxInterfaceName: '' }, 'ERR_INVALID_ARG_VALUE', /zcrxInterfaceName.*ip -brief link/],
      [{ zcrxInterfaceName: 'n'.repeat(16) }, 'ERR_INVALID_ARG_VALUE', /1 to 15 bytes/],
      [{ zcrxInterfaceName: 3 }, 'ERR_INVALID_ARG_TYPE', /zcrxInterfaceName.*string/],
      [{ zcrxWithoutDevice: 1 }, 'ERR_INVALID_ARG_TYPE', /zcrxWithoutDevice.*boolean/],
      [
        { zcrxWithoutDevice: true, zcrxInterfaceName: 'lo' },
        'ERR_INVALID_ARG_VALUE',
        /zcrxInterfaceName.*left out.*'lo'/,
      ],
      [
        { zcrxWithoutDevice: true, zcrxRxQueue: 2 },
        'ERR_INVALID_ARG_VALUE',
        /zcrxRxQueue.*left out.*2/,
      ],
      [{ zcrxRxQueue: -1 }, 'ERR_OUT_OF_RANGE', /zcrxRxQueue.*0 and 65535.*-1/],
      [{ zcrxAreaSize: 4096 }, 'ERR_OUT_OF_RANGE', /zcrxAreaSize.*1048576/],
      [{ zcrxRxBufferSize: 5000 }, 'ERR_INVALID_ARG_VALUE', /zcrxRxBufferSize.*power of two.*5000/],
    ];
    for (const [options, code, message] of wrong) {
      it(`${JSON.stringify(options)} is ${code}`, () => {
        for (const make of [createTcpServer, (given) => new UringTcpServer(given)]) {
          assert.throws(() => make(options), { code, message });
        }
      });
    }

    it('may be given without its being asked for', async () => {
      const server = await network.listen({ zcrxInterfaceName: 'lo', zcrxRxQueue: 3 });
      const { fastPaths } = server.info();
      if (expectedBackend !== 'net') assert.equal(fastPaths.zeroCopyReceive, 'not asked for');
    });
  });

  for (const [where, options] of Object.entries({
    'on lo': ON_LOOPBACK,
    'without a device': WITHOUT_DEVICE,
  })) {
    it(`${where} loses nothing, whether it can be had or not`, async () => {
      const server = await network.listen(options, (connection) => connection.pipe(connection));
      const client = await network.connect(server);
      const sent = pattern(3 << 20);
      client.end(sent);
      assert.deepEqual(await readAll(client), sent);
      await nothingLeft(server);
    });
  }

  if (expectedBackend === 'net') return; // what follows is what io_uring says of it

  it('says why it is off, and costs such a server nothing', async () => {
    const server = await network.listen(ON_LOOPBACK);
    const info = server.info();
    assert.equal(info.fastPaths.zeroCopyReceive, refusal());
    assert.equal(info.ringFlags & CQE32, 0);
    assert.deepEqual([info.zcrxPackets, info.zcrxBytes, info.zcrxAreaSize], [0, 0, 0]);
  });

  it('does not ask a kernel that is known for an error in it', async () => {
    process.env[IGNORE] = '';
    try {
      const [advisory] = zcrxProbe().advisories;
      const server = await network.listen(ON_LOOPBACK);
      assert.equal(server.info().fastPaths.zeroCopyReceive, advisory?.id ?? refusal());
    } finally {
      process.env[IGNORE] = 'all';
    }
  });

  it('does not ask for the only receive queue of a card', () => {
    const options = { useZeroCopyReceive: true, zcrxInterfaceName: 'card', zcrxRxQueue: 0 };
    const { binding } = loadBinding();
    const { interfaces } = binding;
    const objectionOn = (rxQueues) => {
      binding.interfaces = () => [{ rxQueues, errors: { channels: null } }];
      return objectionTo(options);
    };
    try {
      assert.equal(objectionOn(1), 'only queue');
      assert.equal(objectionOn(2), null);
    } finally {
      binding.interfaces = interfaces;
    }
  });

  it('says so of an interface that is not there', async () => {
    const server = await network.listen({ ...ON_LOOPBACK, zcrxInterfaceName: 'no-such-nic' });
    assert.equal(server.info().fastPaths.zeroCopyReceive, 'ENODEV');
  });

  it('says so of a queue without a device where the kernel knows none', async () => {
    const server = await network.listen(WITHOUT_DEVICE);
    const { fastPaths, zcrxAreaSize } = server.info();
    const known = capabilities().kernel.release.localeCompare('7.1', 'en', { numeric: true }) >= 0;
    const state = refusal() === 'EOPNOTSUPP' ? (known ? 'on' : 'EINVAL') : refusal();
    assert.equal(fastPaths.zeroCopyReceive, state);
    assert.equal(zcrxAreaSize, state === 'on' ? 64 << 20 : 0);
  });

  it('says so with other fast paths', async () => {
    const others = { useIncrementalBuffers: true, useZeroCopySend: true };
    const server = await network.listen({ ...ON_LOOPBACK, ...others });
    const { fastPaths } = server.info();
    assert.equal(fastPaths.zeroCopyReceive, refusal());
    assert.deepEqual([fastPaths.incrementalBuffers, fastPaths.zeroCopySend], ['on', 'on']);
  });

  it('is an option of the other servers too', async () => {
    const echo = new UringTcpEchoServer(ON_LOOPBACK);
    const raw = new UringTcpServer(ON_LOOPBACK);
    const http = new UringHttpServer({ ...ON_LOOPBACK, responseBody: 'hello' });
    const facade = createHttpServer(ON_LOOPBACK, (_request, response) => response.end('hello'));
    try {
      const { port } = await echo.start();
      await raw.start(({ eventType, connectionId, data }) => {
        if (eventType === 'data') raw.send(connectionId, data);
      });
      await http.start();
      await new Promise((resolve) => facade.listen(0, '127.0.0.1', resolve));
      for (const server of [echo, raw, http, facade]) {
        assert.equal(server.info().fastPaths.zeroCopyReceive, refusal());
      }
      for (const at of [port, raw.info().port]) {
        const client = net.connect(at, '127.0.0.1');
        client.write('hello');
        assert.equal((await readBytes(client, 5)).toString(), 'hello');
        client.destroy();
      }
      for (const at of [http.info().port, facade.address().port]) {
        const response = await fetch(`http://127.0.0.1:${at}/`);
        assert.equal(await response.text(), 'hello');
      }
    } finally {
      await Promise.all([echo, raw, http, facade].map((server) => server.stop()));
    }
  });

  it('serves somebody without privileges by copying, and says EPERM', async () => {
    const { available, reason } = capabilities().features.recvZeroCopy;
    const program = `
      const server = require(${JSON.stringify(ROOT)}).createTcpServer(${JSON.stringify(ON_LOOPBACK)});
      server.on('connection', (connection) => connection.pipe(connection));
      server.listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        const client = require('node:net').connect(port, '127.0.0.1', () => client.end('hello'));
        client.on('data', (data) => {
          console.log(server.info().fastPaths.zeroCopyReceive, String(data));
          server.stop();
        });
      });`;
    const { stdout, stderr } = await runNode(['-e', program], {
      prefix: unprivileged(),
      env: { [IGNORE]: 'all' },
    });
    assert.equal(stderr, '');
    const expected = available || reason.startsWith('EPERM') ? 'EPERM' : 'EINVAL';
    assert.equal(stdout, `${expected} hello\n`);
  });

  it('its test on hardware says in one line what it takes', async () => {
    const env = { ZCRX_INTERFACE: '', ZCRX_CONNECT_HOST: '' };
    const { code, stdout, stderr } = await runNode(['test/zcrx/run.js'], { env });
    assert.equal(code, 64);
    assert.equal(stdout, '');
    assert.match(stderr, /^[^\n]*ZCRX_INTERFACE[^\n]*ZCRX_CONNECT_HOST[^\n]*\n$/);
  });

  it('its test on hardware checks the bytes, and fails where there is none', async () => {
    const SEARINGS_ADDON = capabilities().addon.path;
    const env = {
      SEARINGS_ADDON,
      [IGNORE]: 'all',
      ZCRX_INTERFACE: 'lo',
      ZCRX_CONNECT_HOST: '127.0.0.1',
      ZCRX_MIB: '1',
    };
    const { code, stdout } = await runNode(['test/zcrx/run.js'], { env });
    assert.equal(code, 1);
    assert.match(stdout, /8 of 8 streams of \d+ bytes arrived whole/);
    assert.match(stdout, new RegExp(`zero-copy receive is off: ${refusal()}`));
    assert.doesNotMatch(stdout, /not those|not every/);
  });
});
