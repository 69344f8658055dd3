'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { createKvServer } = require('../examples/kv-server');
const { readAll, readBytes } = require('./helpers/clients');
const { eventually } = require('./helpers/eventually');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

const MIN = '-9223372036854775808';
const MAX = '9223372036854775807';

const bulk = (text) => `$${Buffer.byteLength(text, 'latin1')}\r\n${text}\r\n`;
const frame = (...args) => `*${args.length}\r\n${args.map(bulk).join('')}`;
const words = (line) => frame(...line.split(' '));

/** Commands and their replies, in turn on one connection to an empty server. */
const DIALOGUE = [
  ['PING', '+PONG\r\n'],
  ['ping', '+PONG\r\n'],
  ['PiNg hello', bulk('hello')],
  ['ECHO hello', bulk('hello')],
  ['GET a', '$-1\r\n'],
  ['SET a 1', '+OK\r\n'],
  ['GET a', bulk('1')],
  ['SET a 2', '+OK\r\n'],
  ['GET a', bulk('2')],
  ['SET a 3 EX 10', '-ERR syntax error\r\n'],
  ['MSET b 4 c 5', '+OK\r\n'],
  ['MSET b 4 c', "-ERR wrong number of arguments for 'mset' command\r\n"],
  ['MGET a b x', `*3\r\n${bulk('2')}${bulk('4')}$-1\r\n`],
  ['EXISTS a b a x', ':3\r\n'],
  ['DBSIZE', ':3\r\n'],
  ['DEL a b a x', ':2\r\n'],
  ['EXISTS a', ':0\r\n'],
  ['INCR n', ':1\r\n'],
  ['INCR n', ':2\r\n'],
  ['INCRBY n -12', ':-10\r\n'],
  ['DECR n', ':-11\r\n'],
  ['GET n', bulk('-11')],
  [`SET n ${MAX}`, '+OK\r\n'],
  ['INCR n', '-ERR increment or decrement would overflow\r\n'],
  [`INCRBY n ${MIN}`, ':-1\r\n'],
  [`INCRBY n -${MAX}`, `:${MIN}\r\n`],
  ['DECR n', '-ERR increment or decrement would overflow\r\n'],
  ['SET n 1.5', '+OK\r\n'],
  ['INCR n', '-ERR value is not an integer or out of range\r\n'],
  ['SET __proto__ x', '+OK\r\n'],
  ['GET __proto__', bulk('x')],
  ['GET constructor', '$-1\r\n'],
  ['SELECT 0', '+OK\r\n'],
  ['SELECT 1', '-ERR DB index is out of range\r\n'],
  ['CONFIG GET save', `*2\r\n${bulk('save')}${bulk('')}`],
  ['CONFIG GET appendonly', `*2\r\n${bulk('appendonly')}${bulk('no')}`],
  ['CONFIG GET nothing', '*0\r\n'],
  ['CONFIG SET save x', "-ERR unknown subcommand 'SET'\r\n"],
  ['COMMAND DOCS', '*0\r\n'],
  ['INFO', bulk('# Server\r\nredis_mode:standalone\r\n# Keyspace\r\ndb0:keys=3\r\n')],
  ['FLUSHALL', '+OK\r\n'],
  ['DBSIZE', ':0\r\n'],
  ['GET', "-ERR wrong number of arguments for 'get' command\r\n"],
  ['get a b', "-ERR wrong number of arguments for 'get' command\r\n"],
  ['NOSUCH a', "-ERR unknown command 'NOSUCH'\r\n"],
];

describe('examples/kv-server.js', function () {
  limit(this, 20);
  const network = useNetwork();
  let server;

  beforeEach(async () => {
    server = await network.open(createKvServer());
  });

  /** The reply to what is sent, which must be as long as expected. */
  async function ask(client, request, expected) {
    client.write(request, 'latin1');
    assert.equal((await readBytes(client, expected.length)).toString('latin1'), expected);
  }

  /** A client, and how many writes the server has made to it. */
  async function watched() {
    const accepted = once(server, 'connection');
    const client = await network.connect(server, { allowHalfOpen: true });
    const [connection] = await accepted;
    const { write } = connection;
    const seen = { client, connection, writes: 0 };
    connection.write = (...args) => {
      seen.writes++;
      return write.apply(connection, args);
    };
    return seen;
  }

  it('knows its commands', async () => {
    const client = await network.connect(server);
    for (const [line, reply] of DIALOGUE) await ask(client, words(line), reply);
  });

  it('knows them inline, and pipelined, with the same replies', async () => {
    const replies = DIALOGUE.map(([, reply]) => reply).join('');
    for (const request of [
      DIALOGUE.map(([line]) => `${line}\r\n`).join(''),
      DIALOGUE.map(([line]) => words(line)).join(''),
    ]) {
      const client = await network.connect(server);
      await ask(client, request, replies);
    }
  });

  it('understands requests in pieces', async () => {
    const { client, connection } = await watched();
    const request = Buffer.from(`${words('SET key value')}${words('GET key')}PING\r\n`);
    const replies = readBytes(client, 5 + 11 + 7);
    for (let i = 0; i < request.length; i++) {
      client.write(request.subarray(i, i + 1));
      await eventually(() => connection.bytesRead === i + 1, `byte ${i} has arrived`);
    }
    assert.equal(String(await replies), `+OK\r\n${bulk('value')}+PONG\r\n`);
  });

  it('writes the replies to pipelined requests together', async () => {
    const seen = await watched();
    await ask(
      seen.client,
      words('INCR n').repeat(9),
      ':1 :2 :3 :4 :5 :6 :7 :8 :9 '.replaceAll(' ', '\r\n'),
    );
    assert.equal(seen.writes, 1);
  });

  it('keeps keys and values of any bytes', async () => {
    const client = await network.connect(server);
    const bytes = new RandomStream(64);
    const key = bytes.slice(0, 1000).toString('latin1');
    const value = bytes.bytes(3 * MIB).toString('latin1');
    await ask(client, frame('SET', key, value), '+OK\r\n');
    await ask(client, words('SET other x'), '+OK\r\n');
    await ask(client, frame('GET', key), bulk(value));
    await ask(client, frame('GET', key.slice(1)), '$-1\r\n');
  });

  it('serves all clients from one store', async () => {
    const [one, other] = [await network.connect(server), await network.connect(server)];
    await ask(one, words('SET a 1'), '+OK\r\n');
    await ask(other, words('INCR a'), ':2\r\n');
    await ask(one, words('GET a'), bulk('2'));
  });

  it('answers a protocol error after the replies before it, and closes', async () => {
    const client = await network.connect(server);
    client.write(`${words('PING')}*1\r\n!${words('SET a 1')}`);
    const error = "-ERR Protocol error: expected '$', got '!'\r\n";
    assert.equal(String(await readAll(client)), `+PONG\r\n${error}`);
    await ask(await network.connect(server), words('EXISTS a'), ':0\r\n');
  });

  it('gets the error to a client that goes on sending', async () => {
    const client = await network.connect(server);
    client.write(`*x\r\n${'PING\r\n'.repeat(MIB)}`);
    const error = '-ERR Protocol error: invalid multibulk length\r\n';
    assert.equal(String(await readAll(client)), error);
    await nothingLeft(server);
  });

  it('keeps an error on one line', async () => {
    const client = await network.connect(server);
    await ask(client, frame('a\r\n+OK'), "-ERR unknown command 'a  +OK'\r\n");
  });

  it('closes after QUIT, and takes nothing that follows it', async () => {
    const client = await network.connect(server, { allowHalfOpen: true });
    client.write('PING\r\nquit\r\nPING\r\n');
    assert.equal(String(await readAll(client)), '+PONG\r\n+OK\r\n');
    client.end('SET a 1\r\n');
    await nothingLeft(server);
    await ask(await network.connect(server), 'EXISTS a\r\n', ':0\r\n');
  });

  it('answers all that a client has asked before its end', async () => {
    const { client } = await watched();
    client.end('INCR n\r\n'.repeat(1000));
    assert.equal(
      String(await readAll(client))
        .split('\r\n')
        .at(-2),
      ':1000',
    );
    await nothingLeft(server);
  });

  it('makes no more replies than are read, and loses none', async () => {
    const value = 'v'.repeat(MIB);
    const count = 64;
    const { client, connection } = await watched();
    await ask(client, frame('SET', 'a', value), '+OK\r\n');
    client.pause();
    client.end(words('GET a').repeat(count));
    await eventually(() => connection.writableNeedDrain, 'the client does not keep up');
    // Meanwhile others are served.
    const other = await network.connect(server);
    for (let i = 0; i < 100; i++) await ask(other, 'PING\r\n', '+PONG\r\n');
    assert.ok(connection.writableLength < 3 * MIB);
    const replies = await readAll(client);
    assert.equal(replies.length, count * bulk(value).length);
    assert.ok(replies.subarray(-bulk(value).length).equals(Buffer.from(bulk(value))));
    other.destroy();
    await nothingLeft(server);
  });

  it('forgets a client that is cut in the middle of a request', async () => {
    const { client, connection } = await watched();
    const request = '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1000\r\nhalf';
    client.write(request);
    await eventually(() => connection.bytesRead === request.length, 'the request has arrived');
    client.resetAndDestroy();
    await nothingLeft(server);
    await ask(await network.connect(server), words('EXISTS a'), ':0\r\n');
  });
});
