'use strict';

const { loadBinding } = require('../binding');
const { advisoriesFor } = require('./advisories');
const { kernel } = require('./system');

/**
 * Why a server is not to ask the kernel for its queue, although it might get it: what zcrxProbe() blocks and
 * the kernel does not.
 *
 * @param {object} options of the server
 * @returns {string | null} the id of an advisory for this kernel; 'only queue' where no other traffic could
 *   come by the interface any more; null where nothing is known against it
 */
function objectionTo({ useZeroCopyReceive, zcrxWithoutDevice, zcrxInterfaceName, zcrxRxQueue }) {
  if (!useZeroCopyReceive || zcrxWithoutDevice) return null;
  const advisory = advisoriesFor(kernel()).find(({ ignored }) => !ignored);
  if (advisory !== undefined) return advisory.id;
  const found = loadBinding().binding.interfaces(zcrxRxQueue, zcrxInterfaceName);
  const [nic] = Array.isArray(found) ? found : [];
  return nic?.errors.channels === null && nic.rxQueues === 1 ? 'only queue' : null;
}

module.exports = { objectionTo };
