/** The references: how fast the same octets can be had and kept by a loop that does nothing else. The loop is references/bare-loop.ts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contender.ts';
import { makeMaildir, PROJECT } from '../project.ts';

const LOOP = join(PROJECT, 'test', 'bench', 'dist', 'bench', 'references', 'bare-loop.js');
/** As many files as the loop syncs side by side. */
const ENV = { UV_THREADPOOL_SIZE: '64' };

/** The limit of the server, as far as Node can reach it. */
export const rawDrain: Contender = {
  name: 'raw drain, nothing stored',
  role: 'reference',
  program: 'node',
  debianPackage: 'nodejs',
  prepare: ({ host, port, security, caPath, user, password }) => ({
    args: [LOOP, 'drain', host, String(port), security, caPath, user],
    env: { BENCH_PASSWORD: password },
    stored: undefined,
  }),
};

export const bareLoop: Contender = {
  name: 'bare loop, synced per batch',
  role: 'reference',
  program: 'node',
  debianPackage: 'nodejs',
  prepare({ host, port, security, caPath, user, password, store, folder }) {
    const path = join(folder, 'target');
    if (store === 'maildir' && !existsSync(path)) makeMaildir(path);
    return {
      args: [LOOP, store, host, String(port), security, caPath, user, path],
      env: { ...ENV, BENCH_PASSWORD: password },
      stored: { path, form: store },
    };
  },
};
