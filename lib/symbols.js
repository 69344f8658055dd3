'use strict';

/**
 * Private keys between the public classes and the backends. They are symbols so that nothing of this
 * shows up as a property that a user, or another library that inherits from ours, could step on.
 */
module.exports = {
  // Calls from a backend into the object it was created for (see Transport in tcp/transport.js).
  kOnOpen: Symbol('onOpen'),
  kOnListenerClosed: Symbol('onListenerClosed'),
  kOnStopped: Symbol('onStopped'),

  // Calls from a backend into a connection.
  kOnData: Symbol('onData'),
  kOnEnd: Symbol('onEnd'),
  kOnError: Symbol('onError'),
  kOnSent: Symbol('onSent'),
  kOnShutdown: Symbol('onShutdown'),
  kOnClosed: Symbol('onClosed'),
  kFlush: Symbol('flush'),

  // Calls from the engine of a raw server into the server.
  kOnEvent: Symbol('onEvent'),
  kOnEvents: Symbol('onEvents'),

  // Between a server and its transports and connections.
  kOptions: Symbol('options'),
  kStreamOptions: Symbol('streamOptions'),
  kConnections: Symbol('connections'),
  kRefed: Symbol('refed'),
  kOnListening: Symbol('onListening'),
  kOnListenerLost: Symbol('onListenerLost'),
  kOnListenError: Symbol('onListenError'),
  kOnReleased: Symbol('onReleased'),
  kPauseAtOpen: Symbol('pauseAtOpen'),
  kServe: Symbol('serve'),
  kTcp: Symbol('tcp'),
  kKind: Symbol('kind'),
  kFacade: Symbol('facade'),

  // HTTP that the worker parses: from the backend into a connection, and what a TcpServer is to know.
  kOnHead: Symbol('onHead'),
  kOnTrailers: Symbol('onTrailers'),
  kOnMessageEnd: Symbol('onMessageEnd'),
  kOnRaw: Symbol('onRaw'),
  kOnFailed: Symbol('onFailed'),
  kHttpAdopt: Symbol('httpAdopt'),
  kHttpIdle: Symbol('httpIdle'),
  kLimitTimes: Symbol('limitTimes'),
  kHttpSettings: Symbol('httpSettings'),
  kConnectionClass: Symbol('connectionClass'),
};
