'use strict';

/** The chart of a report: what each server does against Node's own, and HTTP servers beside each other. */

const echarts = require('echarts');
const { decimals } = require('./format');
const { versusBase } = require('./report');

const WIDTH = 860;
const BAR = 17;
const LEFT = 350;
const RIGHT = 90;
const TITLE = 62;
const BETWEEN = 70;
const COLOURS = { searings: '#2f6fb3', inline: '#58a55c', other: '#9aa0a6', node: '#c8643c' };
const DRIVERS = { searings: 'searings, worker', inline: 'searings, inline' };

function ratioBars(report) {
  return Object.values(report.cases)
    .filter(({ section }) => section === 'tcp' || section === 'http')
    .filter((one) => versusBase(one, 'searings', 'rate') !== null)
    .map((one) => ({
      title: one.title,
      searings: versusBase(one, 'searings', 'rate'),
      inline: versusBase(one, 'inline', 'rate'),
    }));
}

function serverBars(report) {
  const servers = Object.entries(report.cases['http-64']?.servers ?? {});
  return servers
    .filter(([, { summary }]) => summary.rate)
    .map(([server, { summary }]) => ({ server, rate: summary.rate.median }))
    .sort((a, b) => b.rate - a.rate);
}

function colourOf(server) {
  if (server === 'node:http') return COLOURS.node;
  if (server === 'bun' || server === 'uws') return COLOURS.other;
  return server.includes('inline') ? COLOURS.inline : COLOURS.searings;
}

function valueAxis(gridIndex) {
  return {
    type: 'value',
    gridIndex,
    min: 0,
    axisLabel: { fontSize: 11 },
    splitLine: { lineStyle: { color: '#e6e6e6' } },
  };
}

function categoryAxis(gridIndex, data) {
  return {
    type: 'category',
    gridIndex,
    inverse: true,
    data,
    axisTick: { show: false },
    axisLabel: { fontSize: 11, color: '#333', width: LEFT - 20, overflow: 'truncate' },
  };
}

function driverSeries(bars, driver) {
  return {
    type: 'bar',
    name: DRIVERS[driver],
    xAxisIndex: 0,
    yAxisIndex: 0,
    barGap: '10%',
    itemStyle: { color: COLOURS[driver] },
    label: { show: true, position: 'right', fontSize: 10, formatter: ({ value }) => value.text },
    data: bars.map((bar) =>
      bar[driver] === null
        ? { value: null }
        : { value: Number(bar[driver].toFixed(2)), label: { formatter: decimals(bar[driver], 2) } },
    ),
    markLine: {
      silent: true,
      symbol: 'none',
      lineStyle: { color: COLOURS.node, type: 'solid' },
      label: { show: false },
      data: [{ xAxis: 1 }],
    },
  };
}

function serverSeries(bars) {
  return {
    type: 'bar',
    xAxisIndex: 1,
    yAxisIndex: 1,
    data: bars.map(({ server, rate }) => ({
      value: Math.round(rate),
      itemStyle: { color: colourOf(server) },
      label: { show: true, position: 'right', fontSize: 10, formatter: decimals(rate, 0) },
    })),
  };
}

/** zrender numbers its instances and classes per process; the same chart is to be the same file. */
function renumbered(svg) {
  const names = new Map();
  return svg.replaceAll(/\bzr\d+-\w+-?\d*/g, (name) => {
    if (!names.has(name)) names.set(name, `zr-${names.size}`);
    return names.get(name);
  });
}

/** @returns {string} SVG */
function drawChart(report) {
  const ratios = ratioBars(report);
  const servers = serverBars(report);
  const upper = Math.max(1, ratios.length) * 2 * BAR;
  const lower = servers.length * 1.5 * BAR;
  const below = TITLE + upper + BETWEEN;
  const height = below + lower + 40;
  const heading = (text, top) => ({ text, left: 12, top, textStyle: { fontSize: 14 } });
  const { node, kernel, cpu } = report.environment;

  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif' },
    title: [
      {
        ...heading("Messages or requests per second, × Node's own server", 8),
        subtext: `Node ${node}, Linux ${kernel}, ${cpu}; the line is Node's own`,
        itemGap: 4,
      },
      ...(servers.length
        ? [heading('HTTP hello, 64 connections: requests per second', below - 34)]
        : []),
    ],
    legend: { right: 16, top: 8, itemGap: 24, data: Object.values(DRIVERS) },
    grid: [
      { left: LEFT, right: RIGHT, top: TITLE, height: upper },
      { left: LEFT, right: RIGHT, top: below, height: lower },
    ],
    xAxis: [valueAxis(0), valueAxis(1)],
    yAxis: [
      categoryAxis(
        0,
        ratios.map(({ title }) => title),
      ),
      categoryAxis(
        1,
        servers.map(({ server }) => server),
      ),
    ],
    series: [
      driverSeries(ratios, 'searings'),
      driverSeries(ratios, 'inline'),
      serverSeries(servers),
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${renumbered(svg)}\n`;
}

module.exports = { drawChart };
