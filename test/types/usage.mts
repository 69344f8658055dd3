/* The same entry as an ES module. */

import { createTcpServer, type TcpServer } from 'searings';

const server: TcpServer = createTcpServer(async (connection) => {
  for await (const chunk of connection) {
    connection.write(chunk);
  }
});
server.listen(0);
