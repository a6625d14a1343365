import { defineConfig } from 'vitest/config';

/**
 * The tests against real servers and programs: `npm run test:integration`. Three files at a time on two processors, since they
 * wait for much: programs that start, disks, limits in seconds. Each has servers, ports and folders of its own.
 */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 3,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    globalSetup: ['test/support/plain-start.ts', 'test/support/figures.ts'],
    setupFiles: ['test/support/fail-on-warning.ts'],
  },
});
