'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const { limit } = require('./helpers/scale');

const entry = path.join(__dirname, '..');

/** What an addon says on a host where io_uring is blocked. */
const unusableAddon = `
  exports.probe = () => ({
    usable: false, reason: 'io_uring_setup failed with EPERM', code: 'EPERM', features: {},
  });
`;

/**
 * Listens on two servers in a process of its own, echoes once over each, and prints what it saw.
 */
const program = `
  const net = require('node:net');
  const { createTcpServer, SearingsNativeLoadError } = require(${JSON.stringify(entry)});
  const seen = { warnings: [], servers: [] };
  process.on('warning', ({ name, code, message }) => seen.warnings.push({ name, code, message }));
  function run() {
    return new Promise((resolve) => {
      const server = createTcpServer(JSON.parse(process.argv[1]), (c) => c.pipe(c));
      server.on('error', (err) => {
        const { name, code, message, platform, arch, libc, attempts } = err;
        const tried = attempts?.map(({ path, error }) => ({ path, message: error.message }));
        const typed = err instanceof SearingsNativeLoadError;
        resolve({ name, code, message, platform, arch, libc, tried, typed });
      });
      server.listen(0, ({ backend, fallbackReason }) => {
        const client = net.connect(server.address().port, () => client.end('hello'));
        client.setEncoding('utf8').on('data', (echo) => {
          server.close(() => resolve({ backend, fallbackReason, echo }));
        });
      });
    });
  }
  (async () => {
    seen.servers.push(await run(), await run());
    setImmediate(() => console.log(JSON.stringify(seen)));
  })();
`;

async function runWith(env, options = {}) {
  const child = spawn(process.execPath, ['-e', program, JSON.stringify(options)], {
    env: { ...process.env, SEARINGS_BACKEND: '', SEARINGS_ADDON: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise((resolve) => child.once('close', resolve));
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  assert.equal(await exited, 0, errors);
  return JSON.parse(output);
}

describe('fallback', function () {
  limit(this, 20);
  let folder;
  let unusable;
  let broken;
  let absent;
  let other;

  before(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'searings-'));
    unusable = path.join(folder, 'unusable.js');
    broken = path.join(folder, 'broken.node');
    absent = path.join(folder, 'absent.node');
    fs.writeFileSync(unusable, unusableAddon);
    other = path.join(folder, 'other.js');
    fs.writeFileSync(broken, 'not an addon');
    fs.writeFileSync(other, 'module.exports = {};');
  });
  after(() => fs.rmSync(folder, { recursive: true }));

  it('runs on node:net where io_uring is not usable, with one warning', async () => {
    const { servers, warnings } = await runWith({ SEARINGS_ADDON: unusable });
    for (const server of servers) {
      assert.equal(server.backend, 'net');
      assert.equal(server.echo, 'hello');
      assert.match(server.fallbackReason, /io_uring_setup failed with EPERM/);
    }
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0].code, 'SEARINGS_FALLBACK');
    assert.equal(warnings[0].name, 'SearingsFallbackWarning');
    assert.match(
      warnings[0].message,
      /io_uring_setup failed with EPERM.*kernel\.io_uring_disabled/,
    );
  });

  it('runs on node:net where there is no addon, with one warning', async () => {
    const { servers, warnings } = await runWith({ SEARINGS_ADDON: absent });
    assert.deepEqual(
      servers.map(({ backend, echo }) => [backend, echo]),
      [
        ['net', 'hello'],
        ['net', 'hello'],
      ],
    );
    assert.match(servers[0].fallbackReason, /not installed/);
    assert.equal(warnings.length, 1);
    assert.equal(warnings[0].code, 'SEARINGS_FALLBACK');
  });

  it('runs on node:net where SEARINGS_ADDON names something else', async () => {
    const { servers, warnings } = await runWith({ SEARINGS_ADDON: other });
    assert.equal(servers[0].backend, 'net');
    assert.equal(servers[0].echo, 'hello');
    assert.match(servers[0].fallbackReason, /other\.js.*not an addon of searings/);
    assert.match(warnings[0].message, /To get io_uring, set SEARINGS_ADDON to an addon/);
  });

  it('names the reason why an addon does not load', async () => {
    const { servers, warnings } = await runWith({ SEARINGS_ADDON: broken });
    assert.match(servers[0].fallbackReason, /does not load \(.*broken\.node/);
    assert.match(warnings[0].message, /broken\.node/);
  });

  it('does not warn when node:net is what was asked for', async () => {
    const { servers, warnings } = await runWith({ SEARINGS_BACKEND: 'net' });
    assert.equal(servers[0].backend, 'net');
    assert.equal(servers[0].fallbackReason, 'SEARINGS_BACKEND=net');
    assert.deepEqual(warnings, []);
  });

  for (const [how, env, options] of [
    ['fallback: false', {}, { fallback: false }],
    ['SEARINGS_BACKEND=io_uring', { SEARINGS_BACKEND: 'io_uring' }, {}],
  ]) {
    it(`${how}: an unusable io_uring is an error`, async () => {
      const { servers, warnings } = await runWith({ SEARINGS_ADDON: unusable, ...env }, options);
      assert.equal(servers[0].code, 'SEARINGS_IO_URING_UNAVAILABLE');
      assert.match(servers[0].message, /io_uring_setup failed with EPERM/);
      assert.equal(servers[1].code, 'SEARINGS_IO_URING_UNAVAILABLE');
      assert.deepEqual(warnings, []);
    });

    it(`${how}: an addon that does not load is a SearingsNativeLoadError`, async () => {
      const { servers } = await runWith({ SEARINGS_ADDON: absent, ...env }, options);
      const [err] = servers;
      assert.equal(err.typed, true);
      assert.equal(err.name, 'SearingsNativeLoadError');
      assert.equal(err.code, 'SEARINGS_NATIVE_LOAD_FAILED');
      assert.equal(err.platform, process.platform);
      assert.equal(err.arch, process.arch);
      assert.ok(['glibc', 'musl'].includes(err.libc));
      assert.equal(err.tried.length, 1);
      assert.equal(err.tried[0].path, absent);
      assert.ok(err.message.includes(absent));
      assert.ok(err.message.includes(`${process.platform}-${process.arch}-${err.libc}`));
    });
  }

  it('fallback: false still lets SEARINGS_BACKEND=net decide', async () => {
    const { servers } = await runWith({ SEARINGS_BACKEND: 'net' }, { fallback: false });
    assert.equal(servers[0].backend, 'net');
  });

  it('refuses a SEARINGS_BACKEND that does not exist', async () => {
    const { servers } = await runWith({ SEARINGS_BACKEND: 'epoll' });
    assert.equal(servers[0].code, 'ERR_INVALID_ARG_VALUE');
    assert.match(servers[0].message, /SEARINGS_BACKEND.*'epoll'/);
  });
});
