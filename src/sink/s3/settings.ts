/**
 * What a sink asks of each object beyond its octets (encryption, Object Lock, storage class), and whether the store did as
 * asked: there are stores that accept the headers and do nothing.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { HeldObject, ObjectSettings } from './object-store.ts';
import type { S3SinkOptions } from './options.ts';

/** Stores keep whole seconds, and some round down. */
const RETENTION_TOLERANCE_MS = 2_000;

type Asked = Pick<S3SinkOptions, 'storageClass' | 'encryption' | 'lock' | 'legalHold' | 'tags'>;

/** @param now retention counts from here. */
export function settingsFor(
  { storageClass, encryption, lock, legalHold, tags }: Asked,
  now: number,
): ObjectSettings {
  return {
    storageClass,
    encryption,
    legalHold,
    tags,
    lock: lock === undefined ? undefined : { mode: lock.mode, retainUntil: now + lock.retainMs },
  };
}

/**
 * @param isFresh whether these settings were sent with it just now; an object that was there keeps the retention it has.
 * @throws MailferryError scope sink: the next message would meet the same.
 */
export function assertSettings(held: HeldObject, asked: ObjectSettings, isFresh: boolean, key: string): void {
  const { encryption, lock, legalHold } = asked;
  if (encryption !== undefined && held.encryption !== encryption.sse) {
    throw ignored(
      `${key} should be encrypted by ${encryption.sse}, and the store says ${held.encryption ?? 'nothing'}`,
      '`encryption`',
    );
  }
  if (lock !== undefined) {
    const until = isFresh ? lock.retainUntil - RETENTION_TOLERANCE_MS : 0;
    if (held.lockMode !== lock.mode || held.retainUntil === undefined || held.retainUntil < until) {
      const found =
        held.lockMode === undefined ? 'nothing' : `${held.lockMode} until ${isoTime(held.retainUntil)}`;
      throw ignored(
        `${key} should be locked (${lock.mode} until ${isoTime(lock.retainUntil)}), and the store says ${found}`,
        '`objectLock`',
      );
    }
  }
  if (legalHold === true && held.legalHold !== true) {
    throw ignored(
      `${key} should be under legal hold, and the store does not say so`,
      '`objectLock.legalHold`',
    );
  }
}

function isoTime(time: number | undefined): string {
  return time === undefined ? 'an unknown time' : new Date(time).toISOString();
}

function ignored(text: string, setting: string): MailferryError {
  return new MailferryError(text, {
    code: 's3-setting-ignored',
    scope: 'sink',
    retry: 'never',
    hint: `The store accepts ${setting} and does not keep it, or this identity may not see it (s3:GetObjectRetention, s3:GetObjectLegalHold): use another store, or leave the setting out.`,
  });
}
