'use strict';

/**
 * Every feature of io_uring that the transport can use: the kernel that brought it, and what is done to
 * see whether it works. Vendors backport and sandboxes forbid, so `since` only says what to expect.
 */
const FEATURES = {
  __proto__: null,
  ring: { since: '5.1', probe: 'sets up a ring and runs a NOP through it' },
  multishotAccept: {
    since: '5.19',
    probe: 'accepts a Unix connection with a request that stays armed',
  },
  multishotRecv: { since: '6.0', probe: 'receives a byte with a request that stays armed' },
  bufferRing: { since: '5.19', probe: 'registers a ring of receive buffers' },
  cancelFd: { since: '5.19', probe: 'cancels whatever is armed on a socket' },
  incrementalBuffers: { since: '6.12', probe: 'receives into a buffer that the kernel keeps' },
  recvBundle: { since: '6.10', probe: 'fills several buffers with one receive' },
  sendBundle: { since: '6.10', probe: 'sends several buffers with one send' },
  sendZeroCopy: { since: '6.0', probe: 'sends a byte over TCP with SEND_ZC' },
  sendMessageZeroCopy: { since: '6.1', probe: 'sends a byte over TCP with SENDMSG_ZC' },
  registeredSendBuffer: {
    since: '6.0',
    probe: 'registers 4 KiB of memory and sends it over TCP with SEND_ZC',
  },
  submitAll: { since: '5.18', probe: 'sets up a ring with SUBMIT_ALL' },
  coopTaskrun: { since: '5.19', probe: 'sets up a ring with COOP_TASKRUN' },
  singleIssuer: { since: '6.0', probe: 'sets up a ring with SINGLE_ISSUER' },
  deferTaskrun: { since: '6.1', probe: 'sets up a ring with DEFER_TASKRUN' },
  registeredRing: { since: '5.18', probe: 'registers the descriptor of a ring' },
  napi: { since: '6.9', probe: 'registers busy polling with a ring, and takes it back' },
  sqpoll: { since: '5.11', probe: 'runs a NOP through a ring that a kernel thread polls' },
  msgRing: { since: '5.18', probe: 'sends a message from one ring to another' },
  futexWait: { since: '6.7', probe: 'waits on a futex, and wakes the waiter' },
  recvZeroCopy: {
    since: '6.15',
    probe: 'asks for the operation, and registers a receive queue of no device',
  },
  cqe32: { since: '5.19', probe: 'runs a NOP through a ring of 32-byte completions' },
};

const MEANINGS = {
  __proto__: null,
  EACCES: 'forbidden',
  EINVAL: 'this kernel does not know it',
  EADDRNOTAVAIL: 'it is tried over 127.0.0.1, which is not there',
  EMFILE: 'the limit of open files leaves no room for the probe',
  ENETUNREACH: 'it is tried over 127.0.0.1, which is not up',
  ENOMEM: 'the limit of locked memory leaves no room for the probe',
  ENOSYS: 'this kernel does not have it, or a filter hides it',
  EOPNOTSUPP: 'this kernel does not have it, or was built without it',
  EPERM: 'forbidden',
};

function reasonOf(name, code) {
  if (name === 'recvZeroCopy' && code === 'EPERM') {
    return 'EPERM: takes CAP_NET_ADMIN in the initial user namespace';
  }
  return MEANINGS[code] === undefined ? code : `${code}: ${MEANINGS[code]}`;
}

/**
 * @param {Record<string, string> | null} found by the addon: 'available' or the name of an error
 * @param {string} otherwise the reason where there is nothing found
 * @returns {Record<string, {available: boolean, probe: string, since: string, reason: string | null}>}
 */
function describeFeatures(found, otherwise) {
  const features = {};
  for (const [name, { since, probe }] of Object.entries(FEATURES)) {
    const word = found?.[name];
    const available = word === 'available';
    let reason = null;
    if (!available) reason = word === undefined ? otherwise : reasonOf(name, word);
    features[name] = { available, probe, since, reason };
  }
  return features;
}

module.exports = { FEATURES, describeFeatures, reasonOf };
