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

/** A table whose first columns, so many, are text; the others are numbers. Nothing when it has no rows. */
function table(headings, lines, textColumns = 1) {
  if (lines.length === 0) return [];
  const widths = headings.map((heading, i) =>
    Math.max(3, heading.length, ...lines.map((cells) => cells[i].length)),
  );
  const padded = (cells) =>
    row(
      cells.map((cell, i) => (i < textColumns ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))),
    );
  const marks = widths.map((width, i) =>
    i < textColumns ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [padded(headings), row(marks), ...lines.map(padded), ''];
}

module.exports = { decimals, plain, range, row, table };
