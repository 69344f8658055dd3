'use strict';

/**
 * What is measured, and what has to come out. A case may name its `program` in servers/ and the `servers`
 * that are measured unless the command line says which.
 */

const cases = {
  'tcp-64': {
    title: '64 connections, 64 B echo',
    load: { mode: 'echo', connections: 64, size: 64, pipeline: 1 },
  },
  'tcp-16k': {
    title: '64 connections, 16 KiB echo',
    load: { mode: 'echo', connections: 64, size: 16384, pipeline: 1 },
  },
  'tcp-pipeline': {
    title: '64 connections, 64 B echo, 16 deep',
    load: { mode: 'echo', connections: 64, size: 64, pipeline: 16 },
  },
  'tcp-1': {
    title: '1 connection, 64 B echo',
    load: { mode: 'echo', connections: 1, size: 64, pipeline: 1 },
  },
  'tcp-4': {
    title: '4 connections, 64 B echo',
    load: { mode: 'echo', connections: 4, size: 64, pipeline: 1 },
  },
  'tcp-16': {
    title: '16 connections, 64 B echo',
    load: { mode: 'echo', connections: 16, size: 64, pipeline: 1 },
  },
  'tcp-1000': {
    title: '1,000 connections, 64 B echo',
    load: { mode: 'echo', connections: 1000, size: 64, pipeline: 1 },
  },
  'tcp-rate': {
    title: '8 connections, 64 B echo, 2,000 a second in all',
    load: { mode: 'echo', connections: 8, size: 64, pipeline: 256, rate: 2000 },
  },
  'fast-64': {
    title: '64 connections, 64 B echo, other ways',
    servers: ['net', 'searings', 'incremental', 'raw', 'batch', 'echo'],
    load: { mode: 'echo', connections: 64, size: 64, pipeline: 1 },
  },
  'fast-256k': {
    title: '8 connections, 256 KiB echo, other ways',
    servers: ['net', 'searings', 'bundle', 'incremental', 'zero-copy', 'registered'],
    load: { mode: 'echo', connections: 8, size: 262144, pipeline: 1 },
  },
  churn: {
    title: '64 loops of connect, 64 B echo, close',
    load: { mode: 'churn', connections: 64, size: 64, pipeline: 1 },
  },
  broadcast: {
    title: '1,000 connections, 64 B to all of them, 2 in advance',
    program: 'broadcast.js',
    servers: ['net', 'searings', 'raw'],
    load: { mode: 'broadcast', connections: 1000, size: 64, pipeline: 2 },
  },
  idle: {
    title: '8,000 idle connections, silent since they were opened',
    load: { mode: 'idle', connections: 8000, size: 0, pipeline: 1 },
  },
  'idle-used': {
    title: '8,000 idle connections, one 64 B echo each before',
    load: { mode: 'idle', connections: 8000, size: 64, pipeline: 1 },
  },
};

/**
 * Acceptance. `metric` of searings, or of `server`, divided by that of net unless `absolute`, has to be
 * at least `min`, at most `max`, or below `below`.
 */
const thresholds = [
  { case: 'tcp-64', metric: 'rate', min: 1.4, text: 'messages/s against net' },
  { case: 'tcp-64', metric: 'mainUs', max: 1 / 8, text: 'JS-thread CPU per message against net' },
  { case: 'tcp-64', metric: 'enters', below: 0.1, absolute: true, text: 'io_uring_enter/message' },
  { case: 'tcp-64', metric: 'p99', max: 1, text: 'p99 against net' },
  { case: 'tcp-16k', metric: 'rate', min: 1.1, text: 'messages/s against net' },
  { case: 'tcp-16k', metric: 'p99', max: 1, text: 'p99 against net' },
  { case: 'tcp-pipeline', metric: 'rate', min: 1.3, text: 'messages/s against net' },
  { case: 'tcp-pipeline', metric: 'p99', max: 1, text: 'p99 against net' },
  { case: 'churn', metric: 'rate', min: 1, text: 'connections/s against net' },
  { case: 'churn', metric: 'p99', below: 1, text: 'p99 against net' },
  {
    case: 'broadcast',
    server: 'raw',
    metric: 'mainUs',
    max: 0.33,
    text: 'JS-thread CPU per delivery against net',
  },
  { case: 'idle', metric: 'rssPerConnection', max: 0.6, text: 'RSS per connection against net' },
];

module.exports = { cases, thresholds };
