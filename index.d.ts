import { EventEmitter } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, BlockList, DropArgument, Server, Socket } from 'node:net';
import { Duplex, type Readable } from 'node:stream';
import * as tls from 'node:tls';

// As open as in Node's own declarations, which these have to agree with.
// biome-ignore lint/suspicious/noExplicitAny: a Buffer or a string, the listener knows which
type Chunk = any;
// biome-ignore lint/suspicious/noExplicitAny: an event of the user's own
type AnyListener = (...args: any[]) => void;

/**
 * Options of {@link createTcpServer}. They are checked before anything is started: a wrong type is a
 * `TypeError` (`ERR_INVALID_ARG_TYPE`), a value out of range a `RangeError` (`ERR_OUT_OF_RANGE`), and an
 * option that does not exist a `TypeError` (`ERR_INVALID_ARG_VALUE`). Where net.createServer() has an
 * option of the same name, the meaning is the same.
 */
export interface TcpServerOptions {
  /** Where `listen()` listens unless it says otherwise. Default: every address, IPv6 and IPv4. */
  host?: string | undefined;
  /** 0 – 65535; 0 is any free port. Default of `listen()`. Default: 0. */
  port?: number | undefined;
  /** Connections waiting to be accepted; the system may cap it. Default of `listen()`. Default: 1024. */
  backlog?: number | undefined;
  /**
   * SO_REUSEPORT: several servers and processes may share the port; on the `node:net` transport only with
   * Node 22.12 or newer. Default of `listen()`. Default: false.
   */
  reusePort?: boolean | undefined;
  /** Seconds that a connection may wait for its first data before it is accepted, 0 – 3600. Default: 0, off. */
  tcpDeferAcceptSeconds?: number | undefined;

  /**
   * Connections at one time; more are closed at once with a 'drop' event. Default: 0, no limit. The property
   * `server.maxConnections` changes it later.
   */
  maxConnections?: number | undefined;
  /**
   * Milliseconds without received or sent data after which a connection is closed, without an error.
   * Default: 0, never. For an event instead, see {@link TcpConnection.setTimeout}.
   */
  idleTimeoutMs?: number | undefined;
  /** TCP_NODELAY: send small writes at once. Default: true (net.createServer: false). */
  tcpNoDelay?: boolean | undefined;
  /** SO_RCVBUF of each connection, in bytes. Default: 0, the system's choice. */
  socketRecvBufferSize?: number | undefined;
  /** SO_SNDBUF of each connection, in bytes. Default: 0, the system's choice. */
  socketSendBufferSize?: number | undefined;

  /**
   * Who runs the server's io_uring. `'worker'`: a thread of its own, which leaves the JavaScript thread to the
   * application. `'inline'`: the JavaScript thread, between its other work: the shortest way, and less CPU time
   * in all; while JavaScript computes, the server waits. docs/performance.md tells which is for what.
   * Default: what the environment variable `SEARINGS_DRIVER` says, or else `'worker'`.
   */
  driver?: 'worker' | 'inline' | undefined;
  /**
   * Microseconds, 0 – 1000, for which the worker looks for work before it sleeps. Saves it being woken, and burns
   * a CPU's time: only with a CPU to spare. No effect with `driver: 'inline'`. Default: 0, off.
   */
  busyPollMicros?: number | undefined;
  /** Entries of the submission queue, 8 – 32768. Default: 256. */
  queueDepth?: number | undefined;
  /** Receive buffers shared by all connections, 1 – 32768, rounded up to a power of two. Default: 1024. */
  bufferCount?: number | undefined;
  /** Bytes of each receive buffer, 64 – 1048576. Default: 16384. */
  bufferSize?: number | undefined;
  /** Commands on their way to the worker, 16 – 2^24. Default: 65536. */
  commandQueueCapacity?: number | undefined;
  /** Events on their way to JavaScript, 16 – 2^24. Default: 65536. */
  eventQueueCapacity?: number | undefined;
  /** Events handled in one call from the worker into JavaScript, 1 – 4096. Default: 64. */
  eventBatchSize?: number | undefined;

  /**
   * Whether the server may run on `node:net` where io_uring is not usable (one warning per process, code
   * `SEARINGS_FALLBACK`). With false, `listen()` gives an 'error' event instead: a
   * {@link SearingsNativeLoadError}, or an error with the code `SEARINGS_IO_URING_UNAVAILABLE`.
   * Default: true.
   */
  fallback?: boolean | undefined;
  /**
   * The ring can do what a server needs, and the kernel refuses everything else that is asked of it;
   * `info().restrictedRing` tells. Default: true.
   */
  restrictedRing?: boolean | undefined;

  /**
   * One receive may fill several buffers. Linux 6.10. Helps long receives into small buffers. Default: false.
   * This and the other fast paths do without where the kernel refuses; `info().fastPaths` tells.
   */
  useRecvBundle?: boolean | undefined;
  /**
   * Several receives may share one buffer. Linux 6.12. Helps short receives with large or few buffers; goes
   * before `useRecvBundle`. Default: false.
   */
  useIncrementalBuffers?: boolean | undefined;
  /**
   * Long writes leave without being copied. Linux 6.0. Each write is done when the peer has acknowledged it,
   * so it helps few, very long writes through a network card, not loopback. Default: false.
   */
  useZeroCopySend?: boolean | undefined;
  /** Bytes from which a send is a zero-copy one. Default: 32768. */
  zeroCopySendMin?: number | undefined;
  /**
   * Zero-copy sends copy the bytes to memory that is registered with the kernel, if they fit into one buffer
   * of it. Default: false.
   */
  useRegisteredSendBuffer?: boolean | undefined;
  /** Registered send buffers, 1 – 1024. Default: 64. They count against RLIMIT_MEMLOCK. */
  sendBufferCount?: number | undefined;
  /** Bytes of each, 4096 – 1048576. Default: 65536. */
  sendBufferSize?: number | undefined;
  /**
   * The network card writes what connections receive into memory of the server's, without the kernel copying
   * it there. Linux 6.15, `CAP_NET_ADMIN`, and a card whose driver hands out receive queues; see
   * {@link zcrxProbe}. Takes `zcrxInterfaceName` or `zcrxWithoutDevice`. Default: false.
   */
  useZeroCopyReceive?: boolean | undefined;
  /** The network interface whose queue is taken, such as 'eth0'. */
  zcrxInterfaceName?: string | undefined;
  /**
   * Instead of an interface: a queue of no network card, for tests. The kernel receives the same way and copies
   * every byte, which is slower than without. Linux 7.1, `CAP_NET_ADMIN`. Default: false.
   */
  zcrxWithoutDevice?: boolean | undefined;
  /** The receive queue of it that is taken, for this server alone, 0 – 65535. Default: 0. */
  zcrxRxQueue?: number | undefined;
  /**
   * Bytes of memory that the card may write to, 1 MiB – 2 GiB, rounded up to whole buffers. It stays locked in
   * memory and counts against `RLIMIT_MEMLOCK`. Default: 67108864.
   */
  zcrxAreaSize?: number | undefined;
  /**
   * Bytes of each buffer in it: 0 for the kernel's (a page), or a power of two, 4096 – 1048576, which takes
   * Linux 7.0 and a card that can. Default: 0.
   */
  zcrxRxBufferSize?: number | undefined;

  /** Whether our side stays open after the peer has ended its side. Default: false. */
  allowHalfOpen?: boolean | undefined;
  /** Whether connections start paused; `resume()` starts them. Default: false. */
  pauseOnConnect?: boolean | undefined;
  /** Another name of `tcpNoDelay`, which wins when both are given. */
  noDelay?: boolean | undefined;
  /** SO_KEEPALIVE on each connection. Default: false. */
  keepAlive?: boolean | undefined;
  /** Milliseconds of silence before the first keep-alive probe. Default: 0, the system's choice. */
  keepAliveInitialDelay?: number | undefined;
  /** Bytes buffered in each direction before backpressure. Default: that of Node's streams. */
  highWaterMark?: number | undefined;
  /** Addresses whose connections are closed at once, without an event. It may change while the server runs. */
  blockList?: BlockList | undefined;
}

/** The object form of {@link TcpServer.listen}. What is not given comes from the server's options. */
export interface TcpListenOptions {
  port?: number | string | null | undefined;
  /**
   * A Unix socket, at most 107 bytes; with a zero byte in front an abstract name. The file is removed when
   * the server closes.
   */
  path?: string | undefined;
  /** Permissions of the Unix socket's file: everyone may read. Default: what the umask leaves. */
  readableAll?: boolean | undefined;
  /** Permissions of the Unix socket's file: everyone may write, so may connect. */
  writableAll?: boolean | undefined;
  /** A bound stream socket of this process. The server closes it in the end. */
  fd?: number | undefined;
  /** An address or a name; a name is looked up first. */
  host?: string | undefined;
  backlog?: number | undefined;
  /** Do not share the port between the workers of a cluster. Default: false. */
  exclusive?: boolean | undefined;
  /** Do not accept IPv4 connections on an IPv6 address. */
  ipv6Only?: boolean | undefined;
  reusePort?: boolean | undefined;
  /** Closes the server when aborted. */
  signal?: AbortSignal | undefined;
}

/** What {@link TcpServer.info} tells: the counters that every transport has, and more on io_uring. */
export interface TcpServerInfo {
  /** The transport in use, or the one that `listen()` would use. */
  backend: 'io_uring' | 'net';
  /** Who runs the ring: a thread of its own, or the JavaScript thread; null on `node:net`. */
  driver: 'worker' | 'inline' | null;
  /** Why the transport is `node:net`; null on io_uring. */
  fallbackReason: string | null;
  listening: boolean;
  /** The counters are there once the server has listened. */
  connectionsActive?: number;
  connectionsAccepted?: number;
  connectionsClosed?: number;
  connectionsRejected?: number;
  idleTimeouts?: number;
  bytesReceived?: number;
  bytesSent?: number;
  /** io_uring: each feature of the kernel, 'available' or the error of its probe. */
  features?: Record<string, string>;
  /** io_uring: 'on', 'not asked for', or the error for which the ring is not restricted. */
  restrictedRing?: string;
  /** io_uring: each fast path that options ask for: 'on', 'not asked for', or the error for which it is off. */
  fastPaths?: Record<
    | 'recvBundle'
    | 'incrementalBuffers'
    | 'zeroCopySend'
    | 'registeredSendBuffer'
    | 'zeroCopyReceive',
    string
  >;
  /** io_uring: counters of the ring and its queues. */
  [counter: string]: unknown;
}

/** Options of `metrics()` and of {@link formatMetrics}. */
export interface MetricsOptions {
  /** What every name begins with. Default: 'searings_'. */
  prefix?: string | undefined;
  /** Labels of every sample, beside those that are there. */
  labels?: Readonly<Record<string, string | number>> | undefined;
}

export interface TcpServerEvents {
  connection: (connection: TcpConnection) => void;
  listening: () => void;
  /** The server has closed and its last connection has ended. */
  close: () => void;
  /** `EADDRINUSE`, `EACCES`, …, with `code`, `errno`, `syscall`, `address` and `port` as in Node. */
  error: (err: Error) => void;
  /** A connection was refused because of `maxConnections`. */
  drop: (data?: DropArgument) => void;
}

/** A TCP server with the interface of `net.Server`. */
export class TcpServer extends EventEmitter {
  constructor(
    options?: TcpServerOptions | null,
    connectionListener?: (connection: TcpConnection) => void,
  );
  constructor(connectionListener: (connection: TcpConnection) => void);

  /**
   * Listens on a port (0: any free one) of a host or of every address, on a Unix socket, or on a socket that
   * is there already. 'listening' and the callback come
   * later; the callback receives {@link TcpServer.info}. Failures are 'error' events.
   *
   * @throws `ERR_SERVER_ALREADY_LISTEN`, `ERR_SOCKET_BAD_PORT`, `ERR_INVALID_ARG_VALUE`
   */
  listen(callback?: (this: this, info: TcpServerInfo) => void): this;
  listen(
    port: number | string | null | undefined,
    callback?: (this: this, info: TcpServerInfo) => void,
  ): this;
  listen(
    port: number | string | null | undefined,
    host: string | null | undefined,
    callback?: (this: this, info: TcpServerInfo) => void,
  ): this;
  listen(
    port: number | string | null | undefined,
    backlog: number,
    callback?: (this: this, info: TcpServerInfo) => void,
  ): this;
  listen(
    port: number | string | null | undefined,
    host: string | null | undefined,
    backlog: number | undefined,
    callback?: (this: this, info: TcpServerInfo) => void,
  ): this;
  listen(path: string, callback?: (this: this, info: TcpServerInfo) => void): this;
  listen(path: string, backlog: number, callback?: (this: this, info: TcpServerInfo) => void): this;
  listen(options: TcpListenOptions, callback?: (this: this, info: TcpServerInfo) => void): this;
  /** Takes over the socket of a server of Node's, one that another process has sent for instance. */
  listen(
    handle: Server | Socket,
    backlog?: number,
    callback?: (this: this, info: TcpServerInfo) => void,
  ): this;
  listen(handle: Server | Socket, callback: (this: this, info: TcpServerInfo) => void): this;

  /**
   * Stops accepting connections; those there are go on. 'close' comes when the last has ended.
   *
   * @param callback for 'close'; receives `ERR_SERVER_NOT_RUNNING` if the server was not listening
   */
  close(callback?: (err?: Error) => void): this;
  /** Closes the server and cuts all of its connections now. Resolves at 'close'. */
  stop(): Promise<void>;
  /** Where the server listens: a string for a Unix socket; null when it does not listen. */
  address(): AddressInfo | string | null;
  /** The number of connections that are open. */
  getConnections(callback: (err: Error | null, count: number) => void): this;
  readonly listening: boolean;
  /**
   * Connections at one time; more are closed at once with a 'drop' event. undefined is no limit; 0 refuses
   * all of them.
   */
  maxConnections: number | undefined;
  /** Of no effect: see docs/net-parity.md. */
  dropMaxConnection?: boolean | undefined;
  readonly allowHalfOpen: boolean;
  readonly pauseOnConnect: boolean;
  /** The listening server keeps the process alive; the default. */
  ref(): this;
  /** The listening server does not keep the process alive; its connections still do. */
  unref(): this;
  /** Counters and features of the transport; after the end, those it had last. */
  info(): TcpServerInfo;
  /** The numbers of `info()` in Prometheus' text format: docs/metrics.md. */
  metrics(options?: MetricsOptions): string;
  /** Closes the server as {@link TcpServer.close} does. */
  [Symbol.asyncDispose](): Promise<void>;

  addListener<E extends keyof TcpServerEvents>(event: E, listener: TcpServerEvents[E]): this;
  addListener(event: string | symbol, listener: AnyListener): this;
  on<E extends keyof TcpServerEvents>(event: E, listener: TcpServerEvents[E]): this;
  on(event: string | symbol, listener: AnyListener): this;
  once<E extends keyof TcpServerEvents>(event: E, listener: TcpServerEvents[E]): this;
  once(event: string | symbol, listener: AnyListener): this;
  prependListener<E extends keyof TcpServerEvents>(event: E, listener: TcpServerEvents[E]): this;
  prependListener(event: string | symbol, listener: AnyListener): this;
  prependOnceListener<E extends keyof TcpServerEvents>(
    event: E,
    listener: TcpServerEvents[E],
  ): this;
  prependOnceListener(event: string | symbol, listener: AnyListener): this;
}

export interface TcpConnectionEvents {
  /** A Buffer; a string after `setEncoding()`. */
  data: (chunk: Chunk) => void;
  /** The peer has ended its side and everything it sent has been read. */
  end: () => void;
  drain: () => void;
  finish: () => void;
  pause: () => void;
  resume: () => void;
  readable: () => void;
  /** Nothing was received or sent for the time given to `setTimeout()`. The connection stays open. */
  timeout: () => void;
  /** `ECONNRESET`, `EPIPE`, …; 'close' follows. */
  error: (err: Error) => void;
  /** The connection is gone; always the last event. */
  close: (hadError: boolean) => void;
  pipe: (source: Readable) => void;
  unpipe: (source: Readable) => void;
}

/**
 * An accepted connection: a `stream.Duplex` with the interface of `net.Socket`. The server makes them.
 * What is written in one turn of the event loop goes out together at the end of that turn.
 */
export class TcpConnection extends Duplex {
  private constructor();

  /** The server that accepted the connection. */
  readonly server: TcpServer;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly localFamily: string | undefined;
  /** Bytes received. */
  readonly bytesRead: number;
  /** Bytes written, including those that still wait to be sent. */
  readonly bytesWritten: number;
  /** @deprecated Use `writableLength`. */
  readonly bufferSize: number | undefined;
  readonly connecting: false;
  /** Whether the connection has been destroyed. */
  readonly pending: boolean;
  readonly readyState: 'open' | 'readOnly' | 'writeOnly' | 'closed';
  /** Milliseconds, as last given to `setTimeout()`. */
  readonly timeout: number | undefined;

  /** The local end of the connection; `{}` once it is closed. */
  address(): AddressInfo | Record<string, never>;
  /** Ends our side, and destroys the connection once everything written has been sent. */
  destroySoon(): void;
  /** Closes with a RST. A Unix socket has none: `ERR_INVALID_HANDLE_TYPE` is thrown. */
  resetAndDestroy(): this;
  /** TCP_NODELAY. Default: true. */
  setNoDelay(enable?: boolean): this;
  /**
   * SO_KEEPALIVE.
   *
   * @param initialDelay milliseconds of silence before the first probe; 0 leaves it as it is
   */
  setKeepAlive(enable?: boolean, initialDelay?: number): this;
  setKeepAlive(options: { enable?: boolean; initialDelay?: number }): this;
  /**
   * Emits 'timeout' after so much time without received or sent data. 0 turns it off.
   *
   * @param msecs milliseconds; `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`
   * @param callback a listener for the next 'timeout'
   */
  setTimeout(msecs: number, callback?: () => void): this;
  /** The open connection keeps the process alive; the default. */
  ref(): this;
  unref(): this;

  addListener<E extends keyof TcpConnectionEvents>(
    event: E,
    listener: TcpConnectionEvents[E],
  ): this;
  addListener(event: string | symbol, listener: AnyListener): this;
  on<E extends keyof TcpConnectionEvents>(event: E, listener: TcpConnectionEvents[E]): this;
  on(event: string | symbol, listener: AnyListener): this;
  once<E extends keyof TcpConnectionEvents>(event: E, listener: TcpConnectionEvents[E]): this;
  once(event: string | symbol, listener: AnyListener): this;
  prependListener<E extends keyof TcpConnectionEvents>(
    event: E,
    listener: TcpConnectionEvents[E],
  ): this;
  prependListener(event: string | symbol, listener: AnyListener): this;
  prependOnceListener<E extends keyof TcpConnectionEvents>(
    event: E,
    listener: TcpConnectionEvents[E],
  ): this;
  prependOnceListener(event: string | symbol, listener: AnyListener): this;
}

/** The options of the transport that HTTP and TLS servers take beside those of Node's class. */
export type TransportOptions = Omit<TcpServerOptions, 'allowHalfOpen' | 'pauseOnConnect'>;

/** Classes that stand in for Node's, as in `http.ServerOptions`. */
type Request = typeof http.IncomingMessage;
type Response<R extends Request> = typeof http.ServerResponse<InstanceType<R>>;

/** {@link HttpServer.info}; the numbers are there where the worker parses. */
export interface HttpServerInfo extends TcpServerInfo {
  /** Requests that the worker has parsed. */
  httpRequests?: number;
  /** Violations and limits it has found in what was sent of them. */
  httpRefused?: number;
  /** Of these: limits of time. */
  httpTimeouts?: number;
}

/** Options of {@link createHttpServer}: those of `http.createServer()`, and of the transport. */
export type HttpServerOptions<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
> = http.ServerOptions<Req, Res> & TransportOptions;

/** Options of {@link createTlsServer}: those of `tls.createServer()`, and of the transport. */
export type TlsServerOptions = tls.TlsOptions & TransportOptions;

/** Options of {@link createHttpsServer}: those of `https.createServer()`, and of the transport. */
export type HttpsServerOptions<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
> = https.ServerOptions<Req, Res> & TransportOptions;

/**
 * An `http.Server` whose connections come from the transport: `request.socket` is a {@link TcpConnection}.
 * It listens wherever {@link TcpServer.listen} does.
 */
export class HttpServer<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
> extends http.Server<Req, Res> {
  constructor(requestListener?: http.RequestListener<Req, Res>);
  constructor(
    options?: HttpServerOptions<Req, Res> | null,
    requestListener?: http.RequestListener<Req, Res>,
  );
  /** Closes the server and cuts all of its connections now. Resolves at 'close'. */
  stop(): Promise<void>;
  /** Counters and features of the transport; after the end, those it had last. */
  info(): HttpServerInfo;
  /** The numbers of `info()` in Prometheus' text format: docs/metrics.md. */
  metrics(options?: MetricsOptions): string;
}

/** A `tls.Server` whose connections come from the transport; 'secureConnection' gives a `tls.TLSSocket`. */
export class TlsServer extends tls.Server {
  constructor(secureConnectionListener?: (socket: tls.TLSSocket) => void);
  constructor(
    options?: TlsServerOptions | null,
    secureConnectionListener?: (socket: tls.TLSSocket) => void,
  );
  /** Closes the server and cuts all of its connections now. Resolves at 'close'. */
  stop(): Promise<void>;
  /** Counters and features of the transport; after the end, those it had last. */
  info(): TcpServerInfo;
  /** The numbers of `info()` in Prometheus' text format: docs/metrics.md. */
  metrics(options?: MetricsOptions): string;
}

/** An `https.Server` whose connections come from the transport; `request.socket` is a `tls.TLSSocket`. */
export class HttpsServer<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
> extends https.Server<Req, Res> {
  constructor(requestListener?: http.RequestListener<Req, Res>);
  constructor(
    options?: HttpsServerOptions<Req, Res> | null,
    requestListener?: http.RequestListener<Req, Res>,
  );
  /** Closes the server and cuts all of its connections now. Resolves at 'close'. */
  stop(): Promise<void>;
  /** Counters and features of the transport; after the end, those it had last. */
  info(): TcpServerInfo;
  /** The numbers of `info()` in Prometheus' text format: docs/metrics.md. */
  metrics(options?: MetricsOptions): string;
}

/**
 * Options of {@link UringTcpServer}: those of {@link TcpServerOptions} that are not about streams, with the
 * same meanings, ranges and errors.
 */
export interface UringTcpServerOptions
  extends Omit<
    TcpServerOptions,
    'allowHalfOpen' | 'pauseOnConnect' | 'highWaterMark' | 'blockList'
  > {
  /** An address or a name. Default: '127.0.0.1'. */
  host?: string | undefined;
  /**
   * Connections at one time; more are closed at once, without an event. Counted as `connectionsRejected`.
   * Default: 0, no limit.
   */
  maxConnections?: number | undefined;
  /** Sends of one connection that may wait for the kernel to take them, at least 1. Default: 1024. */
  sendQueueCapacity?: number | undefined;
}

/** Options of {@link UringTcpEchoServer}. */
export type UringTcpEchoServerOptions = Omit<
  UringTcpServerOptions,
  'sendQueueCapacity' | 'eventBatchSize' | 'eventQueueCapacity' | 'commandQueueCapacity'
>;

/** Every event is an object of one class, and has all of these properties. */
export interface UringTcpEventOf<Type, Data = undefined, Code = undefined> {
  readonly eventType: Type;
  /** A safe integer above 0. */
  readonly connectionId: number;
  readonly data: Data;
  readonly code: Code;
  /** Of 'connect', if the peer is still there. */
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
}

/**
 * What happened to a connection.
 *
 * - `connect`: its first event; `remote…` tell whose it is
 * - `data`: what was received. It shares memory with other chunks: copy what is kept for long
 * - `end`: the peer has ended its side, and all data came before; the connection stays open for sending
 * - `drain`: a send was refused, and there is room again
 * - `error`: the connection has failed with `code` (`ECONNRESET`, `EPIPE`, `ETIMEDOUT`, …); 'close' follows
 *   by itself. With a `connectionId` of 0 it is the listener that has failed: nobody is accepted any more
 * - `close`: its last event, exactly once; its id is never used again
 */
export type UringTcpEvent =
  | UringTcpEventOf<'data', Buffer>
  | UringTcpEventOf<'error', undefined, string>
  | UringTcpEventOf<'connect' | 'end' | 'drain' | 'close'>;

/** One entry of {@link UringTcpServer.sendBatch}. */
export interface UringTcpSend {
  readonly connectionId: number;
  /** A string is sent as UTF-8. */
  readonly data: Uint8Array | string;
}

/** What `start()` resolves to: {@link UringTcpServer.info}, and where the server listens. */
export interface UringTcpServerInfo extends TcpServerInfo {
  /** The same as `address`. */
  host?: string;
  address?: string;
  family?: string;
  port?: number;
  /** Calls to send that were refused, and connections that a broadcast was refused for. */
  sendRefusals?: number;
}

declare class UringService<Options> {
  constructor(options?: Options | null);
  /** Cuts every connection now. Resolves when everything has been released; then it can be started again. */
  stop(): Promise<void>;
  /** Where the server listens, or null. */
  address(): AddressInfo | null;
  /** Counters and features; after the end, those it had last. */
  info(): UringTcpServerInfo;
  /** The numbers of `info()` in Prometheus' text format: docs/metrics.md. */
  metrics(options?: MetricsOptions): string;
  /** The running server keeps the process alive; the default. */
  ref(): this;
  /** Neither the running server nor its connections keep the process alive. */
  unref(): this;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A TCP server without streams: connections are numbers, what happens to them are events, and what is sent
 * needs no callback. For programs that want less JavaScript per message than a Duplex takes.
 *
 * No method throws because a connection is gone, it returns false. Arguments of a wrong type are a
 * `TypeError` with the code `ERR_INVALID_ARG_TYPE`.
 */
export class UringTcpServer extends UringService<UringTcpServerOptions> {
  /**
   * Listens, and calls `onEvent` with each event. Ticks and microtasks run between two events of one
   * connection; across connections they run after up to `eventBatchSize` events.
   *
   * Rejects with an error of the system (`EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`, `ENOTFOUND`, …), with
   * `ERR_SERVER_ALREADY_LISTEN` when it is running, `ERR_SERVER_NOT_RUNNING` when it was stopped
   * meanwhile, and with `fallback: false` with `SEARINGS_IO_URING_UNAVAILABLE` or
   * `SEARINGS_NATIVE_LOAD_FAILED`.
   */
  start(onEvent: (event: UringTcpEvent) => void): Promise<UringTcpServerInfo>;
  /** The same, with 1 to `eventBatchSize` events per call, in an array of their own. */
  startBatch(onEvents: (events: UringTcpEvent[]) => void): Promise<UringTcpServerInfo>;

  /**
   * Sends, in the order of the calls. Do not change or transfer a Buffer of more than 16 KiB afterwards:
   * the kernel reads it when the peer has room. Smaller ones are copied.
   *
   * @returns whether it was taken. Otherwise nothing was: the connection is gone or closing, or
   *   `sendQueueCapacity` sends are waiting, or the command queue is full; 'drain' follows the latter two
   */
  send(connectionId: number, data: Uint8Array | string): boolean;
  /**
   * The last send: ends our side when everything has been sent, and closes the connection when the peer
   * has ended its side too. Until 'close' no other event comes but 'error'.
   */
  sendAndClose(connectionId: number, data: Uint8Array | string): boolean;
  /**
   * Many sends in one call: all are taken or none. Those to connections that are gone are passed over.
   *
   * @returns false when nothing was taken: 'drain' follows for each connection that had no room, if there
   *   was one
   * @throws RangeError `ERR_OUT_OF_RANGE` for more entries than `commandQueueCapacity`, or more for one
   *   connection than `sendQueueCapacity`
   */
  sendBatch(entries: readonly UringTcpSend[]): boolean;
  /** The same with {@link UringTcpServer.sendAndClose}; at most half of `commandQueueCapacity` entries. */
  sendBatchAndClose(entries: readonly UringTcpSend[]): boolean;
  /**
   * The same bytes to many connections, or to all. They are not copied per connection, and their memory is
   * held until the last connection has sent them. Do not change a Buffer of more than 64 KiB afterwards.
   *
   * @returns how many connections took it. The others miss it: they are gone, or 'drain' follows
   */
  broadcast(connectionIds: readonly number[] | 'all', data: Uint8Array | string): number;

  /**
   * Closes now: what still waits to be sent gets one attempt. 'close' follows, and nothing else.
   *
   * @returns whether there was such a connection, and it was not being closed already
   */
  closeConnection(connectionId: number): boolean;
  /** Stops receiving. What had arrived before is still told. */
  pause(connectionId: number): boolean;
  resume(connectionId: number): boolean;
}

/**
 * Sends back what it receives, without any JavaScript per message. A peer that does not read is received
 * from no more until it does; a peer that ends its side gets the rest and our end.
 */
export class UringTcpEchoServer extends UringService<UringTcpEchoServerOptions> {
  /** Listens. Rejects as {@link UringTcpServer.start} does. */
  start(): Promise<UringTcpServerInfo>;
}

/** Names and values; several of one name in an array. */
export type UringHttpHeaders =
  | Readonly<Record<string, string | number | readonly (string | number)[]>>
  | readonly (readonly [string, string | number | readonly (string | number)[]])[];

/** A fixed response: its body, or all of it. */
export type UringHttpRoute =
  | string
  | Uint8Array
  | {
      /** Default: 200. */
      readonly statusCode?: number;
      readonly headers?: UringHttpHeaders;
      /** Default: none. */
      readonly body?: string | Uint8Array;
    };

/** Options of {@link UringHttpServer}: those of {@link UringTcpServerOptions}, and of HTTP. */
export interface UringHttpServerOptions extends Omit<UringTcpServerOptions, 'sendQueueCapacity'> {
  /** What every request without a route is answered with, by the native worker. */
  responseBody?: string | Uint8Array | undefined;
  responseHeaders?: UringHttpHeaders | undefined;
  /** 200 to 999. Default: 200. */
  statusCode?: number | undefined;
  /** Fixed responses to GET and HEAD, by exact path, given by the native worker. */
  routes?: Readonly<Record<string, UringHttpRoute>> | undefined;
  /** Bytes of a request's head; 431 above. 256 to 16 MiB. Default: 16384. */
  maxHeaderSize?: number | undefined;
  /** 431 above. 1 to 65535. Default: 2000. */
  maxHeadersCount?: number | undefined;
  /** Bytes; 414 above. Default: 8192. */
  maxUrlLength?: number | undefined;
  /** Bytes of a request's body; 413 above; 0 for no limit. Default: 1 MiB. */
  maxBodySize?: number | undefined;
  /** Unanswered requests of one connection; the others wait. 1 to 1024. Default: 64. */
  maxPipelinedRequests?: number | undefined;
  /** Milliseconds for a head to arrive; 408 after; 0 for no limit. Default: 60000. */
  headersTimeout?: number | undefined;
  /** Milliseconds for a whole request to arrive; 408 after; 0 for no limit. Default: 300000. */
  requestTimeout?: number | undefined;
  /** Milliseconds between two requests; closed after; 0 for no limit. Default: 5000. */
  keepAliveTimeout?: number | undefined;
}

/** A request of {@link UringHttpServer}, whole. */
export interface UringHttpRequest {
  /** For {@link UringHttpServer.respond}. */
  readonly requestId: number;
  readonly method: string;
  /** As it came: with the query, and perhaps absolute. */
  readonly url: string;
  /** The URL without its query. */
  readonly path: string;
  /** What follows the `?`, or ''. */
  readonly query: string;
  readonly httpVersion: '1.0' | '1.1';
  /** Whether the connection stays after the response. */
  readonly keepAlive: boolean;
  /** Shares memory with others: copy what is kept for long. */
  readonly body: Buffer;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  /** A header's value, whatever the case of its name; several are joined with ', ' (cookies with '; '). */
  header(name: string): string | undefined;
}

/** {@link UringHttpServer.info} */
export interface UringHttpServerInfo extends UringTcpServerInfo {
  /** Requests that were understood. */
  httpRequests?: number;
  /** Of these: answered with a fixed response. */
  httpFixed?: number;
  /** Answered with 4xx or 5xx by the server itself, because of a violation or a limit. */
  httpRefused?: number;
  /** Connections ended by a time limit of HTTP. */
  httpTimeouts?: number;
}

/**
 * An HTTP server without streams. Fixed responses are given by the native worker, without JavaScript;
 * other requests come, whole, to a handler.
 */
export class UringHttpServer extends UringService<UringHttpServerOptions> {
  /**
   * Listens, and calls `onRequest` with each request that has no fixed response. Without it, those are
   * answered with 404. Rejects as {@link UringTcpServer.start} does.
   *
   * @throws TypeError `ERR_INVALID_ARG_VALUE` for a handler beside a `responseBody`, which answers everything
   */
  start(onRequest?: (request: UringHttpRequest) => void): Promise<UringHttpServerInfo>;
  /** The same, with 1 to `eventBatchSize` requests per call, in an array of their own. */
  startBatch(onRequests: (requests: UringHttpRequest[]) => void): Promise<UringHttpServerInfo>;
  /** Counters and features; after the end, those it had last. */
  info(): UringHttpServerInfo;
  /**
   * Answers a request, once. Responses leave in the order of their connection's requests, in whatever
   * order they are given. Do not change or transfer a Buffer of more than 16 KiB afterwards.
   *
   * @param status 200 to 999, `ERR_HTTP_INVALID_STATUS_CODE`. Default: 200
   * @param headers checked as Node checks them: `ERR_INVALID_HTTP_TOKEN`, `ERR_INVALID_CHAR`,
   *   `ERR_HTTP_INVALID_HEADER_VALUE`
   * @returns false when there is nobody to answer: the connection is gone, or it was answered already
   */
  respond(
    requestId: number,
    status?: number,
    headers?: UringHttpHeaders | null,
    body?: string | Uint8Array | null,
  ): boolean;
}

/** A server of any kind. */
export type AnyServer =
  | TcpServer
  | HttpServer
  | TlsServer
  | HttpsServer
  | UringTcpServer
  | UringTcpEchoServer
  | UringHttpServer;

/** The `Content-Type` of what `metrics()` and {@link formatMetrics} give. */
export const METRICS_CONTENT_TYPE: 'text/plain; version=0.0.4; charset=utf-8';

/** The metrics of several servers in one text, in which each has a label `name`. */
export function formatMetrics(
  servers: Readonly<Record<string, AnyServer>>,
  options?: MetricsOptions,
): string;

/** What the channels `searings:connection:…` of `node:diagnostics_channel` give. docs/metrics.md */
export type ConnectionMessage = { readonly server: AnyServer } & (
  | {
      readonly connection: TcpConnection;
      /** Of 'close'. */
      readonly hadError?: boolean;
      /** Of 'error'. */
      readonly error?: Error;
      readonly connectionId?: undefined;
    }
  | {
      /** Of a raw server. */
      readonly connectionId: number;
      /** Of 'open', if the peer is still there. */
      readonly peer?: AddressInfo | undefined;
      /** Of 'error'. */
      readonly error?: Error;
      readonly connection?: undefined;
    }
);

/** What the channels `searings:server:…` give. */
export interface ServerMessage {
  readonly server: AnyServer;
  /** Of 'listening'. */
  readonly address?: AddressInfo | string | null;
  readonly backend?: 'io_uring' | 'net';
  readonly driver?: 'worker' | 'inline' | null;
  /** Of 'fallback'. */
  readonly reason?: string;
}

/**
 * The native addon could not be loaded. It comes as the 'error' event of a server with
 * `fallback: false`, or in a process with `SEARINGS_BACKEND=io_uring`.
 */
export class SearingsNativeLoadError extends Error {
  private constructor();
  readonly code: 'SEARINGS_NATIVE_LOAD_FAILED';
  readonly platform: string;
  readonly arch: string;
  /** 'glibc' or 'musl'; null when it is neither or unknown. */
  readonly libc: string | null;
  /** What was tried, in order, and how each attempt failed. */
  readonly attempts: readonly { readonly path: string; readonly error: Error }[];
}

/**
 * Makes a TCP server on io_uring, or on `node:net` where io_uring is not usable.
 *
 * The environment variable `SEARINGS_BACKEND` decides it by hand: `net` runs on `node:net` without a
 * warning, `io_uring` refuses to run on `node:net`.
 *
 * @param connectionListener a listener for 'connection'
 */
export function createTcpServer(
  options?: TcpServerOptions | null,
  connectionListener?: (connection: TcpConnection) => void,
): TcpServer;
export function createTcpServer(connectionListener: (connection: TcpConnection) => void): TcpServer;

/** A feature of io_uring, as {@link capabilities} found it. */
export interface Capability {
  /** Whether it worked when it was tried. */
  available: boolean;
  /** What was done to find out. */
  probe: string;
  /** The kernel that brought it; vendors backport. */
  since: string;
  /** Why it is not available: the error it gave, and what that means. */
  reason: string | null;
}

export type CapabilityName =
  | 'ring'
  | 'multishotAccept'
  | 'multishotRecv'
  | 'bufferRing'
  | 'cancelFd'
  | 'incrementalBuffers'
  | 'recvBundle'
  | 'sendBundle'
  | 'sendZeroCopy'
  | 'sendMessageZeroCopy'
  | 'registeredSendBuffer'
  | 'submitAll'
  | 'coopTaskrun'
  | 'singleIssuer'
  | 'deferTaskrun'
  | 'registeredRing'
  | 'napi'
  | 'sqpoll'
  | 'msgRing'
  | 'futexWait'
  | 'recvZeroCopy'
  | 'cqe32';

export interface ResourceLimit {
  soft: number | 'unlimited';
  hard: number | 'unlimited';
}

/** What {@link capabilities} tells. What cannot be found out is null. */
export interface Capabilities {
  /** Whether servers run on io_uring here. */
  usable: boolean;
  /** Why they do not, and what would change that. */
  problem: {
    cause: 'addon' | 'kernel' | 'memlock' | 'nofile' | 'policy' | 'seccomp' | 'sysctl' | 'unknown';
    reason: string;
    advice: string;
    command: string;
  } | null;
  features: Record<CapabilityName, Capability>;
  kernel: { release: string; version: readonly [number, number, number] | null; arch: string };
  limits: {
    /** RLIMIT_MEMLOCK, in bytes. */
    memlock: ResourceLimit | null;
    /** RLIMIT_NOFILE. */
    nofile: ResourceLimit | null;
    somaxconn: number | null;
    /** The sysctl kernel.io_uring_disabled: 0 for everybody, 1 for root and one group, 2 for nobody. */
    ioUringDisabled: number | null;
    /** That group; -1 for none. */
    ioUringGroup: number | null;
  };
  sandbox: {
    seccomp: 'none' | 'strict' | 'filter' | null;
    /** 'docker', 'podman', 'kubernetes', …, by the traces that these leave. */
    container: string | null;
    initialUserNamespace: boolean | null;
    capNetAdmin: boolean | null;
    capIpcLock: boolean | null;
    capSysAdmin: boolean | null;
    capSysResource: boolean | null;
  };
  /** The native addon: where it was found, or what was tried. */
  addon: {
    path: string | null;
    error: string | null;
    attempts: readonly { readonly path: string; readonly error: string }[];
  };
}

/**
 * What io_uring can do here: each feature is tried on rings and sockets made for that. Takes some
 * milliseconds, in which nothing else runs. Never throws, also where the addon does not load.
 */
export function capabilities(): Capabilities;

export interface ZcrxProbeOptions {
  /** A network interface. Default: all of them. */
  interface?: string | undefined;
  /** The receive queue to ask about. Default: 0. */
  rxQueue?: number | undefined;
  /** Bytes of a receive buffer: a power of two from 4096 on. Default: 0, the kernel's choice. */
  rxBufferSize?: number | undefined;
  /** Registers the queue for real, which restarts it, and releases it. Default: false. */
  active?: boolean | undefined;
}

/** Something in the way, and the command that removes it. */
export interface ZcrxProblem {
  code: string;
  text: string;
  fix: string;
}

/** An interface and one of its receive queues. What the driver does not tell is null. */
export interface ZcrxInterface {
  name: string;
  index: number;
  /** Of a virtual interface: 'veth', 'bridge', … */
  kind: string | null;
  /** The hardware behind it; null for a virtual interface. */
  device: string | null;
  driver: string | null;
  up: boolean;
  operstate: string;
  rxQueues: number | null;
  rxQueuesMax: number | null;
  /** What brings more receive queues (`ethtool -L`), and how many of them there are. */
  channels: { kind: 'combined' | 'rx'; count: number } | null;
  /** Whether headers and data of TCP arrive apart. */
  dataSplit: 'on' | 'off' | null;
  /** Bytes up to which data stays with its header. Linux 6.14. */
  splitThreshold: number | null;
  /** Rules that steer connections to a queue. */
  ntuple: { possible: boolean; on: boolean } | null;
  /** RSS contexts beside the default one. Linux 6.12. */
  rssContexts: number | null;
  xdp: {
    mode: 'none' | 'driver' | 'generic' | 'hardware' | 'several';
    programs: string[];
    /** The id of the BPF link that holds the program; 0 for none, null where that is not known. */
    link: number | null;
  };
  rxQueue: {
    index: number;
    /** Linux 6.8 and newer tell. */
    usedBy: ('ioUring' | 'afXdp' | 'dmabuf' | 'leased')[] | null;
    /** Whether traffic without a rule also goes to it. */
    inRssTable: boolean | null;
  };
  ready: boolean;
  /** What came of registering it; null if that was not asked for, or held back. */
  active: { ok: boolean; stage: string; reason: string | null } | null;
  /** Which blockers held it back although it was asked for. */
  activeHeldBack: string | null;
  blockers: ZcrxProblem[];
  warnings: ZcrxProblem[];
}

export interface ZcrxReport {
  kernel: string;
  /** Whether any of the interfaces is ready. */
  ready: boolean;
  permission: { capNetAdmin: boolean | null; initialUserNamespace: boolean | null };
  recvZeroCopy: Capability;
  cqe32: Capability;
  /** Kernel errors that the version number is in the range of. */
  advisories: { id: string; title: string; source: string; fixedIn: string; ignored: boolean }[];
  /** Loaded to learn the names of XDP programs; null where not installed. */
  libraries: { libbpf: string | null; libxdp: string | null };
  /** What is in the way on every interface. */
  blockers: ZcrxProblem[];
  interfaces: ZcrxInterface[];
}

/**
 * Whether zero-copy receive can work on a receive queue of a network interface, and what is in its way.
 * Changes nothing unless `active` is set.
 *
 * @throws `ERR_INVALID_ARG_TYPE`, `ERR_OUT_OF_RANGE`, `ERR_INVALID_ARG_VALUE` for wrong options
 */
export function zcrxProbe(options?: ZcrxProbeOptions | null): ZcrxReport;
/**
 * As `http.createServer()`, on the transport of {@link createTcpServer}.
 *
 * @param requestListener a listener for 'request'
 */
export function createHttpServer<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
>(requestListener?: http.RequestListener<Req, Res>): HttpServer<Req, Res>;
export function createHttpServer<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
>(
  options?: HttpServerOptions<Req, Res> | null,
  requestListener?: http.RequestListener<Req, Res>,
): HttpServer<Req, Res>;

/**
 * As `tls.createServer()`, on the transport of {@link createTcpServer}.
 *
 * @param secureConnectionListener a listener for 'secureConnection'
 */
export function createTlsServer(
  secureConnectionListener?: (socket: tls.TLSSocket) => void,
): TlsServer;
export function createTlsServer(
  options?: TlsServerOptions | null,
  secureConnectionListener?: (socket: tls.TLSSocket) => void,
): TlsServer;

/**
 * As `https.createServer()`, on the transport of {@link createTcpServer}.
 *
 * @param requestListener a listener for 'request'
 */
export function createHttpsServer<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
>(requestListener?: http.RequestListener<Req, Res>): HttpsServer<Req, Res>;
export function createHttpsServer<
  Req extends Request = Request,
  Res extends Response<Req> = Response<Req>,
>(
  options?: HttpsServerOptions<Req, Res> | null,
  requestListener?: http.RequestListener<Req, Res>,
): HttpsServer<Req, Res>;

// biome-ignore lint/complexity/noUselessEmptyExport: with it, what is not marked as exported is not
export {};
