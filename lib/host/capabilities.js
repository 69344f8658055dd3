'use strict';

const { firstLine } = require('../errors');
const { loadBinding } = require('../binding');
const { diagnose } = require('./diagnosis');
const { describeFeatures, reasonOf } = require('./features');
const { system } = require('./system');

/** How the addon was found, or what was tried. */
function describeAddon({ path, error }) {
  return {
    path,
    error: error === null ? null : firstLine(error),
    attempts:
      error?.attempts.map((attempt) => ({
        path: attempt.path,
        error: firstLine(attempt.error),
      })) ?? [],
  };
}

/** Why servers would not run on io_uring, with what would change that; null if they would. */
function describeProblem(verdict, facts) {
  if (verdict.usable) return null;
  const { cause, why, advice, command } = diagnose(verdict.code, facts);
  return { cause, reason: `${verdict.reason}: ${why}`, advice, command };
}

const NO_ADDON = 'the native addon does not load';

/**
 * What io_uring can do here, each feature found by using it on rings and sockets made for that, and the
 * limits it is bound by. Takes some milliseconds, in which nothing else runs. Never throws.
 */
function capabilities() {
  const loaded = loadBinding();
  const facts = system();
  const addon = describeAddon(loaded);
  const base = { ...facts, addon };
  if (loaded.binding === null) {
    const { cause, advice, command } = loaded.error.remedy;
    const problem = { cause, reason: NO_ADDON, advice, command };
    return { usable: false, problem, features: describeFeatures(null, NO_ADDON), ...base };
  }
  const verdict = loaded.binding.probe();
  // Without memory for what servers need, each of the others would be waited for in vain.
  const starved = verdict.code === 'ENOMEM';
  const others = starved ? {} : loaded.binding.hostFeatures?.();
  const otherwise = starved ? reasonOf('', 'ENOMEM') : 'this addon does not know it';
  return {
    usable: verdict.usable,
    problem: describeProblem(verdict, facts),
    features: describeFeatures({ ...verdict.features, ...others }, otherwise),
    ...base,
  };
}

module.exports = { capabilities };
