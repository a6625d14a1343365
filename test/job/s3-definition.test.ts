/** S3 sinks in a job definition: defaults, keys, and what is refused. */
import { describe, expect, test } from 'vitest';
import { loadJob } from '../../src/job/load-job.ts';
import { expandKey, keyFaults } from '../../src/job/object-key.ts';
import { JobError } from '../../src/job/problems.ts';
import { tempFolder } from './temp-folder.ts';

const jobWith = (s3: string): string => `name: x
accounts:
  - { host: pop.example.net, user: alice, password: { env: PW } }
sinks:
  - s3: ${s3}
`;

async function load(s3: string) {
  const folder = await tempFolder();
  return await loadJob(await folder.write('job.yaml', jobWith(s3)));
}

async function problemsOf(s3: string): Promise<string[]> {
  const thrown: unknown = await load(s3).then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof JobError)) throw new Error('it was accepted');
  return thrown.problems.map(({ path, text }) => `${path} ${text}`);
}

const CONTENT = { sha256: 'ab'.repeat(32), shard: 'ab', accountKey: '0123456789abcdef' };
const ACCOUNT = { id: 'a/../b', host: 'h', user: 'alice@example.net' };

describe('an S3 sink', () => {
  test('needs only a bucket', async () => {
    const job = await load('{ bucket: mail-archive }');
    expect(job.sinks).toMatchObject([
      {
        kind: 's3',
        name: 's3:mail-archive',
        s3: {
          forcePathStyle: false,
          verify: undefined,
          manifest: false,
          credentials: undefined,
          lock: undefined,
        },
      },
    ]);
  });

  test('at an endpoint is named with it, and in the path', async () => {
    const job = await load('{ bucket: b-1, endpoint: "https://s3.example.net/" }');
    expect(job.sinks).toMatchObject([
      { name: 's3:https://s3.example.net/b-1', s3: { forcePathStyle: true, region: 'us-east-1' } },
    ]);
  });

  test('takes lock, encryption and credentials', async () => {
    const job = await load(
      '{ bucket: b-1, objectLock: { mode: compliance, retain: 7y }, encryption: { sse: aws:kms, kmsKeyId: k }, credentials: { accessKeyId: A, secretAccessKey: { env: S } } }',
    );
    expect(job.sinks).toMatchObject([
      {
        s3: {
          lock: { mode: 'COMPLIANCE', retainMs: 7 * 366 * 86_400_000 },
          encryption: { sse: 'aws:kms', kmsKeyId: 'k' },
          credentials: { accessKeyId: 'A', secretAccessKey: { kind: 'env', name: 'S' } },
        },
      },
    ]);
    expect(job.warnings).toEqual([]);
  });

  test.each([
    ['{ bucket: b-1, endpoint: "http://s3.example.net" }', /is not encrypted; expected https:/],
    ['{ bucket: b-1, security: plaintext }', /contradicts the endpoint/],
    ['{ bucket: b-1, endpoint: "https://u:p@s3.example.net" }', /expected a URL such as/],
    ['{ bucket: B }', /the name of a bucket/],
    ['{ bucket: b-1, objectLock: { mode: compliance } }', /mode and retain together/],
    ['{ bucket: b-1, objectLock: { mode: compliance, retain: 5m } }', /a time in days, weeks or years/],
    ['{ bucket: b-1, encryption: { sse: AES256, kmsKeyId: k } }', /kmsKeyId only with/],
    ['{ bucket: b-1, key: "{account}/x" }', /expected \{sha256\} in the key/],
    ['{ bucket: b-1, key: "{account}/{uidl}/{sha256}" }', /unknown placeholder \{uidl\}/],
    ['{ bucket: b-1, key: "/{account}/{sha256}" }', /does not begin with/],
    ['{ bucket: b-1, verify: read, storageClass: GLACIER }', /cannot be read at once/],
    ['{ bucket: b-1, metadata: { mailferry-x: y } }', /./],
    ['{ buket: b-1 }', /did you mean "bucket"/],
  ])('is refused where it cannot be meant: %s', async (s3, expected) => {
    expect((await problemsOf(s3)).join('\n')).toMatch(expected);
  });

  test('with a secret in the file, or in clear over a network, is warned of', async () => {
    const { warnings } = await load(
      '{ bucket: b-1, endpoint: "http://s3.example.net", security: plaintext, credentials: { accessKeyId: A, secretAccessKey: hush } }',
    );
    expect(warnings.map(({ text }) => text)).toEqual([
      expect.stringMatching(/secret access key is in the file/),
      expect.stringMatching(/in clear/),
    ]);
    expect(JSON.stringify(warnings)).not.toContain('hush');
  });
});

describe('a key', () => {
  test('is filled with the account encoded, so that it leads nowhere else', () => {
    expect(expandKey('m/{account}/{shard}/{sha256}.eml', ACCOUNT, CONTENT)).toBe(
      `m/a%2F..%2Fb/ab/${CONTENT.sha256}.eml`,
    );
  });

  test('keeps braces that are written twice', () => {
    expect(expandKey('{{sha256}}/{accountKey}', ACCOUNT, CONTENT)).toBe('{sha256}/0123456789abcdef');
    expect(keyFaults('{{sha256}}/{accountKey}')).toHaveLength(1);
  });
});
