/* Programs a TypeScript user writes: they have to type-check against index.d.ts, not to run. */

import * as diagnostics from 'node:diagnostics_channel';
import type * as http from 'node:http';
import * as net from 'node:net';
import type { Duplex } from 'node:stream';
import type * as tls from 'node:tls';
import {
  type Capability,
  type ConnectionMessage,
  capabilities,
  createHttpServer,
  createHttpsServer,
  createTcpServer,
  createTlsServer,
  formatMetrics,
  HttpServer,
  METRICS_CONTENT_TYPE,
  SearingsNativeLoadError,
  type ServerMessage,
  type TcpConnection,
  type TcpServer,
  type UringHttpRequest,
  UringHttpServer,
  UringTcpEchoServer,
  type UringTcpEvent,
  UringTcpServer,
  zcrxProbe,
} from 'searings';

const server: TcpServer = createTcpServer({ allowHalfOpen: true }, (connection) => {
  const duplex: Duplex = connection;
  const same: TcpConnection = connection;
  const address: string | undefined = connection.remoteAddress;
  const read: number = connection.bytesRead;
  connection.setNoDelay(true).setKeepAlive(true, 1000);
  connection.setKeepAlive({ enable: true, initialDelay: 1000 });
  connection.on('data', (chunk: Buffer) => connection.write(chunk));
  connection.on('close', (hadError: boolean) => console.log(hadError, read, address));
  connection.resetAndDestroy();
  duplex.pipe(same);
});

createTcpServer();
createTcpServer((connection: TcpConnection) => connection.end('bye'));
createTcpServer({ port: 0, host: '127.0.0.1', fallback: false, bufferCount: 64 });
createTcpServer({ blockList: new net.BlockList() });
createTcpServer({
  useZeroCopyReceive: true,
  zcrxInterfaceName: 'eth0',
  zcrxWithoutDevice: false,
  zcrxRxQueue: 3,
  zcrxAreaSize: 2 ** 26,
  zcrxRxBufferSize: 0,
});
console.log(server.info().fastPaths?.zeroCopyReceive?.startsWith('E'));

server.listen(0);
server.listen(0, '127.0.0.1', () => {});
server.listen({ port: 0, host: '::' }, (info) => console.log(info.backend));
server.on('connection', (connection) => connection.end());
server.on('error', (error: Error) => console.error(error));
server.getConnections((error, count) => console.log(error?.message, count.toFixed(0)));
server
  .ref()
  .unref()
  .close((error) => console.error(error?.message));

const bound: net.AddressInfo | string | null = server.address();
server.listen('/run/app.sock', () => {});
server.listen({ path: '/run/app.sock', readableAll: true, writableAll: true });
server.listen({ fd: 3 });
server.listen(net.createServer(), () => {});
const listening: boolean = server.listening;
const backend: 'io_uring' | 'net' = server.info().backend;
console.log(typeof bound === 'object' ? bound?.port : bound, listening, backend);

async function stop(): Promise<void> {
  await server[Symbol.asyncDispose]();
}
stop().catch((error: unknown) => {
  if (error instanceof SearingsNativeLoadError) {
    console.error(error.code);
  }
});

const raw = new UringTcpServer({ sendQueueCapacity: 16, port: 0 });

function onEvent(event: UringTcpEvent): void {
  const { connectionId: id } = event;
  if (event.eventType === 'data') {
    const sent: boolean = raw.send(id, event.data) || raw.pause(id);
    const count: number = raw.broadcast('all', event.data) + raw.broadcast([id], 'text');
    console.log(sent, count);
  } else if (event.eventType === 'error') {
    console.log(event.code.toLowerCase());
  } else if (event.eventType === 'connect') {
    console.log(event.remoteAddress, event.remotePort, event.remoteFamily);
  }
  raw.sendBatchAndClose([{ connectionId: id, data: new Uint8Array(1) }]);
}

async function serveRaw(): Promise<void> {
  const { host, port, backend } = await raw.start(onEvent);
  await raw.stop();
  await raw.startBatch((events) => events.forEach(onEvent));
  const echo = new UringTcpEchoServer({ bufferCount: 16 });
  const info = await echo.start();
  console.log(host, port, backend, info.port, echo.unref().address()?.port);
  await echo[Symbol.asyncDispose]();
}
serveRaw().catch(console.error);

const { features, limits, problem } = capabilities();
const napi: Capability = features.napi;
const locked: number =
  limits.memlock?.soft === 'unlimited' ? Infinity : (limits.memlock?.soft ?? 0);
console.log(napi.available, napi.reason?.length, locked, problem?.cause === 'seccomp');
for (const one of zcrxProbe({ interface: 'eth0', rxQueue: 1, active: true }).interfaces) {
  console.log(one.ready, one.rxQueue.usedBy?.includes('afXdp'), one.blockers[0]?.fix);
}
// @ts-expect-error there is no such feature
console.log(features.teleport);
// @ts-expect-error a queue is a number
zcrxProbe({ rxQueue: '1' });

const web: http.Server = createHttpServer((request, response) => {
  response.writeHead(200, { 'x-path': request.url }).end(request.socket.remoteAddress);
});
web.listen(0, '127.0.0.1', () => console.log(web.address()));
const listener: http.RequestListener = (_request, response) => response.end();
const limited = createHttpServer({ keepAliveTimeout: 1000, bufferCount: 64 }, listener);
limited.on('upgrade', (_request, socket, head) => socket.end(head));
console.log(limited.info().backend, new HttpServer().maxRequestsPerSocket);
limited.stop().then(() => createHttpServer(), console.error);

const secure: tls.Server = createTlsServer({ key: '', cert: '', backlog: 5 }, (socket) => {
  socket.end(socket.getProtocol() ?? 'none');
});
secure.addContext('name.test', { key: '', cert: '' });
const both = createHttpsServer({ ALPNProtocols: ['http/1.1'], maxConnections: 5 }, listener);
both.setSecureContext({ key: '', cert: '' });
console.log(both.info().listening);

// @ts-expect-error a size is a number
createHttpServer({ bufferSize: '1' });

async function serveHttp(): Promise<void> {
  const routes = { '/health': 'ok', '/b': { statusCode: 204, headers: [['a', 'b']] } } as const;
  const server = new UringHttpServer({ routes, maxBodySize: 10 });
  const { httpRequests } = await server.start((request: UringHttpRequest) => {
    const type: string | undefined = request.header('content-type');
    server.respond(request.requestId, 200, { 'X-Type': type ?? '', 'X-N': [1, 2] }, request.body);
    server.respond(request.requestId);
  });
  console.log(httpRequests);
  await server.startBatch((requests) => requests.map(({ path, query }) => path + query));
}
serveHttp().catch(console.error);

// @ts-expect-error a status is a number
new UringHttpServer().respond(1, '200');
// @ts-expect-error it has no streams
new UringTcpServer({ highWaterMark: 1 });
// @ts-expect-error it has no queue of sends
new UringTcpEchoServer({ sendQueueCapacity: 1 });
// @ts-expect-error a port is a number
createTcpServer({ port: {} });
// @ts-expect-error unknown options are refused
createTcpServer({ prot: 1 });
// @ts-expect-error the listener takes a connection
createTcpServer((connection: number) => connection);

const text: string = server.metrics() + raw.metrics({ prefix: 'x_', labels: { a: 1, b: 'c' } });
console.log(METRICS_CONTENT_TYPE, text, formatMetrics({ server, raw, https: createHttpsServer() }));

diagnostics.subscribe('searings:connection:close', (message) => {
  const { server: whose, connection, connectionId } = message as ConnectionMessage;
  console.log(whose.info().backend, connection?.remoteAddress ?? connectionId?.toFixed(0));
});
diagnostics.subscribe('searings:server:fallback', (message) => {
  console.log((message as ServerMessage).reason?.length);
});
