'use strict';

/** The two processes of a measurement, each pinned to its CPU, each bounded in time. */

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');

const SERVERS = path.join(__dirname, 'servers');
const ANSWER_MS = 15_000;
const LOAD_GRACE_MS = 60_000;

/** With null on any CPU. */
function pinned(cpu, command, args, stdio) {
  if (cpu === null) return spawn(command, args, { stdio });
  return spawn('taskset', ['-c', String(cpu), command, ...args], { stdio });
}

function parseLine(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** A running server of servers/. Commands are answered in order. */
class ServerProcess {
  #child;
  #waiting = [];
  #failure = null;
  #stopping = false;

  /** @returns {Promise<ServerProcess>} once it listens; its `port` is set. */
  static async start(kind, { node, serverCpu, nodeArgs = [], program = 'echo.js' }) {
    const args = [...nodeArgs, path.join(SERVERS, program), kind];
    const server = new ServerProcess(kind, serverCpu, node, args);
    try {
      server.port = (await server.#answer('start')).port;
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  constructor(kind, cpu, node, args) {
    this.kind = kind;
    this.#child = pinned(cpu, node, args, ['pipe', 'pipe', 'inherit']);
    this.ended = new Promise((resolve) => this.#child.once('close', resolve));
    const lines = readline.createInterface({ input: this.#child.stdout });
    lines.on('line', (line) => this.#waiting.shift()?.resolve(parseLine(line)));
    this.#child.once('error', (error) => this.#fail(error));
    this.#child.once('close', (code, signal) => {
      this.#fail(new Error(`the ${kind} server ended (${signal ?? code})`));
    });
    this.#child.stdin.on('error', () => {}); // 'close' reports the reason
  }

  #fail(error) {
    if (this.#stopping) return;
    this.#failure ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }

  #answer(what) {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(new Error(`the ${this.kind} server did not answer: ${what}`));
      }, ANSWER_MS);
      const settle = (done) => (value) => {
        clearTimeout(timer);
        done(value);
      };
      this.#waiting.push({ resolve: settle(resolve), reject: settle(reject) });
    });
  }

  /** @param {'stats' | 'gc'} command */
  ask(command) {
    const answer = this.#answer(command);
    this.#child.stdin.write(`${command}\n`);
    return answer;
  }

  async stop() {
    this.#stopping = true;
    this.#child.stdin.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), ANSWER_MS);
    await this.ended;
    clearTimeout(timer);
  }
}

/** Follows the generator's stderr: phases go to `onEvent`, everything else is kept as complaint. */
function followEvents(stream, onEvent) {
  const complaints = [];
  const lines = readline.createInterface({ input: stream });
  lines.on('line', (line) => {
    const message = parseLine(line);
    if (message?.event) onEvent(message.event);
    else complaints.push(line);
  });
  return complaints;
}

/**
 * Starts the load generator.
 * @returns {{ result: Promise<object>, end: () => void }} `result` is its result line; it rejects
 *   on any error or mismatch that the generator saw.
 */
function startLoad({ load, loadCpu }, port, settings, onEvent = () => {}) {
  const args = Object.entries({ port, ...settings }).flatMap(([key, value]) => [
    `--${key}`,
    String(value),
  ]);
  const child = pinned(loadCpu, load, args, ['ignore', 'pipe', 'pipe']);
  const complaints = followEvents(child.stderr, onEvent);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text;
  });

  const limit = (settings.seconds + settings.warmup) * 1000 + LOAD_GRACE_MS;
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const result = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const line = parseLine(output);
      if (code === 0 && line) resolve(line);
      else reject(new Error(`sea_load ended with ${signal ?? code}: ${complaints.join('; ')}`));
    });
  });
  return { result, end: () => child.kill('SIGTERM') };
}

module.exports = { ServerProcess, pinned, startLoad };
