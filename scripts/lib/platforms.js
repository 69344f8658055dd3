'use strict';

const MACHINES = {
  x64: { machine: 'x86_64', debian: 'amd64' },
  arm64: { machine: 'aarch64', debian: 'arm64' },
};
const LIBCS = { gnu: 'glibc', musl: 'musl' };

/**
 * The platforms that have a prebuilt addon, as a package each.
 *
 * @type {{name: string, cpu: string, abi: string, libc: string, machine: string, debian: string}[]}
 *   `name` as in `@searings/<name>`, `cpu` and `libc` as npm calls them, `debian` as Debian does
 */
const PLATFORMS = Object.keys(MACHINES).flatMap((cpu) =>
  Object.entries(LIBCS).map(([abi, libc]) => ({
    name: `linux-${cpu}-${abi}`,
    cpu,
    abi,
    libc,
    ...MACHINES[cpu],
  })),
);

module.exports = { PLATFORMS };
