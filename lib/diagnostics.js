'use strict';

const { channel } = require('node:diagnostics_channel');

/**
 * What is published for programs that watch: docs/metrics.md has the payloads. Whoever publishes asks
 * `hasSubscribers` first, so that nobody who does not watch pays for a payload.
 */
module.exports = {
  connectionOpen: channel('searings:connection:open'),
  connectionError: channel('searings:connection:error'),
  connectionClose: channel('searings:connection:close'),
  serverListening: channel('searings:server:listening'),
  serverFallback: channel('searings:server:fallback'),
  serverClose: channel('searings:server:close'),

  /** @param {object} server which has just begun to listen */
  tellListening(server) {
    const { serverFallback, serverListening } = module.exports;
    if (!serverFallback.hasSubscribers && !serverListening.hasSubscribers) return;
    const { backend, driver, fallbackReason } = server.info();
    if (fallbackReason !== null) serverFallback.publish({ server, reason: fallbackReason });
    serverListening.publish({ server, address: server.address(), backend, driver });
  },
};
