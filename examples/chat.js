'use strict';

/*
 * A chat room, one line per message: lines out of chunks that end anywhere, broadcast, and what to
 * do about those who read slowly. While a member's buffer is full, whoever talks is not read from
 * (backpressure); a member that stays behind for `slowMs` is dropped with a message.
 *
 *   node examples/chat.js [port]     then, several times: nc 127.0.0.1 7008
 */

const { createTcpServer } = require('..'); // in your own project: require('searings')

const LINE_MAX = 1000;
const NICKNAME = /^[\w-]{1,20}$/;

class Room {
  constructor({ slowMs = 5000, graceMs = 5000 } = {}) {
    this.slowMs = slowMs;
    this.graceMs = graceMs; // how long those who are shown out have to read why
    this.members = new Map(); // nickname -> connection
    this.full = new Map(); // connection whose buffer is full -> the timer that drops it
    this.held = new Set(); // connections that are not read from until all have room again
  }

  join(nickname, connection) {
    this.members.set(nickname, connection);
    this.tell(`* ${nickname} joined, ${this.members.size} here\n`);
  }

  tell(text) {
    for (const connection of this.members.values()) this.send(connection, text);
  }

  send(connection, text) {
    if (connection.write(text) || this.full.has(connection)) return;
    const drop = () => this.showOut(connection, 'you read too slowly');
    this.full.set(connection, setTimeout(drop, this.slowMs));
  }

  /** Called after a connection has talked. */
  holdIfFull(connection) {
    if (this.full.size === 0) return;
    this.held.add(connection);
    connection.pause();
  }

  caughtUp(connection) {
    clearTimeout(this.full.get(connection));
    this.full.delete(connection);
    if (this.full.size > 0) return;
    for (const waiting of this.held) waiting.resume();
    this.held.clear();
  }

  leave(connection, how = 'left') {
    this.caughtUp(connection);
    this.held.delete(connection);
    for (const [nickname, member] of this.members) {
      if (member !== connection) continue;
      this.members.delete(nickname);
      this.tell(`* ${nickname} ${how}\n`);
    }
  }

  showOut(connection, why) {
    this.leave(connection, `was shown out: ${why}`);
    connection.end(`* ${why}\n`);
    // What it still sends is read and forgotten: with unread data a close would overtake our words.
    connection.removeAllListeners('data').resume();
    this.linger(connection);
  }

  /** One that has left gets what is under way to it, but not for ever. */
  linger(connection) {
    const timer = setTimeout(() => connection.destroy(), this.graceMs);
    connection.once('close', () => clearTimeout(timer));
  }
}

/** Calls `onLine` with each line, without its end; `onTooLong`, with which all is over. */
function readLines(connection, onLine, onTooLong) {
  let partial = '';
  connection.setEncoding('utf8'); // keeps a character together that two chunks share
  connection.on('data', (text) => {
    const lines = (partial + text).split('\n');
    partial = lines.pop();
    for (const line of lines) {
      if (line.length > LINE_MAX) return onTooLong();
      onLine(line.replace(/\p{Cc}/gu, '')); // they would reach the terminals of the others
    }
    if (partial.length > LINE_MAX) onTooLong();
  });
}

/** @returns {import('..').TcpServer} */
function createChatServer(options) {
  const room = new Room(options);
  return createTcpServer((connection) => {
    let nickname = null;
    const onLine = (line) => {
      if (line === '') return;
      if (nickname !== null) {
        room.tell(`${nickname}: ${line}\n`);
      } else if (!NICKNAME.test(line) || room.members.has(line)) {
        room.send(connection, '* taken, or not a nickname: another one?\n');
      } else {
        nickname = line;
        room.join(nickname, connection);
      }
      room.holdIfFull(connection);
    };
    connection.on('error', () => {}); // 'close' follows
    connection.on('drain', () => room.caughtUp(connection));
    connection.on('close', () => room.leave(connection));
    connection.on('end', () => {
      room.leave(connection);
      room.linger(connection);
    });
    readLines(connection, onLine, () => room.showOut(connection, 'that line is too long'));
    room.send(connection, '* your nickname?\n');
  });
}

if (require.main === module) {
  const server = createChatServer();
  server.listen(Number(process.argv[2] ?? 7008), '127.0.0.1', ({ backend }) => {
    console.log(`chat on port ${server.address().port}, served by ${backend}`);
  });
}

module.exports = { createChatServer };
