'use strict';

const { SearingsNativeLoadError } = require('./errors');
const { TcpConnection } = require('./tcp/connection');
const { TcpServer, createTcpServer } = require('./tcp/server');
const { UringTcpServer } = require('./raw/server');
const { UringTcpEchoServer } = require('./raw/echo');
const { UringHttpServer } = require('./raw/http-server');

module.exports = {
  createTcpServer,
  TcpServer,
  TcpConnection,
  UringTcpServer,
  UringTcpEchoServer,
  UringHttpServer,
  SearingsNativeLoadError,
};
