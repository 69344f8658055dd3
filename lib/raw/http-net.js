'use strict';

const http = require('node:http');
const { whereToListen } = require('../backend/net');
const { connectionClose, connectionOpen } = require('../diagnostics');
const { kOnEvent, kOnEvents, kOnStopped } = require('../symbols');
const { REPLY, makeHead } = require('./http-head');
const { HttpRequest } = require('./http-request');

const kRefused = Symbol('a request of this socket was refused');
const LONGEST_INTERVAL = 2 ** 31 - 1;
const CHECKS_PER_TIMEOUT = 8;

/** The status with which an error of Node's parser is answered, as the native worker answers it. */
const STATUS_OF = {
  __proto__: null,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function nothing() {}

function refusal(status) {
  const reason = http.STATUS_CODES[status];
  return `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
}

function countHosts(rawHeaders) {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].toLowerCase() === 'host') count++;
  }
  return count;
}

/** How often Node is to look for connections that take too long. */
function checkingInterval({ headersMs, requestMs }) {
  const least = Math.min(headersMs || LONGEST_INTERVAL, requestMs || LONGEST_INTERVAL);
  return Math.min(Math.max(Math.floor(least / CHECKS_PER_TIMEOUT), 1), 30000);
}

/** `UringHttpServer` on node:http: the same requests and answers, for hosts without a usable io_uring. */
class HttpNet {
  constructor(owner, options, batched) {
    this.owner = owner;
    this.options = options;
    this.batched = batched;
    this.server = null;
    this.sockets = new Set();
    this.pending = new Map(); // by request id: the ServerResponse
    this.lastId = 0;
    this.lastConnection = 0;
    this.requests = []; // of one startBatch() call
    this.keeper = null;
    this.stopping = false;
    this.routes = new Map();
    this.any = null; // the answer to everything without a route
    for (const { plain } of options.http.routes) {
      if (plain.path === null) this.any = plain;
      else this.routes.set(plain.path, plain);
    }
    this.counters = {
      connectionsAccepted: 0,
      connectionsClosed: 0,
      connectionsRejected: 0,
      bytesReceived: 0,
      bytesSent: 0,
      idleTimeouts: 0,
      httpRequests: 0,
      httpFixed: 0,
      httpRefused: 0,
      httpTimeouts: 0,
    };
  }

  // --- life

  listen(spec, callback) {
    const { options } = this;
    const limits = options.http;
    const server = http.createServer({
      maxHeaderSize: limits.headerBytes,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs || limits.headersMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: checkingInterval(limits),
      requireHostHeader: false, // asked for by judge()
      noDelay: options.tcpNoDelay,
      keepAlive: options.keepAlive,
      keepAliveInitialDelay: options.keepAliveInitialDelay,
    });
    this.server = server;
    server.keepAliveTimeoutBuffer = 0;
    server.httpAllowHalfOpen = true; // who has ended his side still gets all answers
    server.maxHeadersCount = 0; // ours are refused, not cut off
    if (options.connectionsMax > 0) server.maxConnections = options.connectionsMax;
    server.unref(); // what keeps the process alive is ref() alone
    server.on('connection', (socket) => this.accept(socket));
    server.on('drop', () => this.counters.connectionsRejected++);
    server.on('request', (request, response) => this.onRequest(request, response));
    server.on('checkExpectation', (_request, response) => this.refuse(response, 417));
    server.on('connect', (_request, socket) => this.cut(socket, 501));
    server.on('clientError', (err, socket) => this.onClientError(err, socket));
    server.once('error', callback);
    server.once('listening', () => {
      server.off('error', callback);
      server.on('error', nothing);
      if (this.stopping) server.close();
      else callback(null);
    });
    server.listen(whereToListen(spec));
  }

  accept(socket) {
    socket.unref();
    this.sockets.add(socket);
    this.counters.connectionsAccepted++;
    const connectionId = ++this.lastConnection;
    const told = this.options.http.handler; // as on the native worker
    if (told && connectionOpen.hasSubscribers) {
      const { remoteAddress: address, remotePort: port, remoteFamily: family } = socket;
      const peer = address === undefined ? undefined : { address, port, family };
      connectionOpen.publish({ server: this.owner, connectionId, peer });
    }
    if (this.options.idleTimeoutMs > 0) {
      socket.setTimeout(this.options.idleTimeoutMs, () => {
        this.counters.idleTimeouts++;
        socket.destroy();
      });
    }
    socket.once('close', () => {
      this.sockets.delete(socket);
      if (told && connectionClose.hasSubscribers) {
        connectionClose.publish({ server: this.owner, connectionId });
      }
      this.counters.connectionsClosed++;
      this.counters.bytesReceived += socket.bytesRead;
      this.counters.bytesSent += socket.bytesWritten;
      this.finishStop();
    });
  }

  address() {
    return this.server?.address() ?? null;
  }

  stop() {
    this.stopping = true;
    this.server?.close();
    for (const socket of this.sockets) socket.destroy();
    process.nextTick(() => this.finishStop());
  }

  finishStop() {
    if (!this.stopping || this.sockets.size > 0) return;
    this.stopping = false;
    clearInterval(this.keeper);
    this.deliver();
    this.owner[kOnStopped]();
  }

  ref() {
    this.keeper ??= setInterval(nothing, LONGEST_INTERVAL);
    this.keeper.ref();
  }

  unref() {
    this.keeper?.unref();
  }

  info() {
    return { backend: 'net', connectionsActive: this.sockets.size, ...this.counters };
  }

  // --- requests

  /** A refusal, as the last response of the connection. What is wrong with the rest is no news then. */
  refuse(response, status) {
    this.counters.httpRefused++;
    response.socket[kRefused] = true;
    response.writeHead(status, { Connection: 'close', 'Content-Length': 0 });
    response.end();
  }

  cut(socket, status) {
    this.counters.httpRefused++;
    socket.end(refusal(status));
  }

  onClientError(err, socket) {
    if (!socket.writable || socket[kRefused] || err.code === 'ECONNRESET') {
      socket.destroy();
      return;
    }
    if (err.code === 'ERR_HTTP_REQUEST_TIMEOUT') this.counters.httpTimeouts++;
    this.cut(socket, STATUS_OF[err.code] ?? 400);
  }

  /** The status to refuse the request with, or 0. */
  judge({ url, rawHeaders, headers, httpVersion }) {
    const limits = this.options.http;
    const hosts = countHosts(rawHeaders);
    if (hosts > 1 || (hosts === 0 && httpVersion !== '1.0')) return 400;
    if (httpVersion !== '1.0' && httpVersion !== '1.1') return 400;
    if (url.length > limits.urlBytes) return 414;
    if (rawHeaders.length / 2 > limits.headersMax) return 431;
    if (limits.bodyBytes > 0 && Number(headers['content-length']) > limits.bodyBytes) return 413;
    const coding = headers['transfer-encoding'];
    return coding === undefined || coding.toLowerCase() === 'chunked' ? 0 : 501;
  }

  onRequest(request, response) {
    if (request.socket[kRefused]) return; // what came behind a request that was refused
    this.counters.httpRequests++;
    const status = this.judge(request);
    if (status !== 0) {
      this.refuse(response, status);
      return;
    }
    const most = this.options.http.bodyBytes;
    const chunks = [];
    let bytes = 0;
    request.on('error', nothing);
    request.on('data', (chunk) => {
      bytes += chunk.length;
      if (most === 0 || bytes <= most) chunks.push(chunk);
      else if (!response.writableEnded) this.refuse(response, 413);
    });
    request.on('end', () => {
      if (!response.writableEnded) this.answer(request, response, Buffer.concat(chunks));
    });
  }

  fixedFor({ method, url }) {
    const route = this.routes.get(url.replace(/^https?:\/\/[^/]*/i, '').split('?', 1)[0]);
    if (route !== undefined && (method === 'GET' || method === 'HEAD')) return route;
    if (this.any !== null) return this.any;
    if (this.options.http.handler) return null;
    return route === undefined ? { statusCode: 404 } : { statusCode: 405, allow: true };
  }

  answer(request, response, body) {
    const fixed = this.fixedFor(request);
    if (fixed !== null) {
      this.counters.httpFixed++;
      const headers = fixed.allow ? { Allow: 'GET, HEAD' } : fixed.headers;
      this.send(response, fixed.statusCode, headers, fixed.body ?? Buffer.alloc(0));
      return;
    }
    const { method, url, httpVersion, rawHeaders } = request;
    const { shouldKeepAlive } = response;
    const told = new HttpRequest(
      ++this.lastId,
      method,
      url,
      httpVersion,
      shouldKeepAlive,
      rawHeaders,
    );
    told.body = body;
    this.pending.set(told.requestId, response);
    response.on('close', () => this.pending.delete(told.requestId));
    this.tell(told);
  }

  tell(request) {
    if (!this.batched) {
      this.owner[kOnEvent](request);
      return;
    }
    if (this.requests.push(request) === 1) process.nextTick(() => this.deliver());
    if (this.requests.length === this.options.eventBatchSize) this.deliver();
  }

  deliver() {
    const { requests } = this;
    this.requests = [];
    if (requests.length > 0) this.owner[kOnEvents](requests);
  }

  // --- responses

  send(response, status, headers, body) {
    const head = makeHead(status, headers, body?.length ?? 0, response.req.method === 'HEAD');
    const lines = head.text.split('\r\n').slice(1, -1);
    response.sendDate = (head.flags & REPLY.NO_DATE) === 0;
    if (head.flags & REPLY.CLOSE) response.shouldKeepAlive = false;
    if (!(head.flags & REPLY.NO_LENGTH)) lines.push(`Content-Length: ${head.bodyLength}`);
    const pairs = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()];
    });
    response.writeHead(status, pairs.flat());
    response.end(head.flags & REPLY.NO_BODY ? undefined : body);
  }

  respond(requestId, status, headers, body) {
    const response = this.pending.get(requestId);
    if (response === undefined) {
      makeHead(status, headers, body?.length ?? 0, false);
      return false;
    }
    this.send(response, status, headers, body && Buffer.from(body));
    this.pending.delete(requestId);
    return !response.destroyed;
  }
}

module.exports = HttpNet;
