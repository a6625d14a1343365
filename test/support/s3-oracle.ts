/**
 * What must be true of a bucket, read from the store's double by the plain rules of docs/s3.md and never with the sink's own
 * code: each object holds what its key says, each is listed in one manifest, once for each unique-id, and manifests are chained.
 * Keys are `mail/<account>/<sha256>.eml`, as the jobs of these tests say.
 */
import { sha256 } from './archives.ts';
import type { S3Double } from './s3-double.ts';

/** SHA-256 of what lies there for an account, sorted. */
export function objectDigests(store: S3Double, account: string): readonly string[] {
  return keysUnder(store, `mail/${account}/`).map((key) => objectDigest(store, key) ?? '');
}

/** SHA-256 of what lies there; undefined for nothing. */
export function objectDigest(store: S3Double, key: string): string | undefined {
  const octets = store.objects.get(key)?.octets;
  if (octets === undefined) {
    return undefined;
  }
  // The double replaces octets and never changes them.
  const digest = DIGESTS.get(octets) ?? sha256(octets);
  DIGESTS.set(octets, digest);
  return digest;
}

const DIGESTS = new WeakMap<Buffer, string>();

export function keysUnder(store: S3Double, prefix: string): readonly string[] {
  return [...store.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
}

/** What is wrong with the bucket, once no run is under way and none was killed since the last one ended. */
export function violationsIn(store: S3Double): readonly string[] {
  const mail = keysUnder(store, 'mail/').filter((key) => !key.startsWith('mail/mailferry-probe/'));
  const spoilt = mail.filter((key) => !key.includes(objectDigest(store, key) ?? '?'));
  // An upload without parts takes no room: killed before it is noted, nobody can end it but the bucket's own rules.
  const uploads = [...store.uploads.values()].filter((parts) => parts.size > 0);
  return [
    ...spoilt.map((key) => `${key} does not hold what its key says`),
    ...(uploads.length > 0 ? [`${uploads.length} multipart uploads were left with parts`] : []),
    ...manifestViolations(store, mail),
  ];
}

function manifestViolations(store: S3Double, mail: readonly string[]): readonly string[] {
  const violations: string[] = [];
  const listed = new Set<string>();
  const keys = new Set<string>();
  const last = new Map<string, { sequence: number; sha256: string }>();
  for (const key of keysUnder(store, 'manifest/').toSorted(bySequence)) {
    const octets = octetsOf(store, key);
    const [head, ...lines] = octets
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const before = last.get(head.account);
    if (head.sequence !== (before?.sequence ?? 0) + 1 || head.previous?.sha256 !== before?.sha256) {
      violations.push(`${key} does not follow the manifest before it`);
    }
    last.set(head.account, { sequence: head.sequence, sha256: sha256(octets) });
    for (const line of lines) {
      const entry = `${line.uidl} ${line.key}`;
      if (listed.has(entry)) {
        violations.push(`${key} lists ${entry} a second time`);
      }
      listed.add(entry);
      keys.add(line.key);
    }
  }
  const isSame = mail.length === keys.size && mail.every((key) => keys.has(key));
  return isSame
    ? violations
    : [...violations, `${mail.length} messages are there, and manifests list ${keys.size}`];
}

function bySequence(a: string, b: string): number {
  const [first = '', second = ''] = [a, b].map((key) => /-(\d+)\.jsonl$/.exec(key)?.[1]);
  return first.localeCompare(second);
}

function octetsOf(store: S3Double, key: string): Buffer {
  return store.objects.get(key)?.octets ?? Buffer.alloc(0);
}
