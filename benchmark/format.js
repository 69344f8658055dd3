'use strict';

/** Numbers and rows as the tables show them. */

/** With so many digits behind the point; without `digits`, as many as it has, up to three. */
function decimals(value, digits) {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits ?? 0,
    maximumFractionDigits: digits ?? 3,
  });
}

function plain(metric, digits, scale = 1) {
  return metric ? decimals(metric.median / scale, digits) : '–';
}

function range(metric, digits, scale = 1) {
  if (!metric) return 'failed';
  const [middle, min, max] = [metric.median, metric.min, metric.max].map((value) =>
    decimals(value / scale, digits),
  );
  return `${middle} (${min}–${max})`;
}

function row(cells) {
  return `| ${cells.join(' | ')} |`;
}

module.exports = { decimals, plain, range, row };
