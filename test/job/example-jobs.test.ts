import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadJob } from '../../src/job/load-job.ts';

const folder = new URL('../../jobs/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

test('there is an example for each kind of user, and the demo', () => {
  expect(files.sort()).toEqual([
    'compliance-export.yaml',
    'demo.yaml',
    'migrate-mailboxes.yaml',
    'nightly-archive.yaml',
  ]);
});

describe.each(files)('jobs/%s', (name) => {
  const file = fileURLToPath(new URL(name, folder));

  test("loads, is named like its file, and warns of nothing but the demo's passwords", async () => {
    const job = await loadJob(file);
    expect(job.name).toBe(name.replace('.yaml', ''));
    expect(job.warnings).toHaveLength(name === 'demo.yaml' ? 1 : 0);
  });

  test('begins with the line by which editors find the schema', () => {
    const [first] = readFileSync(file, 'utf8').split('\n');
    expect(first).toBe('# yaml-language-server: $schema=../schema/job.schema.json');
  });
});

test('the migration takes its accounts from the CSV file beside it', async () => {
  const { accounts } = await loadJob(fileURLToPath(new URL('migrate-mailboxes.yaml', folder)));
  expect(accounts.map(({ id }) => id)).toEqual(['alice', 'bob', 'carol', 'Dave, sales', 'erin', 'archive']);
});
