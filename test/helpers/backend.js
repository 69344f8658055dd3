'use strict';

/**
 * The transport the servers of this run are expected to use. The whole suite is run once on
 * io_uring (nothing set) and once on node:net (SEARINGS_BACKEND=net).
 */
const expectedBackend = process.env.SEARINGS_BACKEND === 'net' ? 'net' : 'io_uring';

module.exports = { expectedBackend };
