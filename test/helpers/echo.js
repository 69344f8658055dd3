'use strict';

/**
 * Sends back what comes, obeying write()'s answer.
 *
 * @param {import('../..').TcpConnection} connection
 * @param {(chunk: Buffer) => void} [seen] called with each chunk, before it is sent back
 * @param {() => number} [nap] asked for each chunk: stop reading for so many ms (0: do not)
 */
function echo(connection, seen = () => {}, nap = () => 0) {
  let full = false;
  let napping = false;
  const resumeIfFree = () => {
    if (!full && !napping) {
      connection.resume();
    }
  };
  connection.on('data', (chunk) => {
    seen(chunk);
    full = !connection.write(chunk);
    const pause = nap();
    if (pause > 0 && !napping) {
      napping = true;
      setTimeout(() => {
        napping = false;
        resumeIfFree();
      }, pause);
    }
    if (full || napping) {
      connection.pause();
    }
  });
  connection.on('drain', () => {
    full = false;
    resumeIfFree();
  });
}

module.exports = { echo };
