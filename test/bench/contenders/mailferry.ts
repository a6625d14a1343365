import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Setting } from '../contender.ts';
import { PROJECT } from '../project.ts';

const PROGRAM = join(PROJECT, 'bin', 'mailferry.js');

/** The built program of this checkout, run as a cron job would run it. */
export const mailferry: Contender = {
  name: 'mailferry',
  role: 'subject',
  program: 'node',
  debianPackage: 'nodejs',
  prepare(setting) {
    const { host, port, security, user, password, store, folder } = setting;
    const path = join(folder, 'target');
    const tls = security === 'tls' ? { tls: { ca: setting.caPath } } : {};
    const account = { id: 'bench', host, port, security, user, password: { env: 'BENCH_PASSWORD' }, ...tls };
    return {
      args: [...runArgs(folder, { accounts: [account], sinks: [{ [store]: path }] })],
      env: { BENCH_PASSWORD: password },
      stored: { path, form: store },
    };
  },
};

/** Writes the job file and gives the arguments that run it. The state is in `state` beside it. */
export function runArgs(folder: Setting['folder'], parts: object): readonly string[] {
  const jobPath = join(folder, 'job.json');
  const job = { name: 'bench', state: './state', ...parts };
  writeFileSync(jobPath, JSON.stringify(job, undefined, 2));
  return [PROGRAM, 'run', jobPath, '--quiet'];
}

export const VERSION_ARGS = [PROGRAM, '--version'] as const;
