import { defineConfig } from 'vitest/config';

/**
 * The tests against real servers and programs: `npm run test:integration`. Two files at a time, since they mostly wait: for programs
 * that start, for disks, for limits in seconds. Each has servers, ports and folders of its own.
 */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    globalSetup: ['test/support/figures.ts'],
    setupFiles: ['test/support/fail-on-warning.ts'],
  },
});
