'use strict';

/** What a raw server tells. One class with the same fields for all kinds, so that handlers stay fast. */
class RawEvent {
  /**
   * @param {'connect' | 'data' | 'end' | 'drain' | 'error' | 'close'} eventType
   * @param {number} connectionId
   * @param {Buffer} [data] of 'data'
   * @param {string} [code] of 'error'
   * @param {{address: string, port: number, family: string}} [peer] of 'connect'
   */
  constructor(eventType, connectionId, data, code, peer) {
    this.eventType = eventType;
    this.connectionId = connectionId;
    this.data = data;
    this.code = code;
    this.remoteAddress = peer?.address;
    this.remotePort = peer?.port;
    this.remoteFamily = peer?.family;
  }
}

module.exports = { RawEvent };
