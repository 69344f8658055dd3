import searings from './index.js';

export const { createTcpServer, TcpServer, TcpConnection, SearingsNativeLoadError } = searings;
export default searings;
