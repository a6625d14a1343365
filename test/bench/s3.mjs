/**
 * Starts the bench of the S3 sink: `npm run build && node test/bench/s3.mjs`. Needs Ceph (test/services/install.sh). Compiled
 * like bench.mjs.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

execFileSync(
  process.execPath,
  [here('../../node_modules/typescript/bin/tsc'), '-p', here('./tsconfig.json')],
  { stdio: 'inherit' },
);
await import('./dist/bench/s3.js');
