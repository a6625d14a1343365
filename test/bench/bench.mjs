/**
 * Starts the bench: `npm run bench -- --help`. The bench is TypeScript, which Node 20 cannot run, so it is compiled into
 * `test/bench/dist` first (under a second, never committed).
 */
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

rmSync(here('./dist'), { recursive: true, force: true });
execFileSync(
  process.execPath,
  [here('../../node_modules/typescript/bin/tsc'), '-p', here('./tsconfig.json')],
  {
    stdio: 'inherit',
  },
);
await import('./dist/bench/main.js');
