'use strict';

/*
 * What the transport finds on each kernel of the matrix: what its servers run on, and what is not there with
 * the reason that is given. All else is available.
 */

const UNKNOWN = 'EINVAL: this kernel does not know it';
const ABSENT = 'EOPNOTSUPP: this kernel does not have it, or was built without it';

/** Debian's 5.10 has the io_uring of 5.15. */
const BEFORE_BUFFER_RINGS = Object.fromEntries(
  [
    'multishotAccept',
    'multishotRecv',
    'bufferRing',
    'cancelFd',
    'incrementalBuffers',
    'recvBundle',
    'sendBundle',
    'sendZeroCopy',
    'sendMessageZeroCopy',
    'registeredSendBuffer',
    'submitAll',
    'coopTaskrun',
    'singleIssuer',
    'deferTaskrun',
    'registeredRing',
    'napi',
    'msgRing',
    'futexWait',
    'recvZeroCopy',
    'cqe32',
  ].map((name) => [name, UNKNOWN]),
);

const BEFORE_BUNDLES = {
  incrementalBuffers: UNKNOWN,
  recvBundle: UNKNOWN,
  sendBundle: ABSENT,
  napi: UNKNOWN,
  futexWait: UNKNOWN,
  recvZeroCopy: ABSENT,
};

/**
 * By version. `problem` is why servers run on node:net; `withoutDevice` is what zero-copy receive without a
 * network card says, undefined where there is no ring.
 */
const KERNELS = {
  6.1: { backend: 'io_uring', missing: BEFORE_BUNDLES, withoutDevice: 'EINVAL' },
  '5.10': {
    backend: 'net',
    problem: 'provided buffer ring failed with EINVAL',
    missing: BEFORE_BUFFER_RINGS,
  },
  6.12: { backend: 'io_uring', missing: { recvZeroCopy: ABSENT }, withoutDevice: 'EINVAL' },
  7.2: { backend: 'io_uring', missing: {}, withoutDevice: 'on' },
  6.18: { backend: 'io_uring', missing: {}, withoutDevice: 'EINVAL' },
};

/** @returns {string} the version of a release: 6.12 for 6.12.117+deb13-amd64 */
function versionOf(release) {
  return /^\d+\.\d+/.exec(release)[0];
}

module.exports = { KERNELS, versionOf };
