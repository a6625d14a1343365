/**
 * An S3 sink from its definition: keys from the template, credentials from the job's secrets whenever they are asked for.
 */

import type { Failpoint } from '../errors/failpoint.ts';
import { encodeLiteral, type KeyPattern } from '../sink/s3/key.ts';
import type { S3Credentials } from '../sink/s3/options.ts';
import type { S3Sink } from '../sink/s3/s3-sink.ts';
import type { Job, S3CredentialSources, SinkDefinition } from './job.ts';
import { expandPath, type PlaceholderSource } from './placeholders.ts';
import type { ResolveOptions } from './raw-secret.ts';
import { resolveSecret } from './secrets.ts';

export type S3SinkDefinition = Extract<SinkDefinition, { readonly kind: 's3' }>;

/** What a pattern leaves open; braces that are written twice are none. */
const MESSAGE_TOKEN = /(\{\{|\}\}|\{sha256\}|\{shard\})/;

export interface AssembleS3Options {
  readonly job: Pick<Job, 'statePath' | 'limits' | 'isReadingBack'>;
  /** Of the run: ends a secret's command with it. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly failpoint?: Failpoint;
}

/** Loads what a job without S3 does not need. */
export async function assembleS3Sink(
  { name, s3 }: S3SinkDefinition,
  options: AssembleS3Options,
): Promise<S3Sink> {
  const { S3Sink } = await import('../sink/s3/s3-sink.ts');
  const { limits, statePath } = options.job;
  const { bucket, region, endpoint, forcePathStyle, key, credentials } = s3;
  return new S3Sink({
    name,
    store: {
      ...{ bucket, region, endpoint, forcePathStyle },
      credentials: credentials === undefined ? undefined : () => fetchCredentials(credentials, options),
      timeouts: { connectMs: limits.connectTimeoutMs, idleMs: limits.timeoutMs },
    },
    patternFor:
      key === undefined ? undefined : (account, accountKey) => keyPatternOf(key, account, accountKey),
    storageClass: s3.storageClass,
    encryption: s3.encryption,
    lock: s3.lock,
    legalHold: s3.legalHold,
    metadata: s3.metadata,
    tags: s3.tags,
    verify: s3.verify ?? (options.job.isReadingBack ? 'checksum' : 'answer'),
    manifest: s3.manifest,
    statePath,
    patienceMs: limits.patienceMs,
    limits: { multipartOctets: s3.multipartOctets },
    failpoint: options.failpoint,
  });
}

/** Fetches the secrets of all S3 sinks once, so that one that is missing is told before anything is connected. */
export async function checkS3Secrets(
  definitions: readonly SinkDefinition[],
  options: AssembleS3Options,
): Promise<void> {
  for (const definition of definitions) {
    if (definition.kind === 's3' && definition.s3.credentials !== undefined) {
      await fetchCredentials(definition.s3.credentials, options);
    }
  }
}

async function fetchCredentials(
  { accessKeyId, secretAccessKey, sessionToken }: S3CredentialSources,
  { job, signal, env }: AssembleS3Options,
): Promise<S3Credentials> {
  const options: ResolveOptions = { timeoutMs: job.limits.loginTimeoutMs, signal, env };
  const secret = await resolveSecret(secretAccessKey, options);
  const token = sessionToken === undefined ? undefined : await resolveSecret(sessionToken, options);
  return {
    accessKeyId,
    secretAccessKey: secret.secret.reveal(),
    sessionToken: token?.secret.reveal(),
  };
}

/** The template with the account in it; what the message decides stays open. */
export function keyPatternOf(template: string, account: PlaceholderSource, accountKey: string): KeyPattern {
  const parts = template.split(MESSAGE_TOKEN);
  return parts
    .map((part, index) => {
      const isToken = index % 2 === 1 && part !== '{{' && part !== '}}';
      return isToken
        ? part
        : encodeLiteral(expandPath({ text: part.replaceAll('{accountKey}', accountKey) }, account));
    })
    .join('');
}
