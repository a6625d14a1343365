/**
 * Starts fuzzing: `npm run fuzz -- --minutes 60`. It is TypeScript, which Node 20 cannot run, so it is compiled into
 * `test/fuzz/dist` first (never committed).
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(here('./dist'), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [here('../../node_modules/typescript/bin/tsc'), '-p', here('./tsconfig.json')],
  { stdio: 'inherit' },
);
process.chdir(here('../..'));
await import('./dist/test/fuzz/main.js');
