'use strict';

/*
 * A key-value server that speaks enough of the Redis protocol for redis-cli and redis-benchmark:
 * pipelined requests, replies of one chunk in one write, backpressure, errors answered then closed.
 *
 *   node examples/kv-server.js [port]     then: redis-cli -p 6400 set hello world
 */

const { createTcpServer } = require('..'); // in your own project: require('searings')
const { execute, error } = require('./kv-server/commands');
const { RespParser, ProtocolError } = require('./kv-server/resp');

const WRITE_AT = 65536; // replies larger than this together do not wait for the end of the chunk
const LAST_WORDS_MS = 5000;

/** One client's connection. */
class Session {
  constructor(connection, store) {
    this.connection = connection;
    this.store = store;
    this.parser = new RespParser();
    this.full = false; // no more requests are answered until 'drain'
    this.ended = false; // the client has sent all it will
    this.over = false; // it is not listened to any more
    connection.on('data', (chunk) => this.onData(chunk));
    connection.on('drain', () => this.onDrain());
    connection.on('end', () => this.onEnd());
    connection.on('error', () => {}); // a client that vanishes is no reason to end
  }

  onData(chunk) {
    if (this.over) return;
    this.parser.push(chunk);
    if (!this.full) this.serve();
  }

  onDrain() {
    if (this.over) return;
    this.full = false;
    this.connection.resume();
    this.serve();
  }

  onEnd() {
    this.ended = true;
    if (!this.full && !this.over) this.finish('');
  }

  /** Answers what has arrived, with one write unless it is a lot. */
  serve() {
    let replies = '';
    try {
      for (let args = this.parser.next(); args !== null; args = this.parser.next()) {
        const reply = execute(args, this.store);
        if (reply === null) return this.finish(`${replies}+OK\r\n`);
        replies += reply;
        if (replies.length < WRITE_AT) continue;
        this.write(replies);
        if (this.full) return;
        replies = '';
      }
    } catch (err) {
      if (!(err instanceof ProtocolError)) throw err;
      return this.finish(replies + error(`Protocol error: ${err.message}`));
    }
    if (replies !== '') this.write(replies);
    if (this.ended && !this.full) this.finish('');
  }

  write(replies) {
    if (this.connection.write(replies, 'latin1')) return;
    this.full = true;
    this.connection.pause();
  }

  /**
   * Ends the connection with these words, and gives the client some time to read them. What it still
   * sends is read and forgotten: with unread data a close would overtake what was written.
   */
  finish(words) {
    const { connection } = this;
    this.over = true;
    if (words !== '') connection.write(words, 'latin1');
    connection.end();
    const timer = setTimeout(() => connection.destroy(), LAST_WORDS_MS);
    connection.once('close', () => clearTimeout(timer));
  }
}

/**
 * @param {Function} [createServer] createTcpServer, or net.createServer
 * @returns {import('..').TcpServer}
 */
function createKvServer(createServer = createTcpServer) {
  const store = new Map();
  return createServer({ allowHalfOpen: true, noDelay: true }, (connection) => {
    new Session(connection, store);
  });
}

if (require.main === module) {
  const server = createKvServer();
  server.listen(Number(process.argv[2] ?? 6400), '127.0.0.1', ({ backend }) => {
    console.log(`key-value server on port ${server.address().port}, served by ${backend}`);
  });
}

module.exports = { createKvServer };
