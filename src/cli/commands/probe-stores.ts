/**
 * The part of `mailferry probe JOB` about object stores: what each S3 sink's store keeps of what S3 promises, in words that
 * say what it means for the job. It asks by at most three small objects, which stay; the answer is kept with its date.
 */
import { assembleS3Sink, type S3SinkDefinition } from '../../job/assemble-s3.ts';
import type { Job } from '../../job/job.ts';
import { printable } from '../../report/format.ts';
import type { Abilities } from '../../sink/s3/abilities.ts';
import { EXIT, type ExitCode, exitCodeOfError } from '../exit-code.ts';
import type { CliIo } from '../io.ts';
import { tellError } from '../tell-error.ts';

export async function probeStores(
  job: Job,
  options: { readonly json?: boolean | undefined },
  io: CliIo,
  signal: AbortSignal,
): Promise<readonly ExitCode[]> {
  const codes: ExitCode[] = [];
  for (const definition of job.sinks) {
    if (definition.kind === 's3') {
      codes.push(await probeOne(definition, job, options, io, signal));
    }
  }
  return codes;
}

async function probeOne(
  definition: S3SinkDefinition,
  job: Job,
  options: { readonly json?: boolean | undefined },
  io: CliIo,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { name } = definition;
  try {
    const sink = await assembleS3Sink(definition, { job, signal, env: io.env });
    let abilities: Abilities;
    try {
      abilities = await sink.probe(signal);
    } finally {
      await sink.close();
    }
    const text =
      options.json === true ? JSON.stringify({ target: name, ...abilities }) : toText(definition, abilities);
    io.stdout.write(`${text}\n`);
    return EXIT.done;
  } catch (cause) {
    io.stderr.write(`${printable(name)}:\n`);
    tellError(cause, io);
    return exitCodeOfError(cause);
  }
}

const CONDITIONAL: Readonly<Record<Abilities['conditionalPut'], string>> = {
  kept: 'kept: an object is never overwritten',
  ignored: 'IGNORED: mailferry looks before it puts, under the job’s own lock; let nothing else write there',
  refused:
    'not supported (501): mailferry looks before it puts, under the job’s own lock; let nothing else write there',
};

const CHECKSUM: Readonly<Record<Abilities['checksum'], string>> = {
  kept: 'compared by the store and given back',
  unchecked: 'given back, but a false one is accepted: not believed',
  absent: 'not given back: ignored by the store',
  denied: 'HEAD is not allowed (s3:GetObject)',
};

const READ: Readonly<Record<Abilities['read'], string>> = {
  allowed: 'allowed',
  denied: 'not allowed (s3:GetObject)',
  wrong: 'OTHER OCTETS CAME BACK than were put',
};

function toText({ name, s3 }: S3SinkDefinition, abilities: Abilities): string {
  const lines: readonly [string, string][] = [
    ['If-None-Match', CONDITIONAL[abilities.conditionalPut]],
    ['SHA-256', CHECKSUM[abilities.checksum]],
    [
      'signed body',
      abilities.signedPayload === 'kept'
        ? 'a body unlike its signature is refused'
        : 'NOT COMPARED with its signature',
    ],
    ['reading back', READ[abilities.read]],
    ['ETag', abilities.etag === 'md5' ? 'the MD5 of the octets' : 'says nothing about the octets'],
    ['Content-MD5', abilities.contentMd5 === 'asked' ? 'asked for' : 'not asked for'],
    ['versioning', yesOrNo(abilities.versioning)],
    ['Object Lock', yesOrNo(abilities.objectLock)],
    ['so', proofOf(s3.verify, abilities)],
    [
      'asked',
      `${new Date(abilities.probedAt).toISOString()}, by at most three small objects that stay there`,
    ],
  ];
  return [printable(name), ...lines.map(([key, value]) => `  ${key.padEnd(13)} ${printable(value)}`)].join(
    '\n',
  );
}

function yesOrNo(value: boolean | undefined): string {
  return value === undefined ? 'unknown: may not be asked' : value ? 'on' : 'off';
}

/** The same choice as s3/proof.ts makes. */
function proofOf(verify: 'checksum' | 'read' | undefined, { checksum, read }: Abilities): string {
  if (checksum === 'kept' && verify !== 'read') {
    return 'each message is proved by the store’s checksum';
  }
  return read === 'allowed'
    ? 'each message is proved by getting it back and hashing it'
    : 'NOTHING IS PROVED: no receipt counts as verified, and nothing is ever deleted at the source';
}
