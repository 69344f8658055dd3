'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { createTcpServer } = require('..');
const { expectedBackend } = require('./helpers/backend');
const { LOOPBACK, readAll } = require('./helpers/clients');
const { stop } = require('./helpers/network');
const { startProgram } = require('./helpers/programs');

describe('listen on a Unix socket', () => {
  let directory;
  let servers;

  beforeEach(() => {
    directory = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-'));
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map(stop));
    fs.rmSync(directory, { recursive: true });
  });

  function create(listener) {
    const server = createTcpServer(listener);
    servers.push(server);
    return server;
  }

  async function listening(where, listener) {
    const server = create(listener);
    server.listen(where);
    await once(server, 'listening');
    return server;
  }

  /** @returns {Promise<Error>} of a listen() that has to fail */
  async function failure(where) {
    const server = create();
    server.listen(where);
    const [error] = await once(server, 'error');
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
    return error;
  }

  function shout(connection) {
    connection.on('data', (chunk) => connection.write(chunk.toString().toUpperCase()));
  }

  async function ask(where, text) {
    const client = net.connect(where);
    client.end(text);
    return (await readAll(client)).toString();
  }

  it('serves connections, and address() is the path', async () => {
    const name = path.join(directory, 'a.sock');
    const server = await listening(name, shout);
    assert.equal(server.address(), name);
    assert.equal(server.listening, true);
    assert.equal(server.info().backend, expectedBackend);
    assert.equal(await ask(name, 'hello'), 'HELLO');
    assert.equal(server.info().connectionsAccepted, 1);
  });

  it('takes {path} with a backlog and a callback', async () => {
    const name = path.join(directory, 'a.sock');
    const server = create(shout);
    await new Promise((resolve) => server.listen({ path: name, backlog: 3 }, resolve));
    assert.equal(await ask({ path: name }, 'x'), 'X');
  });

  it('takes the path before a port that is undefined', async () => {
    const name = path.join(directory, 'a.sock');
    const server = await listening({ path: name, port: undefined }, shout);
    assert.equal(server.address(), name);
  });

  it('gives connections no addresses', async () => {
    const name = path.join(directory, 'a.sock');
    const server = await listening(name);
    const accepted = once(server, 'connection');
    const client = net.connect(name);
    const [connection] = await accepted;
    assert.deepEqual(connection.address(), {});
    for (const end of ['remote', 'local']) {
      for (const part of ['Address', 'Port', 'Family']) {
        assert.equal(connection[end + part], undefined);
      }
    }
    assert.equal(connection.setNoDelay(true), connection);
    assert.equal(connection.setKeepAlive(true, 1000), connection);
    client.destroy();
    await once(connection.resume(), 'close');
  });

  it('passes a half-close and a large reply', async () => {
    const name = path.join(directory, 'a.sock');
    const reply = Buffer.alloc(3 * 1024 * 1024, 'r');
    const server = createTcpServer({ allowHalfOpen: true }, (connection) => {
      connection.resume().on('end', () => connection.end(reply));
    });
    servers.push(server);
    server.listen(name);
    await once(server, 'listening');
    const client = net.connect({ path: name, allowHalfOpen: true });
    client.end('question');
    assert.deepEqual(await readAll(client), reply);
  });

  it('removes the file when it closes, and can listen there again', async () => {
    const name = path.join(directory, 'a.sock');
    const server = await listening(name, shout);
    assert.ok(fs.statSync(name).isSocket());
    server.close();
    await once(server, 'close');
    assert.equal(fs.existsSync(name), false);
    server.listen(name);
    await once(server, 'listening');
    assert.equal(await ask(name, 'again'), 'AGAIN');
  });

  it('removes the file at stop()', async () => {
    const name = path.join(directory, 'a.sock');
    const server = await listening(name);
    await server.stop();
    assert.equal(fs.existsSync(name), false);
  });

  const rights = [
    ['the umask alone decides without readableAll and writableAll', {}, 0o000],
    ['readableAll lets everyone read', { readableAll: true }, 0o444],
    ['writableAll lets everyone write', { writableAll: true }, 0o222],
    ['both let everyone read and write', { readableAll: true, writableAll: true }, 0o666],
  ];
  for (const [what, options, mode] of rights) {
    it(what, async () => {
      const name = path.join(directory, 'a.sock');
      const umask = process.umask(0o077);
      try {
        await listening({ path: name, ...options });
      } finally {
        process.umask(umask);
      }
      assert.equal(fs.statSync(name).mode & mode, mode);
      assert.equal(fs.statSync(name).mode & 0o077 & ~mode, 0);
    });
  }

  it('is EADDRINUSE where a file is, and leaves that alone', async () => {
    const name = path.join(directory, 'a.sock');
    await listening(name, shout);
    const error = await failure(name);
    assert.equal(error.message, `listen EADDRINUSE: address already in use ${name}`);
    const { code, errno, syscall, address, port } = error;
    assert.deepEqual(
      { code, errno, syscall, address, port },
      { code: 'EADDRINUSE', errno: -98, syscall: 'listen', address: name, port: -1 },
    );
    assert.equal(await ask(name, 'still'), 'STILL');
  });

  it('is EACCES in a directory that does not exist', async () => {
    const name = path.join(directory, 'none', 'a.sock');
    const error = await failure(name);
    assert.equal(error.message, `listen EACCES: permission denied ${name}`);
    assert.equal(error.port, -1);
  });

  it('is EINVAL for a name that is too long', async () => {
    const name = path.join(directory, 'x'.repeat(108));
    const error = await failure(name);
    assert.equal(error.message, `listen EINVAL: invalid argument ${name}`);
    assert.deepEqual(fs.readdirSync(directory), []);
  });

  it('listens on an abstract name, where clients of node:net find it', async () => {
    const name = `\0searings-${process.pid}`;
    const server = await listening(name, shout);
    assert.equal(server.address(), name);
    assert.equal(await ask(name, 'nowhere'), 'NOWHERE');
    assert.equal((await failure(name)).code, 'EADDRINUSE');
  });

  it('refuses readableAll and writableAll for an abstract name', () => {
    const refused = { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' };
    assert.throws(() => create().listen({ path: '\0x', readableAll: true }), refused);
    assert.throws(() => create().listen({ path: '\0x', writableAll: true }), refused);
  });
});

describe('listen on a file descriptor', () => {
  /** The error of a listen() on a descriptor that cannot work. */
  async function failure(fd) {
    const server = createTcpServer();
    server.listen({ fd });
    const [{ message, code, address, port }] = await once(server, 'error');
    return { message, code, address, port };
  }
  const invalid = {
    message: 'listen EINVAL: invalid argument',
    code: 'EINVAL',
    address: null,
    port: undefined,
  };

  it('is EINVAL when there is none, or when it is no socket', async () => {
    assert.deepEqual(await failure(987654), invalid);
    const file = fs.openSync('/dev/null');
    try {
      assert.deepEqual(await failure(file), invalid);
    } finally {
      fs.closeSync(file);
    }
  });

  // A socket of libuv, which has O_NONBLOCK set, as sockets from a service manager may have.
  for (const [what, where] of [
    ['TCP', { port: 0, host: LOOPBACK }],
    ['Unix', { path: path.join(os.tmpdir(), `searings-fd-${process.pid}.sock`) }],
  ]) {
    it(`serves a ${what} socket that another process has made`, async () => {
      const owner = net.createServer();
      owner.listen(where);
      await once(owner, 'listening');
      const target = owner.address().port ?? `${owner.address()}.moved`;
      // Its owner is to close its descriptor, but not to remove the file.
      if (typeof target === 'string') fs.renameSync(owner.address(), target);
      const program = startProgram('listen-fd', {}, undefined, [owner._handle]);
      const { info } = await program.line();
      owner.close();
      assert.equal(info.backend, expectedBackend);
      for (let round = 0; round < 3; round++) {
        const clients = Array.from({ length: 20 }, () => net.connect(target));
        const replies = clients.map((client, i) => {
          client.end(`${i}`);
          return readAll(client);
        });
        const expected = clients.map((_none, i) => Buffer.from(`${i}`));
        assert.deepEqual(await Promise.all(replies), expected);
      }
      program.child.kill('SIGTERM');
      const { code, stderr } = await program.exited;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      await assert.rejects(once(net.connect(target), 'connect'), { code: 'ECONNREFUSED' });
      if (typeof target === 'string') fs.unlinkSync(target);
    });
  }
});

describe('listen on a handle of a Unix socket', () => {
  const file = path.join(os.tmpdir(), `searings-handle-${process.pid}.sock`);

  it('serves one that is bound; its file goes with the server', async () => {
    const { Pipe, constants } = process.binding('pipe_wrap');
    const handle = new Pipe(constants.SOCKET);
    assert.equal(handle.bind(file), 0);
    const server = createTcpServer((connection) => connection.end('hello'));
    server.listen(handle);
    await once(server, 'listening');
    assert.equal(String(await readAll(net.connect(file))), 'hello');
    await server.stop();
    if (expectedBackend !== 'io_uring') handle.close(); // Node listens on a handle of its own
    assert.equal(fs.existsSync(file), false);
  });

  it('lets it go, too, when it is closed at once', async () => {
    const { Pipe, constants } = process.binding('pipe_wrap');
    const handle = new Pipe(constants.SOCKET);
    handle.bind(file);
    const server = createTcpServer();
    server.listen(handle);
    server.close();
    await once(server, 'close');
    if (expectedBackend !== 'io_uring') handle.close();
    assert.equal(fs.existsSync(file), false);
  });

  it('is EEXIST when somebody listens on it, as in Node', async () => {
    const before = net.createServer((connection) => connection.end('hello'));
    before.listen(file);
    await once(before, 'listening');
    const server = createTcpServer();
    server.listen(before);
    const [{ message, code }] = await once(server, 'error');
    assert.deepEqual([code, message], ['EEXIST', 'listen EEXIST: file already exists']);
    if (expectedBackend === 'io_uring') {
      assert.equal(String(await readAll(net.connect(file))), 'hello');
    }
    before.close();
  });
});

describe('a cluster', () => {
  it('shares a port among its workers', async () => {
    const program = startProgram('cluster', { workers: 2 });
    const { port } = await program.line();
    const served = new Set();
    for (let i = 0; i < 200 && served.size < 2; i++) {
      served.add((await readAll(net.connect(port, LOOPBACK))).toString());
    }
    assert.equal(served.size, 2);
    program.child.kill('SIGTERM');
    const { code, stderr } = await program.exited;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });

  it('does not share it with exclusive', async () => {
    const program = startProgram('cluster', { workers: 2, exclusive: true });
    const { errors } = await program.line();
    assert.deepEqual(errors, ['EADDRINUSE']);
    program.child.kill('SIGTERM');
    assert.equal((await program.exited).code, 0);
  });
});
