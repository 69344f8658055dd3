'use strict';

/*
 * The commands of the key-value server. Each gets its arguments and the store, a Map, and returns the
 * bytes of its reply, as a latin1 string, or null when the client wants to be let go.
 */

const OK = '+OK\r\n';
const NIL = '$-1\r\n';
const INTEGER = /^(?:0|-?[1-9]\d{0,18})$/;
// What redis-benchmark asks for: nothing here is ever saved.
const settings = new Map([
  ['save', ''],
  ['appendonly', 'no'],
]);
const INT64_MAX = 2n ** 63n - 1n;

const bulk = (text) => `$${text.length}\r\n${text}\r\n`;
const integer = (value) => `:${value}\r\n`;
const array = (replies) => `*${replies.length}\r\n${replies.join('')}`;
const error = (text) => `-ERR ${text.replace(/[\r\n]/g, ' ')}\r\n`;

function set([, key, value, ...options], store) {
  if (options.length > 0) return error('syntax error'); // no expiry here, and no conditions
  store.set(key, value);
  return OK;
}

function get([, key], store) {
  const value = store.get(key);
  return value === undefined ? NIL : bulk(value);
}

function add(key, step, store) {
  const value = store.get(key) ?? '0';
  const sum = INTEGER.test(value) && INTEGER.test(step) ? BigInt(value) + BigInt(step) : null;
  if (sum === null) return error('value is not an integer or out of range');
  if (sum > INT64_MAX || sum < -INT64_MAX - 1n) {
    return error('increment or decrement would overflow');
  }
  store.set(key, String(sum));
  return integer(sum);
}

function mset(args, store) {
  if (args.length % 2 === 0) return wrongNumber('mset');
  for (let i = 1; i < args.length; i += 2) store.set(args[i], args[i + 1]);
  return OK;
}

function mget([, ...keys], store) {
  return array(keys.map((key) => get([null, key], store)));
}

/** How many of the keys `test` says yes to. */
function count([, ...keys], test) {
  return integer(keys.filter(test).length);
}

function config([, subcommand, ...names]) {
  if (subcommand.toUpperCase() !== 'GET') {
    return error(`unknown subcommand '${subcommand.slice(0, 64)}'`);
  }
  const known = names.filter((name) => settings.has(name));
  return array(known.flatMap((name) => [bulk(name), bulk(settings.get(name))]));
}

function info(_args, store) {
  return bulk(`# Server\r\nredis_mode:standalone\r\n# Keyspace\r\ndb0:keys=${store.size}\r\n`);
}

function flush(_args, store) {
  store.clear();
  return OK;
}

/** name: [fewest arguments, most arguments, function]; the name counts as one. */
const commands = new Map(
  Object.entries({
    PING: [1, 2, ([, text]) => (text === undefined ? '+PONG\r\n' : bulk(text))],
    ECHO: [2, 2, ([, text]) => bulk(text)],
    GET: [2, 2, get],
    SET: [3, Infinity, set],
    MGET: [2, Infinity, mget],
    MSET: [3, Infinity, mset],
    DEL: [2, Infinity, (args, store) => count(args, (key) => store.delete(key))],
    EXISTS: [2, Infinity, (args, store) => count(args, (key) => store.has(key))],
    INCR: [2, 2, ([, key], store) => add(key, '1', store)],
    INCRBY: [3, 3, ([, key, step], store) => add(key, step, store)],
    DECR: [2, 2, ([, key], store) => add(key, '-1', store)],
    DBSIZE: [1, 1, (_args, store) => integer(store.size)],
    FLUSHALL: [1, 2, flush],
    SELECT: [2, 2, ([, db]) => (db === '0' ? OK : error('DB index is out of range'))],
    CONFIG: [2, Infinity, config],
    COMMAND: [1, Infinity, () => array([])], // redis-cli asks, and can do without
    INFO: [1, Infinity, info],
    QUIT: [1, 1, () => null],
  }),
);

// Clients mostly spell them in one of two ways, and those need no conversion.
for (const [name, command] of [...commands]) commands.set(name.toLowerCase(), command);

function wrongNumber(name) {
  return error(`wrong number of arguments for '${name}' command`);
}

/** @returns {string | null} the reply */
function execute(args, store) {
  const name = args[0];
  const command = commands.get(name) ?? commands.get(name.toUpperCase());
  if (command === undefined) return error(`unknown command '${name.slice(0, 64)}'`);
  const [fewest, most, run] = command;
  if (args.length < fewest || args.length > most) return wrongNumber(name.toLowerCase());
  return run(args, store);
}

module.exports = { execute, error };
