/**
 * Turns events into the lines that a person reads while a job runs: which are worth a line, at which level, in which words.
 * Shared by bars and plain lines. It must not know of streams, terminals or colours.
 */
import type { LogLevel, MailferryEvent } from '../pipeline/events.ts';
import { type AccountFinished, type AccountWaiting, checkArithmetic, weighAccount } from './counts.ts';
import { formatCount, formatDuration, formatOctets, plural, printable } from './format.ts';
import { describeFailure, type LogLine } from './log-line.ts';
import { describeVerification, type VerificationEvent } from './verification-text.ts';

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug', 'trace'];

/** Failed messages of one account that get a line of their own; a broken sink can fail 100,000. */
const FAILURES_PER_ACCOUNT = 20;

export function isShown(level: LogLevel, threshold: LogLevel): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(threshold);
}

export class LogFeed {
  readonly #threshold: LogLevel;
  /** Failed messages told so far, of the accounts at work. */
  readonly #failures = new Map<string, number>();

  /** With `isQuiet` only failures and warnings pass, whatever the level says. */
  constructor(level: LogLevel, isQuiet: boolean) {
    this.#threshold = isQuiet && isShown('warn', level) ? 'warn' : level;
  }

  /** The lines that this event is worth at the chosen level; mostly none. */
  linesFor(event: MailferryEvent): LogLine[] {
    // Most events by far; words that nobody sees are not put together for each message.
    if (isOfOneMessage(event) && !isShown('trace', this.#threshold)) {
      return [];
    }
    return this.#describe(event).filter(({ level }) => isShown(level, this.#threshold));
  }

  #describe(event: MailferryEvent): LogLine[] {
    switch (event.type) {
      case 'logged':
        return [{ level: event.level, text: withAccount(event.account, printable(event.text)) }];
      case 'message.failed':
      case 'message.quarantined':
        return this.#describeMessageFailure(event);
      case 'account.finished':
        return [...this.#describeUntold(event.account), ...describeAccount(event)];
      case 'verification.started':
      case 'account.counted':
      case 'message.differs':
      case 'account.verified':
      case 'verification.finished':
        return describeVerification(event);
      case 'run.finished':
        return describeArithmetic(printable(event.job), event.counts);
      default:
        return describeDetail(event);
    }
  }

  #describeMessageFailure(event: MessageFailure): LogLine[] {
    const told = (this.#failures.get(event.account) ?? 0) + 1;
    this.#failures.set(event.account, told);
    if (told > FAILURES_PER_ACCOUNT) {
      return [];
    }
    const verb =
      event.type === 'message.failed'
        ? 'failed'
        : `is quarantined after ${plural(event.attempts, 'attempt')}`;
    const what = `message ${quoteUidl(event.uidl)} ${verb}: ${describeFailure(event.failure, event.hint)}`;
    return [{ level: 'warn', text: withAccount(event.account, what) }];
  }

  #describeUntold(account: string): LogLine[] {
    const untold = (this.#failures.get(account) ?? 0) - FAILURES_PER_ACCOUNT;
    this.#failures.delete(account);
    const text = `${plural(untold, 'more message')} failed; "mailferry status" lists them`;
    return untold > 0 ? [{ level: 'warn', text: withAccount(account, text) }] : [];
  }
}

/** Something ordinary about one message, which is worth a line at `trace` alone. */
function isOfOneMessage({ type }: MailferryEvent): boolean {
  return type === 'message.archived' || type === 'message.skipped';
}

type MessageFailure = Extract<MailferryEvent, { type: 'message.failed' | 'message.quarantined' }>;

/** What is told only to those who ask for it. */
function describeDetail(
  event: Exclude<
    MailferryEvent,
    VerificationEvent | MessageFailure | { type: 'logged' | 'account.finished' | 'run.finished' }
  >,
): LogLine[] {
  switch (event.type) {
    case 'run.started':
      return [
        {
          level: 'debug',
          text: `${printable(event.job)}: started with ${plural(event.accounts, 'account')}`,
        },
      ];
    case 'account.deleted':
      return describeDeletion(event);
    case 'account.started':
      return [{ level: 'debug', text: withAccount(event.account, `connecting to ${printable(event.host)}`) }];
    case 'account.waiting':
      return [{ level: 'info', text: withAccount(event.account, describeWait(event)) }];
    case 'account.listed':
      return [
        {
          level: 'debug',
          text: withAccount(
            event.account,
            `${plural(event.listed, 'message')} listed, ${plural(event.wanted, 'message')} ` +
              `(${formatOctets(event.wantedOctets)}) to fetch`,
          ),
        },
      ];
    case 'message.archived':
      return [
        {
          level: 'trace',
          text: withAccount(
            event.account,
            `archived ${quoteUidl(event.uidl)}, ${formatOctets(event.octets)}, sha256 ${event.sha256}`,
          ),
        },
      ];
    case 'message.skipped':
      return [
        {
          level: 'trace',
          text: withAccount(event.account, `skipped ${quoteUidl(event.uidl)} by ${printable(event.rule)}`),
        },
      ];
    case 'account.progressed':
      return [];
  }
}

function describeAccount(event: AccountFinished): LogLine[] {
  const { account, outcome, failure, hint, counts, durationMs } = event;
  const tally = describeTally(counts);
  const lines: LogLine[] = [];
  if (failure !== undefined) {
    const verb = outcome === 'waiting' ? 'left to the next run' : outcome;
    const text = `${verb}: ${describeFailure(failure, hint)}${tally === '' ? '' : ` (${tally})`}`;
    lines.push({ level: levelOf(outcome), text: withAccount(account, text) });
  } else {
    const text = `${tally === '' ? 'nothing new' : tally} in ${formatDuration(durationMs)}`;
    lines.push({ level: levelOfCounts(event), text: withAccount(account, text) });
  }
  return [...lines, ...describeArithmetic(printable(account), counts)];
}

function levelOf(outcome: AccountFinished['outcome']): LogLevel {
  return outcome === 'failed' || outcome === 'unexpected' ? 'error' : 'warn';
}

function levelOfCounts(event: AccountFinished): LogLevel {
  if (event.outcome !== 'done') {
    return levelOf(event.outcome);
  }
  const byWeight = { trouble: 'warn', news: 'info', nothing: 'debug' } as const;
  return byWeight[weighAccount(event)];
}

/** `waits until 10:05:32 UTC: the mailbox is in use by another session …`. */
function describeWait({ until, reason }: AccountWaiting): string {
  return `waits until ${new Date(until).toISOString().slice(11, 19)} UTC: ${printable(reason.text)}`;
}

/** `117 archived (1.2 MB), 3 failed (2 not reached) of 120 listed`; empty where nothing happened. */
function describeTally({
  listed,
  archivedNow,
  quarantined,
  failed,
  unreached,
  octets,
}: AccountFinished['counts']): string {
  const parts: string[] = [];
  if (archivedNow > 0) {
    parts.push(`${plural(archivedNow, 'message')} archived (${formatOctets(octets)})`);
  }
  if (quarantined > 0) {
    parts.push(`${plural(quarantined, 'message')} quarantined ("mailferry status" says why)`);
  }
  if (failed > 0) {
    const missed = unreached > 0 ? ` (${plural(unreached, 'not reached', 'not reached')})` : '';
    parts.push(`${plural(failed, 'message')} failed${missed}`);
  }
  return parts.length === 0 ? '' : `${parts.join(', ')} of ${plural(listed, 'listed', 'listed')}`;
}

function describeArithmetic(name: string, counts: AccountFinished['counts']): LogLine[] {
  const wrong = checkArithmetic(counts);
  return wrong === undefined
    ? []
    : [
        {
          level: 'error',
          text: `${name}: the counts do not add up: ${wrong}. This is a defect of mailferry`,
        },
      ];
}

function withAccount(account: string | undefined, text: string): string {
  return account === undefined ? text : `${printable(account)}: ${text}`;
}

function quoteUidl(uidl: string): string {
  return `"${printable(uidl)}"`;
}

/** What was deleted at the source is worth a line; what stays is worth one to those who ask. */
function describeDeletion({
  account,
  deleted,
  kept,
}: Extract<MailferryEvent, { type: 'account.deleted' }>): LogLine[] {
  const stays = Object.entries(kept).map(([why, count]) => `${formatCount(count)} stay (${why})`);
  const text = [`${plural(deleted, 'message')} deleted at the source`, ...stays].join(', ');
  return [{ level: deleted > 0 ? 'info' : 'debug', text: withAccount(account, text) }];
}
