'use strict';

const { SearingsNativeLoadError } = require('./errors');
const { capabilities } = require('./host/capabilities');
const { zcrxProbe } = require('./host/zcrx');
const { CONTENT_TYPE: METRICS_CONTENT_TYPE, formatMetrics } = require('./metrics');
const { HttpServer, createHttpServer } = require('./http/server');
const { HttpsServer, createHttpsServer } = require('./http/https');
const { TcpConnection } = require('./tcp/connection');
const { TcpServer, createTcpServer } = require('./tcp/server');
const { TlsServer, createTlsServer } = require('./tls/server');
const { UringTcpServer } = require('./raw/server');
const { UringTcpEchoServer } = require('./raw/echo');
const { UringHttpServer } = require('./raw/http-server');

module.exports = {
  createTcpServer,
  TcpServer,
  TcpConnection,
  createHttpServer,
  HttpServer,
  createTlsServer,
  TlsServer,
  createHttpsServer,
  HttpsServer,
  UringTcpServer,
  UringTcpEchoServer,
  UringHttpServer,
  SearingsNativeLoadError,
  METRICS_CONTENT_TYPE,
  formatMetrics,
  capabilities,
  zcrxProbe,
};
