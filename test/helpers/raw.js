'use strict';

const assert = require('node:assert/strict');
const { UringTcpEchoServer, UringTcpServer } = require('../..');
const { closed, connect } = require('./clients');
const { eventually } = require('./eventually');

const PER_CONNECTION = ['data', 'end', 'drain', 'error', 'close'];

/**
 * Holds a raw server to the order it promises: 'connect' first, 'data' before 'end', at most one 'error',
 * 'close' once and last. Throws from inside the handler otherwise.
 */
class EventOrder {
  constructor() {
    this.connections = new Map();
    this.seen = new Set();
  }

  check({ eventType, connectionId, data, code, remotePort }) {
    const state = this.connections.get(connectionId);
    if (eventType === 'connect') {
      assert.ok(Number.isSafeInteger(connectionId) && connectionId > 0);
      assert.ok(!this.seen.has(connectionId), 'an id that was there before');
      // A peer that has reset the connection already has no address any more.
      assert.ok(remotePort === undefined || remotePort > 0);
      this.seen.add(connectionId);
      this.connections.set(connectionId, { ended: false, failed: false });
      return;
    }
    assert.ok(PER_CONNECTION.includes(eventType), `unknown event ${eventType}`);
    assert.ok(state, `'${eventType}' of a connection that is not there`);
    assert.equal(Buffer.isBuffer(data), eventType === 'data');
    assert.equal(typeof code === 'string', eventType === 'error');
    if (eventType === 'data') assert.ok(!state.ended && data.length > 0);
    if (eventType === 'end') {
      assert.ok(!state.ended);
      state.ended = true;
    }
    if (eventType === 'error') {
      assert.ok(!state.failed);
      state.failed = true;
    }
    if (state.failed) assert.ok(eventType === 'error' || eventType === 'close');
    if (eventType === 'close') this.connections.delete(connectionId);
  }
}

/** Waits until a raw server holds nothing, while it runs. */
async function nothingHeld(server) {
  await eventually(() => {
    const { connectionsActive, slotsInUse = 0, buffersInUse = 0 } = server.info();
    return connectionsActive + slotsInUse + buffersInUse === 0;
  }, 'a raw server that holds nothing');
}

/**
 * Raw servers and clients of one suite. What a test opens is closed after it, and has to leave nothing.
 */
function useRaw() {
  const servers = new Set();
  const sockets = new Map();

  afterEach(async () => {
    for (const socket of sockets.keys()) socket.destroy();
    await Promise.all([...servers].map((server) => server.stop()));
    await Promise.all(sockets.values());
    for (const server of servers) await nothingHeld(server);
    servers.clear();
    sockets.clear();
  });

  const raw = {
    /** Starts a server whose events are checked, kept in `server.events`, and given to `handle`. */
    async start(options, handle = () => {}) {
      const server = new UringTcpServer(options);
      const order = new EventOrder();
      servers.add(server);
      server.events = [];
      await server.start((event) => {
        order.check(event);
        server.events.push(event);
        handle(event, server);
      });
      return server;
    },
    async startBatch(options, handle = () => {}) {
      const server = new UringTcpServer(options);
      const order = new EventOrder();
      servers.add(server);
      server.events = [];
      await server.startBatch((events) => {
        for (const event of events) order.check(event);
        server.events.push(...events);
        handle(events, server);
      });
      return server;
    },
    async startEcho(options) {
      const server = new UringTcpEchoServer(options);
      servers.add(server);
      await server.start();
      return server;
    },
    async connect(server, options) {
      const socket = await connect(server.info().port, options);
      sockets.set(socket, closed(socket));
      return socket;
    },
    /** A client and the id that the server has for it. */
    async pair(server, options) {
      const client = await raw.connect(server, options);
      const { id } = await raw.event(server, 'connect', ({ remotePort }) => {
        return remotePort === client.localPort;
      });
      return { client, id };
    },
    /** Waits for an event of this type that was told or will be. */
    async event(server, type, matches = () => true) {
      const fits = (event) => event.eventType === type && matches(event);
      const event = await eventually(() => server.events.find(fits), `'${type}'`);
      return { ...event, id: event.connectionId };
    },
  };
  return raw;
}

/**
 * An echo that obeys refusals: what was not taken waits for 'drain', and nothing more is received until
 * then. Ends when the peer does.
 *
 * @returns {(event: object) => void} the handler of a server's events
 */
function rawEcho(server) {
  const connections = new Map();
  const flush = (id, state) => {
    while (state.waiting.length > 0 && server.send(id, state.waiting[0])) state.waiting.shift();
    if (state.waiting.length > 0) return;
    if (state.ended) {
      state.finished ||= server.sendAndClose(id, '');
    } else if (state.paused) {
      state.paused = false;
      server.resume(id);
    }
  };
  return ({ eventType, connectionId: id, data }) => {
    const state = connections.get(id);
    switch (eventType) {
      case 'connect':
        connections.set(id, { waiting: [], ended: false, paused: false, finished: false });
        break;
      case 'data':
        if (state.waiting.length > 0 || !server.send(id, data)) {
          state.waiting.push(data);
          state.paused = true;
          server.pause(id);
        }
        break;
      case 'end':
        state.ended = true;
        flush(id, state);
        break;
      case 'drain':
        flush(id, state);
        break;
      case 'close':
        connections.delete(id);
        break;
    }
  };
}

module.exports = { EventOrder, nothingHeld, rawEcho, useRaw };
