import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Setting } from '../contender.ts';
import { PROJECT } from '../project.ts';

/** The built program of this checkout, run as a cron job would run it. */
export const mailferry: Contender = {
  name: 'mailferry',
  program: 'node',
  debianPackage: 'nodejs',
  versionArgs: [join(PROJECT, 'bin', 'mailferry.js'), '--version'],
  prepare(setting) {
    const jobPath = join(setting.folder, 'job.json');
    const target = join(setting.folder, 'target');
    writeFileSync(jobPath, JSON.stringify(jobOf(setting, target), undefined, 2));
    return {
      args: [join(PROJECT, 'bin', 'mailferry.js'), 'run', jobPath, '--quiet'],
      target,
      env: { BENCH_PASSWORD: setting.password },
    };
  },
};

function jobOf(setting: Setting, target: string): object {
  const { host, port, security, user } = setting;
  const tls = security === 'tls' ? { tls: { ca: setting.caPath } } : {};
  return {
    name: 'bench',
    state: './state',
    accounts: [{ id: 'bench', host, port, security, user, password: { env: 'BENCH_PASSWORD' }, ...tls }],
    sinks: [{ [setting.store]: target }],
  };
}
