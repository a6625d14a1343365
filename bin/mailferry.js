#!/usr/bin/env node
/**
 * Starts the built program. It is CommonJS (package.json beside it), since the first line below must come before Node itself has
 * used its thread pool, as it does to read an ES module.
 */
// Syncs wait for the disk on this pool, side by side: with Node's four threads a Maildir takes twice as long.
process.env.UV_THREADPOOL_SIZE ??= '64';

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { loadProgram } = require('./load-program.js');

const program = join(__dirname, '..', 'dist', 'cli', 'main.cjs');
if (existsSync(program)) {
  loadProgram(program);
} else {
  process.stderr.write('mailferry is not built yet: run `npm ci && npm run build` in its folder first\n');
  process.exitCode = 1;
}
