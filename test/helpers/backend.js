'use strict';

/**
 * The transport the servers of this run are expected to use. The whole suite is run once on
 * io_uring (nothing set) and once on node:net (SEARINGS_BACKEND=net). On a kernel that decides
 * itself, SEARINGS_TEST_TRANSPORT says which it is.
 */
const forced = process.env.SEARINGS_BACKEND === 'net' ? 'net' : 'io_uring';
const expectedBackend = process.env.SEARINGS_TEST_TRANSPORT || forced;

/** Whether it is the kernel that leaves only node:net, and not the one who runs the tests. */
const fallsBack = expectedBackend === 'net' && forced !== 'net';

module.exports = { expectedBackend, fallsBack };
