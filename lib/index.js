'use strict';

const { SearingsNativeLoadError } = require('./errors');
const { TcpConnection } = require('./tcp/connection');
const { TcpServer, createTcpServer } = require('./tcp/server');

module.exports = { createTcpServer, TcpServer, TcpConnection, SearingsNativeLoadError };
