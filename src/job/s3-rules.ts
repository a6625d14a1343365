/**
 * The rules about S3 sinks: keys that keep messages apart, nothing over a clear line that the job does not ask for. Pure.
 */
import { isLoopback } from './hosts.ts';
import type { JobProblem, SinkDefinition } from './job.ts';
import { type DraftSink, definedAccounts, type JobDraft } from './job-draft.ts';
import { keyFaults, longestKeyOctets, MAX_KEY_OCTETS } from './object-key.ts';
import { quoted } from './problems.ts';

export const s3Rules = [keysAreWellFormed, keysAreNotTooLong, endpointsFitSecurity, readsCanBeMade];
export const s3WarningRules = [secretKeysAreNotInFiles, storesAreEncrypted];

type S3SinkDefinition = Extract<SinkDefinition, { readonly kind: 's3' }>;

function* s3SinksOf({ sinks }: JobDraft): Generator<{ sink: DraftSink; definition: S3SinkDefinition }> {
  for (const sink of sinks) {
    if (sink.definition.kind === 's3') {
      yield { sink, definition: sink.definition };
    }
  }
}

export function keysAreWellFormed(draft: JobDraft): JobProblem[] {
  return [...s3SinksOf(draft)].flatMap(({ sink, definition: { s3 } }) =>
    s3.key === undefined ? [] : keyFaults(s3.key).map((text) => ({ ...sink.place, text })),
  );
}

export function keysAreNotTooLong(draft: JobDraft): JobProblem[] {
  return [...s3SinksOf(draft)].flatMap(({ sink, definition: { s3 } }) => {
    const { key } = s3;
    if (key === undefined) {
      return [];
    }
    for (const { definition } of definedAccounts(draft)) {
      const octets = longestKeyOctets(key, definition);
      if (octets > MAX_KEY_OCTETS) {
        const text = `for the account ${quoted(definition.id)} a key has ${octets} octets; expected at most ${MAX_KEY_OCTETS}`;
        return [{ ...sink.place, text }];
      }
    }
    return [];
  });
}

/** Mail goes over a clear line only where the job says so. */
export function endpointsFitSecurity(draft: JobDraft): JobProblem[] {
  return [...s3SinksOf(draft)].flatMap(({ sink, definition: { s3 } }) => {
    const isClear = s3.endpoint?.startsWith('http:') ?? false;
    if (isClear === s3.isPlaintext) {
      return [];
    }
    const text = isClear
      ? `the endpoint ${quoted(s3.endpoint ?? '')} is not encrypted; expected https:, or security: plaintext beside it`
      : 'security: plaintext contradicts the endpoint; expected one with http:, or security: tls';
    return [{ ...sink.place, text }];
  });
}

export function readsCanBeMade(draft: JobDraft): JobProblem[] {
  const frozen = new Set(['GLACIER', 'DEEP_ARCHIVE']);
  return [...s3SinksOf(draft)]
    .filter(({ definition: { s3 } }) => s3.verify === 'read' && frozen.has(s3.storageClass ?? ''))
    .map(({ sink, definition: { s3 } }) => ({
      ...sink.place,
      text: `an object in ${s3.storageClass} cannot be read at once; expected verify: checksum, or another storageClass`,
    }));
}

export function secretKeysAreNotInFiles(draft: JobDraft): JobProblem[] {
  return [...s3SinksOf(draft)]
    .filter(({ definition: { s3 } }) => s3.credentials?.secretAccessKey.kind === 'plain')
    .map(({ sink }) => ({
      ...sink.place,
      text: 'the secret access key is in the file itself; expected env, file, command or credential, so that the job can be shown and kept under version control',
    }));
}

export function storesAreEncrypted(draft: JobDraft): JobProblem[] {
  return [...s3SinksOf(draft)]
    .filter(
      ({ definition: { s3 } }) =>
        s3.isPlaintext && s3.endpoint !== undefined && !isLoopback(new URL(s3.endpoint).hostname),
    )
    .map(({ sink }) => ({
      ...sink.place,
      text: 'all mail goes to the store over the network in clear; expected https:',
    }));
}
