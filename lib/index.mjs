import searings from './index.js';

export const {
  createTcpServer,
  TcpServer,
  TcpConnection,
  UringTcpServer,
  UringTcpEchoServer,
  UringHttpServer,
  SearingsNativeLoadError,
} = searings;
export default searings;
