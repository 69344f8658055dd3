'use strict';

/*
 * WebSockets with the `ws` package, and a web page next to them, on an HTTP server of ours: `ws` does
 * not notice the difference.
 *
 *   node examples/websocket.js [port]     then: open http://127.0.0.1:7010/ in two windows
 *
 * ws://…/echo answers; what is sent to ws://…/room everyone there receives.
 */

const { WebSocket, WebSocketServer } = require('ws');
const { createHttpServer } = require('..'); // in your own project: require('searings')

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

/** @returns {import('..').HttpServer} */
function createWebSocketServer() {
  const web = createHttpServer((_request, response) => {
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
  return web;
}

if (require.main === module) {
  const server = createWebSocketServer();
  server.listen(Number(process.argv[2] ?? 7010), '127.0.0.1', () => {
    console.log(`http://127.0.0.1:${server.address().port}/, served by ${server.info().backend}`);
  });
}

module.exports = { createWebSocketServer };
