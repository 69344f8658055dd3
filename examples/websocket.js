'use strict';

/*
 * WebSockets with the `ws` package, and a web page next to them. Node's HTTP server does not listen:
 * it is handed the connections of a searings server, and does not notice the difference.
 *
 *   node examples/websocket.js [port]     then: open http://127.0.0.1:7010/ in two windows
 *
 * ws://…/echo answers; what is sent to ws://…/room everyone there receives.
 */

const http = require('node:http');
const { WebSocket, WebSocketServer } = require('ws');
const { createTcpServer } = require('..'); // in your own project: require('searings')

const BEHIND_MAX = 1024 * 1024; // bytes on their way to one that reads slowly
const PAGE = `<!doctype html>
<title>room</title>
<input autofocus placeholder="say something"><ul></ul>
<script>
  const socket = new WebSocket('ws://' + location.host + '/room');
  const input = document.querySelector('input');
  input.onchange = () => { socket.send(input.value); input.value = ''; };
  socket.onmessage = ({ data }) => {
    const item = document.createElement('li');
    item.textContent = data;
    document.querySelector('ul').prepend(item);
  };
</script>
`;

/** A client that does not read its echoes is not read from either. */
function echo(socket, data, binary) {
  socket.send(data, { binary }, () => socket.resume());
  if (socket.bufferedAmount > BEHIND_MAX) socket.pause();
}

/** One that does not keep up with the room has to go: the others do not wait for it. */
function broadcast(sockets, data, binary) {
  for (const socket of sockets) {
    if (socket.readyState !== WebSocket.OPEN) continue;
    if (socket.bufferedAmount > BEHIND_MAX) socket.terminate();
    else socket.send(data, { binary });
  }
}

/** @returns {import('..').TcpServer} */
function createWebSocketServer() {
  const web = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8').end(PAGE);
  });
  web.timeout = 60_000; // for silent HTTP clients; WebSockets may be silent as long as they like

  const sockets = new WebSocketServer({ server: web });
  const room = new Set();
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => {}); // 'close' follows
    if (request.url !== '/room') {
      socket.on('message', (data, binary) => echo(socket, data, binary));
      return;
    }
    room.add(socket);
    socket.on('close', () => room.delete(socket));
    socket.on('message', (data, binary) => broadcast(room, data, binary));
  });

  // HTTP wants to answer after a client's end; it says itself when a connection is over.
  return createTcpServer({ allowHalfOpen: true }, (connection) => {
    web.emit('connection', connection);
  });
}

if (require.main === module) {
  const server = createWebSocketServer();
  server.listen(Number(process.argv[2] ?? 7010), '127.0.0.1', ({ backend }) => {
    console.log(`http://127.0.0.1:${server.address().port}/, served by ${backend}`);
  });
}

module.exports = { createWebSocketServer };
