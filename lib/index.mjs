import searings from './index.js';

export const {
  createTcpServer,
  TcpServer,
  TcpConnection,
  UringTcpServer,
  UringTcpEchoServer,
  SearingsNativeLoadError,
} = searings;
export default searings;
