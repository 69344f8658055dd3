'use strict';

/*
 * An MQTT broker: the `aedes` package does all of it, on the connections of a searings server.
 *
 *   node examples/mqtt-broker.js [port]     then: mosquitto_sub -t '#' -v
 */

const { createTcpServer } = require('..'); // in your own project: require('searings')

/** @returns {Promise<import('..').TcpServer>} */
async function createMqttBroker() {
  const { Aedes } = await import('aedes');
  const broker = await Aedes.createBroker();
  const server = createTcpServer(broker.handle);
  server.once('close', () => broker.close());
  return server;
}

async function main() {
  const server = await createMqttBroker();
  server.listen(Number(process.argv[2] ?? 1883), '127.0.0.1', ({ backend }) => {
    console.log(`MQTT on port ${server.address().port}, served by ${backend}`);
  });
}

if (require.main === module) main();

module.exports = { createMqttBroker };
