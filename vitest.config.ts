import { defineConfig } from 'vitest/config';

/** `npm run test:crash`. */
const LONG_CRASH_TESTS = ['every-step', 'power-cut', 'refetch', 'system-calls'].map(
  (name) => `test/crash/${name}.test.ts`,
);

/** The tests that need nothing but Node: `npm test`. Real servers are in vitest.integration.config.ts. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/integration/**', 'test/bench/dist/**', ...LONG_CRASH_TESTS],
    pool: 'forks',
    // Half as many files again as processors: some of them wait, for limits in seconds and for programs that start.
    maxWorkers: '150%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    unstubEnvs: true,
    globalSetup: ['test/support/plain-start.ts', 'test/support/figures.ts'],
    setupFiles: ['test/support/fail-on-warning.ts'],
  },
});
