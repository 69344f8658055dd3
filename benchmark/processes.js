'use strict';

/** The two processes of a measurement, each pinned to its CPU, each bounded in time. */

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { Latencies } = require('./latencies');

const SERVERS = path.join(__dirname, 'servers');
const LATENCIES_FD = 3;
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
  static async start(kind, options) {
    const { node, serverCpu, nodeArgs = [], program = 'echo.js', args = [], peers = {} } = options;
    const peer = peers[kind];
    const script = [path.join(SERVERS, program), kind, ...args, ...(peer?.args ?? [])];
    const executable = peer?.executable ?? node;
    const server = new ServerProcess(kind, serverCpu, executable, [...nodeArgs, ...script]);
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
    this.pid = this.#child.pid; // taskset becomes the server
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

  /** @param {string} command `stats`, `gc`, or `block <ms>` */
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

/** All that a child writes to a stream. */
function collect(stream) {
  const output = { text: '' };
  stream.setEncoding('utf8').on('data', (text) => {
    output.text += text;
  });
  return output;
}

/**
 * Starts the load generator.
 * @returns {{ result: Promise<object>, end: () => void }} `result` is its result line, with the percentiles of
 *   the latencies; it rejects on any error or mismatch that the generator saw.
 */
function startLoad({ load, loadCpu }, port, settings, onEvent = () => {}) {
  const named = { port, ...settings, 'latencies-fd': LATENCIES_FD };
  const args = Object.entries(named).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const child = pinned(loadCpu, load, args, ['ignore', 'pipe', 'pipe', 'pipe']);
  const complaints = followEvents(child.stderr, onEvent);
  const latencies = new Latencies();
  child.stdio[LATENCIES_FD].on('data', (bytes) => latencies.add(bytes));
  const output = collect(child.stdout);

  const limit = (settings.seconds + settings.warmup) * 1000 + LOAD_GRACE_MS;
  const timer = setTimeout(() => child.kill('SIGKILL'), limit);
  const result = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      const line = parseLine(output.text);
      if (code === 0 && line) {
        resolve({ ...line, latencyUs: { ...line.latencyUs, ...latencies.percentiles() } });
      } else {
        reject(new Error(`sea_load ended with ${signal ?? code}: ${complaints.join('; ')}`));
      }
    });
  });
  return { result, end: () => child.kill('SIGTERM') };
}

module.exports = { ServerProcess, collect, parseLine, pinned, startLoad };
