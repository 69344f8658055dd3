import searings from './index.js';

export const {
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
} = searings;
export default searings;
