'use strict';

const { SearingsNativeLoadError } = require('./errors');
const { capabilities } = require('./host/capabilities');
const { zcrxProbe } = require('./host/zcrx');
const { TcpConnection } = require('./tcp/connection');
const { TcpServer, createTcpServer } = require('./tcp/server');
const { UringTcpServer } = require('./raw/server');
const { UringTcpEchoServer } = require('./raw/echo');

module.exports = {
  createTcpServer,
  TcpServer,
  TcpConnection,
  UringTcpServer,
  UringTcpEchoServer,
  SearingsNativeLoadError,
  capabilities,
  zcrxProbe,
};
