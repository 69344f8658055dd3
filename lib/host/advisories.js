'use strict';

const { compareVersions, parseRelease } = require('./system');
const { advisories } = require('./zcrx-advisories.json');

const IGNORE = 'SEARINGS_ZCRX_IGNORE_ADVISORIES';

/** The ids in the environment variable, in capitals; `all` is one of them. */
function ignoredIds() {
  const words = (process.env[IGNORE] ?? '').split(/[\s,]+/).filter(Boolean);
  return new Set(words.map((word) => word.toUpperCase()));
}

/** The range that a version is in, or undefined. */
function rangeOf(version, { affected }) {
  return affected
    .map((range) => range.map(parseRelease))
    .find(([from, to]) => compareVersions(version, from) >= 0 && compareVersions(version, to) < 0);
}

/**
 * The known kernel errors in zero-copy receive that this kernel's version number is in the range of.
 *
 * @param {{version: number[] | null, arch: string}} kernel
 * @returns {{id: string, title: string, source: string, fixedIn: string, ignored: boolean}[]}
 */
function advisoriesFor({ version, arch }) {
  if (version === null) return [];
  const ignored = ignoredIds();
  const found = [];
  for (const advisory of advisories) {
    const range = rangeOf(version, advisory);
    if (range === undefined || (advisory.arch && !advisory.arch.includes(arch))) continue;
    const { id, title, source } = advisory;
    const fixedIn = range[1].join('.');
    found.push({ id, title, source, fixedIn, ignored: ignored.has('ALL') || ignored.has(id) });
  }
  return found;
}

/** What the environment variable names and nobody knows: a slip of the pen, most likely. */
function unknownIds() {
  const known = new Set(['ALL', ...advisories.map(({ id }) => id)]);
  return [...ignoredIds()].filter((id) => !known.has(id));
}

module.exports = { IGNORE, advisoriesFor, unknownIds };
