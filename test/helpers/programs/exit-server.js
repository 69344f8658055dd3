'use strict';

// An echo server whose process ends in the middle of its work. Prints its port.

const { createTcpServer } = require('../../..');

const { how, echoed } = JSON.parse(process.argv[2]);
let total = 0;

const server = createTcpServer((connection) => {
  connection.on('error', () => {});
  if (how === 'last words') {
    connection.write('last ');
    connection.write('words');
    process.exit(3);
  }
  connection.on('data', (data) => {
    total += data.length;
    if (how === 'throw' && total >= echoed) throw new Error('thrown in a handler');
    if (how === 'exit' && total >= echoed) process.exit(7);
    if (how === 'return' && total >= echoed) {
      for (const end of [connection, server]) end.unref();
    }
  });
  connection.pipe(connection);
});

server.listen(0, '127.0.0.1', () => console.log(JSON.stringify(server.address().port)));
