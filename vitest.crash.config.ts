import { defineConfig } from 'vitest/config';

/** The program killed at every step and at every kind of system call, its power cut at every sync: some minutes, `npm run test:crash`. */
export default defineConfig({
  test: {
    include: ['test/crash/**/*.test.ts'],
    exclude: ['test/crash/sample.test.ts'],
    pool: 'forks',
    // Each file fills all processors by itself.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    unstubEnvs: true,
    globalSetup: ['test/support/plain-start.ts', 'test/support/figures.ts'],
    setupFiles: ['test/support/fail-on-warning.ts'],
  },
});
