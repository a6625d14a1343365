/**
 * Names of messages in a Maildir: `<seconds>.<key>.mailferry,S=<octets>,W=<octets>`. They follow from the message, the
 * account and the unique-id alone, so that storing again after a crash meets the same name.
 *
 * S= is the size of the file, W= its size with CRLF line ends, as Dovecot and Courier read them (Maildir++ quota; Dovecot
 * takes W= as the virtual size and need not open the file for it).
 */
import type { Message } from '../../message/message.ts';
import { blockDate } from '../../message/message-date.ts';
import { KEY_DIGITS, type MessageKeys } from '../message-key.ts';
import type { StorableMessage } from '../sink.ts';
import { formOctets, storedFormOf } from '../stored-form.ts';

const NAME = new RegExp(String.raw`^\d{1,12}\.([0-9a-f]{${KEY_DIGITS}})\.mailferry,S=\d+,W=\d+$`);
/** The last second of the year 9999: later dates are nonsense, and would make names of another length. */
const LAST_SECOND = 253_402_300_799;

export interface MaildirName {
  readonly key: string;
  readonly base: string;
}

/** @param keys of the message's account @param block its header block */
export function maildirName(keys: MessageKeys, storable: StorableMessage, block: Buffer): MaildirName {
  const { message } = storable;
  const key = keys.of(storable);
  const seconds = Math.floor((blockDate(block) ?? 0) / 1000);
  const bounded = Math.min(Math.max(seconds, 0), LAST_SECOND);
  return { key, base: `${bounded}.${key}.mailferry,S=${formOctets(message)},W=${virtualOctets(message)}` };
}

/**
 * Each LF in the file that has no CR before it counts as CRLF. What came as CR CR LF lies there as CR LF, and counts as it
 * lies there: Dovecot takes the size from the name without looking.
 */
function virtualOctets(message: Message): number {
  const { bareLf, crCrlf } = message.lineEnds;
  return storedFormOf(message) === 'lf' ? message.octets - crCrlf : message.octets + bareLf;
}

/** The key in a file name of ours, with or without flags; undefined for others. */
export function keyOfName(fileName: string): string | undefined {
  return NAME.exec(withoutFlags(fileName))?.[1];
}

/** What a reader leaves of the name when it moves the file to `cur`: flags follow `:2,`. */
export function withoutFlags(fileName: string): string {
  const colon = fileName.indexOf(':');
  return colon === -1 ? fileName : fileName.slice(0, colon);
}
