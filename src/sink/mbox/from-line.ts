/**
 * The separator line before each message of an mbox: `From sender date`, the date in asctime form, UTC (RFC 4155
 * appendix A; RFC-77). Without a full date some readers refuse the whole file.
 */
import { readFields } from '../../message/header-fields.ts';
import { dateOf } from '../../message/message-date.ts';

/** The convention for mail without a sender. */
const NO_SENDER = 'MAILER-DAEMON';
/** A path of RFC 5321 §4.5.3.1.3 has 256 octets; what is longer names nobody. */
const SENDER_LIMIT = 256;
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59);

/** @param block the header block of the message. @returns the line with its LF; printable ASCII */
export function fromLine(block: Buffer): string {
  const fields = readFields(block, ['return-path', 'from', 'received', 'date']);
  return `From ${senderOf(fields)} ${asctime(dateOf(fields) ?? 0)}\n`;
}

/** Return-Path (an empty one is mail without a sender), else the address in From, else the convention. */
function senderOf(fields: ReadonlyMap<string, string>): string {
  const returnPath = fields.get('return-path');
  if (returnPath !== undefined && /^<\s*>/.test(returnPath)) {
    return NO_SENDER;
  }
  return addressIn(returnPath) ?? addressIn(fields.get('from')) ?? NO_SENDER;
}

/** What stands between the last `<` and its `>`, else the whole, if it is one word with an `@`. */
function addressIn(value: string | undefined): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  const open = value.lastIndexOf('<');
  const close = value.indexOf('>', open + 1);
  const address = open !== -1 && close !== -1 ? value.slice(open + 1, close) : withoutComment(value);
  const isUsable = address.length <= SENDER_LIMIT && /^[!-~]+@[!-~]+$/.test(address);
  return isUsable ? address : undefined;
}

/** `alice@example.org (Alice)`, the form before there were angle brackets (RFC 5322 §3.4.1 note). */
function withoutComment(value: string): string {
  const comment = value.indexOf('(');
  return (comment === -1 ? value : value.slice(0, comment)).trim();
}

/** `Thu Jan  1 00:00:00 1970`, for instants from 1970 to 9999; others become the nearest of these. */
function asctime(instant: number): string {
  // `Thu, 01 Jan 1970 00:00:00 GMT` (ECMA-262 §21.4.4.43), which is made natively: cheaper than asking for each part.
  const text = new Date(Math.min(Math.max(instant, 0), LAST_INSTANT)).toUTCString();
  const day = text.slice(5, 7).replace(/^0/, ' ');
  return `${text.slice(0, 3)} ${text.slice(8, 11)} ${day} ${text.slice(17, 25)} ${text.slice(12, 16)}`;
}
