'use strict';

/** The key-value server of the examples, to be measured. */

const { createKvServer } = require('../../examples/kv-server');
const { run, streams } = require('./control');

run(streams(createKvServer));
