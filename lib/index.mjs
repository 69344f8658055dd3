import searings from './index.js';

export const {
  createTcpServer,
  TcpServer,
  TcpConnection,
  UringTcpServer,
  UringTcpEchoServer,
  SearingsNativeLoadError,
  capabilities,
  zcrxProbe,
} = searings;
export default searings;
