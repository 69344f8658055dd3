'use strict';

// Echo clients in a process of their own, so that a server whose thread is blocked has a peer that
// is not. Prints the failures.

const { runLoad } = require('../load');

runLoad(JSON.parse(process.argv[2])).then((failures) => {
  console.log(JSON.stringify(failures));
});
