'use strict';

/* Every example, run as its first lines say; and the echo. What the others do is in files of their own. */

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { readdirSync } = require('node:fs');
const path = require('node:path');
const { createInterface } = require('node:readline');
const { text } = require('node:stream/consumers');
const { createEchoServer } = require('../examples/echo');
const { expectedBackend } = require('./helpers/backend');
const { closed, connect, readBytes } = require('./helpers/clients');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const FOLDER = path.join(__dirname, '..', 'examples');

describe('the examples as programs', function () {
  limit(this, 20);
  const network = useNetwork();
  let child;

  afterEach(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });

  /** What makes an example listen on a free port; the proxy's upstream is of no matter here, but there. */
  function argumentsOf(name, upstream) {
    return name === 'proxy.js' ? [String(upstream.address().port), '127.0.0.1', '0'] : ['0'];
  }

  function start(name, args) {
    child = spawn(process.execPath, [path.join(FOLDER, name), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return child;
  }

  for (const name of readdirSync(FOLDER).filter((file) => file.endsWith('.js'))) {
    if (name === 'quickstart.js') continue;
    it(`${name} says where it listens, and takes connections there`, async () => {
      const upstream = await network.open(createEchoServer());
      const { stdout } = start(name, argumentsOf(name, upstream));
      const [line] = await once(createInterface({ input: stdout }), 'line');
      assert.match(line, new RegExp(`, served by ${expectedBackend}$`));
      const client = await connect(Number(/(?:port |:)(\d+)/.exec(line)[1]));
      client.destroy();
      await closed(client);
      assert.equal(child.exitCode, null);
    });
  }

  it('quickstart.js greets, and ends', async () => {
    const { stdout } = start('quickstart.js', []);
    const [output, [code]] = await Promise.all([text(stdout), once(child, 'exit')]);
    assert.equal(output, `echo:hello\nbackend: ${expectedBackend}\n`);
    assert.equal(code, 0);
  });
});

describe('examples/echo.js', function () {
  limit(this, 20);
  const network = useNetwork();

  it('sends back what comes, up to the end', async () => {
    const server = await network.open(createEchoServer());
    const client = await network.connect(server);
    const bytes = new RandomStream(60).bytes(4 * MIB);
    client.end(bytes);
    assert.ok((await readBytes(client, bytes.length)).equals(bytes));
    await nothingLeft(server);
  });

  it('survives a client that is reset', async () => {
    const server = await network.open(createEchoServer());
    const client = await network.connect(server);
    client.write('hello');
    await readBytes(client, 5);
    client.resetAndDestroy();
    await nothingLeft(server);
  });
});
