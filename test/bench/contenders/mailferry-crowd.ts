import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, Setting } from '../contender.ts';
import { runArgs } from './mailferry.ts';

/** mailferry with many accounts of one server, each into `target/<user>`; `setting.user` is not asked. */
export function mailferryCrowd(
  setting: Setting,
  users: readonly string[],
  width: number,
): Omit<Command, 'stored'> {
  const { folder, host, port, security, password, store } = setting;
  writeFileSync(
    join(folder, 'accounts.csv'),
    ['id,user', ...users.map((user) => `${user},${user}`), ''].join('\n'),
  );
  const args = runArgs(folder, {
    accounts: [{ from: './accounts.csv' }],
    defaults: { host, port, security, password: { env: 'BENCH_PASSWORD' } },
    sinks: [{ [store]: './target/{account}' }],
    limits: { accounts: width, perHost: width },
  });
  return { args, env: { BENCH_PASSWORD: password } };
}
