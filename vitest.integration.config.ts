import { defineConfig } from 'vitest/config';

/** The tests against real servers and programs, one file at a time: `npm run test:integration`. */
export default defineConfig({
  test: {
    include: ['test/integration/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    globalSetup: ['test/support/figures.ts'],
    setupFiles: ['test/support/fail-on-warning.ts'],
  },
});
