import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CSV_COLUMNS } from '../../src/job/csv-columns.ts';
import { checkAccount, checkJob, checkLimits, jsonSchemaText, KNOWN_KEYS } from '../../src/job/schema.ts';

interface JsonSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
}

const root = JSON.parse(jsonSchemaText()) as JsonSchema;
const MINIMAL = { name: 'x', accounts: [{}], sinks: [{ maildir: 'a' }] };

/** Every map of the schema with its place. */
function* mapsOf(schema: JsonSchema, place = ''): Generator<{ place: string; map: JsonSchema }> {
  if (schema.properties !== undefined) {
    yield { place, map: schema };
  }
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    yield* mapsOf(child, place === '' ? key : `${place}.${key}`);
  }
  for (const child of [schema.items ?? []].flat()) {
    yield* mapsOf(child, `${place}[]`);
  }
  for (const child of schema.anyOf ?? []) {
    yield* mapsOf(child, place);
  }
}

const maps = [...mapsOf(root)];
const keys = maps.flatMap(({ place, map }) =>
  Object.entries(map.properties ?? {}).map(([key, schema]) => ({
    path: `${place}.${key}`,
    key,
    schema,
    map,
  })),
);

test('the JSON Schema in the repository is the one that the schema gives (npm run schema writes it)', () => {
  const file = new URL('../../schema/job.schema.json', import.meta.url);
  expect(readFileSync(file, 'utf8')).toBe(jsonSchemaText());
});

describe('every key', () => {
  test.each(keys)('$path says what it is and what holds where it is left out', ({ key, schema, map }) => {
    expect(schema.description).toMatch(/^.{15,} (Required|Default: .+)\.$/s);
    expect(schema.description?.endsWith('Required.')).toBe(map.required?.includes(key) ?? false);
  });

  test('with a default of one value has it where editors look for it', () => {
    const limits = root.properties?.['limits']?.properties ?? {};
    const defaults = Object.fromEntries(Object.entries(limits).map(([key, schema]) => [key, schema.default]));
    expect(defaults).toEqual({
      accounts: 8,
      perHost: 4,
      pipeline: 512,
      timeout: '60s',
      patience: '60s',
      connectTimeout: '30s',
      greetingTimeout: '60s',
      loginTimeout: '5m',
      firstOctetTimeout: '5m',
      sessionTimeout: 'none',
      attempts: 3,
      partSize: '256KiB',
      memory: '64MiB',
    });
  });
});

test('no map takes a key that it does not know', () => {
  for (const { place, map } of maps) {
    expect(map.additionalProperties, place).toBe(false);
  }
});

test('the keys that a mistyped one is compared with are those of the schema', () => {
  const fromSchema = maps.map(({ place, map }) => [place, Object.keys(map.properties ?? {})]);
  expect(new Map(fromSchema as [string, string[]][])).toEqual(KNOWN_KEYS);
});

test('every column of an accounts file stands for a key of an account that has a description', () => {
  for (const [column, path] of CSV_COLUMNS) {
    const place = ['accounts[]', ...path].join('.');
    expect(keys.find((key) => key.path === place)?.schema.description, column).toBeTypeOf('string');
    expect(column).toBe(path.join('_'));
  }
});

test('what is not given becomes the default of the default', () => {
  expect(checkLimits({}).value).toEqual({
    accounts: 8,
    perHost: 4,
    pipeline: 512,
    timeout: 60_000,
    patience: 60_000,
    connectTimeout: 30_000,
    greetingTimeout: 60_000,
    loginTimeout: 300_000,
    firstOctetTimeout: 300_000,
    sessionTimeout: undefined,
    attempts: 3,
    partSize: 262_144,
    memory: 67_108_864,
  });
  expect(checkJob(MINIMAL).value?.limits).toEqual(checkLimits({}).value);
});

test.each([
  [{ port: 0 }],
  [{ port: 65_536 }],
  [{ port: 1.5 }],
  [{ port: '995' }],
  [{ id: '' }],
  [{ id: 'a\u001b[2J' }],
  [{ host: '' }],
  [{ host: 'a b' }],
  [{ security: 'ssl' }],
  [{ security: 'TLS' }],
  [{ auth: 'ntlm' }],
  [{ auth: '' }],
  [{ password: {} }],
  [{ password: { env: 'A', file: 'b' } }],
  [{ password: { command: [] } }],
  [{ password: { command: 'pass show x' } }],
  [{ password: 12 }],
  [{ tls: { fingerprint: 'sha256:12' } }],
  [{ tls: { fingerprint: [] } }],
  [{ tls: 'x' }],
])('an account with %j is refused with one issue', (account) => {
  const { value, issues } = checkAccount(account);
  expect(value).toBeUndefined();
  expect(issues).toHaveLength(1);
});

test.each([
  [{ auth: 'User-Pass' }, { auth: 'USER-PASS' }],
  [{ auth: 'PLAIN' }, { auth: 'PLAIN' }],
  [{ auth: 'auto' }, { auth: 'AUTO' }],
  [{ host: '[2001:DB8::1]' }, { host: '2001:db8::1' }],
  [{ password: { command: ['a', 'b'] } }, { password: { command: ['a', 'b'] } }],
  [
    { tls: { fingerprint: `sha256:${'Ab:'.repeat(31)}cd` } },
    { tls: { fingerprint: [`sha256:${'Ab:'.repeat(31)}cd`] } },
  ],
  [
    { tls: { fingerprint: [`spki-sha256:${'A'.repeat(43)}=`] } },
    { tls: { fingerprint: [`spki-sha256:${'A'.repeat(43)}=`] } },
  ],
])('an account with %j is right', (account, expected) => {
  expect(checkAccount(account)).toEqual({ value: expected, issues: [] });
});

test.each([
  [{ timeout: '0s' }],
  [{ timeout: 60 }],
  [{ patience: '25d' }],
  [{ sessionTimeout: 'never' }],
  [{ accounts: 0 }],
  [{ pipeline: 1001 }],
  [{ bytesPerSession: 0 }],
  [{ messagesPerSession: 0 }],
  [{ bytesPerDay: '1 day' }],
  [{ bandwidth: '1MB' }],
  [{ bandwidth: '63kB/s' }],
  [{ bandwidth: 1_000_000 }],
])('limits with %j are refused: a timer cannot wait so long, or not at all', (limits) => {
  expect(checkLimits(limits).issues).toHaveLength(1);
});

test('a session may last as long as it says, or without end', () => {
  expect(checkLimits({ sessionTimeout: '2h' }).value?.sessionTimeout).toBe(7_200_000);
  expect(checkLimits({ sessionTimeout: 'none' }).value?.sessionTimeout).toBeUndefined();
});

test('a job file may name its schema for editors', () => {
  expect(checkJob({ $schema: '../schema/job.schema.json', ...MINIMAL }).issues).toEqual([]);
});
