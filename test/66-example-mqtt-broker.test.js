'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const mqtt = require('mqtt');
const { createMqttBroker } = require('../examples/mqtt-broker');
const { LOOPBACK, closed } = require('./helpers/clients');
const { nothingLeft } = require('./helpers/leftovers');
const { useNetwork } = require('./helpers/network');
const { RandomStream } = require('./helpers/random');
const { MIB, limit } = require('./helpers/scale');

describe('examples/mqtt-broker.js', function () {
  limit(this, 20);
  const network = useNetwork();
  let broker;
  let clients;

  beforeEach(async () => {
    broker = await network.open(await createMqttBroker());
    clients = [];
  });

  afterEach(async () => {
    await Promise.all(clients.map((client) => client.endAsync(true)));
    await nothingLeft(broker);
  });

  /** A connected client; `hear()` gives the next message. */
  async function connect(options = {}) {
    const { port } = broker.address();
    const client = await mqtt.connectAsync({
      host: LOOPBACK,
      port,
      reconnectPeriod: 0,
      ...options,
    });
    clients.push(client);
    const heard = [];
    let wake = () => {};
    client.on('message', (topic, payload, { qos, retain }) => {
      heard.push({ topic, payload, qos, retain });
      wake();
    });
    client.hear = async () => {
      while (heard.length === 0) {
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      return heard.shift();
    };
    return client;
  }

  for (const qos of [0, 1, 2]) {
    it(`delivers messages of QoS ${qos}, each once, in order`, async () => {
      const [sender, receiver] = [await connect(), await connect()];
      await receiver.subscribeAsync('news/#', { qos });
      const sent = Array.from({ length: 50 }, (_none, i) =>
        sender.publishAsync(`news/${i}`, `message ${i}`, { qos }),
      );
      for (let i = 0; i < 50; i++) {
        const { topic, payload, ...rest } = await receiver.hear();
        assert.deepEqual([topic, String(payload)], [`news/${i}`, `message ${i}`]);
        assert.deepEqual(rest, { qos, retain: false });
      }
      await Promise.all(sent);
      await sender.publishAsync('news/last', '', { qos });
      assert.equal((await receiver.hear()).topic, 'news/last');
    });
  }

  it('delivers large payloads of any bytes', async () => {
    const [sender, receiver] = [await connect(), await connect()];
    await receiver.subscribeAsync('large', { qos: 1 });
    const bytes = new RandomStream(66).bytes(4 * MIB);
    await sender.publishAsync('large', bytes, { qos: 1 });
    assert.ok((await receiver.hear()).payload.equals(bytes));
  });

  it('delivers to subscribers of the topic, and to no others', async () => {
    const [sender, here, there] = [await connect(), await connect(), await connect()];
    await here.subscribeAsync('a/+/c');
    await there.subscribeAsync('a/x');
    await sender.publishAsync('a/b/c', 'here');
    await sender.publishAsync('a/x', 'there');
    assert.equal(String((await here.hear()).payload), 'here');
    assert.equal(String((await there.hear()).payload), 'there');
  });

  it('keeps a retained message for those who subscribe later', async () => {
    const sender = await connect();
    await sender.publishAsync('state', 'old', { retain: true, qos: 1 });
    await sender.publishAsync('state', 'new', { retain: true, qos: 1 });
    const late = await connect();
    await late.subscribeAsync('state');
    const { payload, retain } = await late.hear();
    assert.deepEqual([String(payload), retain], ['new', true]);
  });

  it('sends the will of a client that vanishes', async () => {
    const watcher = await connect();
    await watcher.subscribeAsync('wills/#', { qos: 1 });
    const will = { topic: 'wills/one', payload: Buffer.from('gone'), qos: 1, retain: false };
    const client = await connect({ will });
    client.stream.resetAndDestroy();
    const { topic, payload } = await watcher.hear();
    assert.deepEqual([topic, String(payload)], ['wills/one', 'gone']);
  });

  it('sends no will of a client that says goodbye', async () => {
    const watcher = await connect();
    await watcher.subscribeAsync('wills/#', { qos: 1 });
    const will = { topic: 'wills/one', payload: Buffer.from('gone'), qos: 1, retain: false };
    const client = await connect({ will });
    await client.endAsync();
    await watcher.publishAsync('wills/none', 'goodbye', { qos: 1 });
    assert.equal((await watcher.hear()).topic, 'wills/none');
  });

  it('answers pings', async () => {
    const client = await connect({ keepalive: 1 });
    const [packet] = await once(client, 'packetreceive');
    assert.equal(packet.cmd, 'pingresp');
  });

  it('closes what is not MQTT', async () => {
    const client = await network.connect(broker);
    const gone = closed(client.resume());
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await gone;
  });
});
