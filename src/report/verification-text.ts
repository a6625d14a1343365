/**
 * What verification says in words: its lines in the log, and its counts as a sentence. Pure. The list of what differs is
 * the closing report's (verification-summary.ts).
 */
import type { MailferryEvent } from '../pipeline/events.ts';
import { formatCount, formatDuration, formatOctets, plural, printable } from './format.ts';
import { describeFailure, type LogLine } from './log-line.ts';

export type AccountVerified = Extract<MailferryEvent, { type: 'account.verified' }>;
export type MessageDiffers = Extract<MailferryEvent, { type: 'message.differs' }>;
export type VerificationFinished = Extract<MailferryEvent, { type: 'verification.finished' }>;
export type VerifiedCounts = AccountVerified['counts'];

type AccountCounted = Extract<MailferryEvent, { type: 'account.counted' }>;
type VerificationStarted = Extract<MailferryEvent, { type: 'verification.started' }>;
export type VerificationEvent =
  | VerificationStarted
  | AccountCounted
  | MessageDiffers
  | AccountVerified
  | VerificationFinished;

export function describeVerification(event: VerificationEvent): LogLine[] {
  switch (event.type) {
    case 'verification.started':
      return [
        { level: 'debug', text: `${printable(event.job)}: verifying ${plural(event.accounts, 'account')}` },
      ];
    case 'account.counted': {
      const text = `${plural(event.receipts, 'receipt')} (${formatOctets(event.octets)}) to read`;
      return [{ level: 'debug', text: `${printable(event.account)}: ${text}` }];
    }
    case 'message.differs':
      return [{ level: 'debug', text: `${printable(event.account)}: ${describeDifference(event)}` }];
    case 'account.verified':
      return [describeAccount(event)];
    case 'verification.finished':
      return [];
  }
}

/** `2 missing, 1 extra`; empty where nothing differs. */
export function describeDifferences(counts: VerifiedCounts): string {
  const kinds = ['missing', 'changed', 'unreadable', 'extra'] as const;
  return kinds
    .filter((kind) => counts[kind] > 0)
    .map((kind) => `${formatCount(counts[kind])} ${kind}`)
    .join(', ');
}

function describeDifference({ sink, difference, uidl, root, location, detail }: MessageDiffers): string {
  const which = uidl === null ? '' : ` (message "${printable(uidl)}")`;
  return printable(`${difference} in ${sink}: ${root}: ${location}`) + which + printable(`: ${detail}`);
}

/** Differences are worth a warning as soon as they are counted; the list comes at the end. */
function describeAccount({ account, counts, failure, hint, durationMs }: AccountVerified): LogLine {
  const name = printable(account);
  if (failure !== undefined) {
    return { level: 'error', text: `${name}: not wholly verified: ${describeFailure(failure, hint)}` };
  }
  const differences = describeDifferences(counts);
  if (differences !== '') {
    return { level: 'warn', text: `${name}: ${differences}` };
  }
  const text = `${plural(counts.intact, 'receipt')} kept in ${formatDuration(durationMs)}`;
  return { level: 'debug', text: `${name}: ${text}` };
}
