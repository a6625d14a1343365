/** docs/logins.md: a row for each way to log in, in no other state than the code's; and examples that load. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadJob } from '../../src/job/load-job.ts';
import { chooseWays } from '../../src/pop3/sasl/choose-ways.ts';
import { AUTH_CHOICES, SASL_NAMES } from '../../src/pop3/sasl/names.ts';
import { tempFolder } from './temp-folder.ts';

const TEXT = readFileSync(new URL('../../docs/logins.md', import.meta.url), 'utf8');
const ROWS = new Map(
  [...TEXT.matchAll(/^\| `(?!auth`)([a-z0-9-]+)` \| [^|]+ \| ([^|]+) \|/gm)].map(
    ([, name = '', auto = '']) => [name, auto],
  ),
);
const EXAMPLES = [...TEXT.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']): [string, string] => [
  /^name: (.+)$/m.exec(text)?.[1] ?? '',
  text,
]);

test('each way to log in has its row', () => {
  const names = AUTH_CHOICES.slice(1).map((name) => name.toLowerCase());
  expect([...ROWS.keys()].sort()).toEqual(names.sort());
});

test('the table says of each way what auto makes of it', () => {
  const channelBinding = { type: 'tls-exporter', data: Buffer.alloc(0) } as const;
  const server = { host: '', port: 995, serverName: '' };
  const line = { ...server, channelBinding, hasClientCertificate: true, offered: SASL_NAMES };
  const taken = chooseWays(line).map((name) => name.toLowerCase());
  const said = [...ROWS].filter(([, auto]) => /^(yes|first|last)/.test(auto)).map(([name]) => name);
  expect(said).toEqual(taken);
});

describe.each(EXAMPLES)('the example %s', (name, text) => {
  test('loads without a warning', async () => {
    const folder = await tempFolder();
    const job = await loadJob(await folder.write('job.yaml', text));
    expect({ name: job.name, warnings: job.warnings }).toEqual({ name, warnings: [] });
  });
});
