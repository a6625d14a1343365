/**
 * Bundles the compiled program: `build/` (one file a module) into `dist/` (a few files). A program that cron starts every night, and a test
 * thousands of times, should not look for 250 files first: half of its start went there. Packages with native parts or many
 * megabytes stay where npm puts them, and are loaded when they are needed; so does what is optional.
 */
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const bundle = await rolldown({
  input: here('../build/cli/main.js'),
  platform: 'node',
  external: [/^node:/, /^libsql/, /^@aws-sdk\//, 'kerberos'],
});
await bundle.write({ dir: here('../dist/cli'), format: 'esm', chunkFileNames: '[name]-[hash].js' });
await bundle.close();
