/**
 * The closing report of a run, on stdout: one line that says it all, a table whose arithmetic adds up, then each failure
 * with its reason and what to do. Bounded, however many accounts a job has. It must not know of progress or log lines.
 */
import { addCounts, NO_COUNTS } from '../pipeline/counts.ts';
import type { MailferryEvent } from '../pipeline/events.ts';
import type { Paint } from './colour.ts';
import {
  type AccountFinished,
  type AccountWaiting,
  type Counts,
  checkArithmetic,
  type Outcome,
  type RunFinished,
  type Weight,
  weighAccount,
} from './counts.ts';
import { formatCount, formatDuration, formatOctets, plural, printable } from './format.ts';
import { describeFailure } from './log-line.ts';
import type { Output } from './output.ts';
import type { Reporter } from './reporter.ts';
import { renderSummaryTable } from './summary-table.ts';

/** Up to this many accounts all are shown, those with nothing new too. */
const FEW_ACCOUNTS = 10;
/** Rows of a table that a person still reads; failed accounts come first. */
const MOST_ROWS = 40;
/** Failed messages and accounts that are named. */
const MOST_FAILURES = 100;

export interface SummaryParts {
  readonly output: Output;
  readonly paint: Paint;
  /** Shows every account. */
  readonly isVerbose: boolean;
}

export class SummaryReporter implements Reporter {
  readonly #parts: SummaryParts;
  #run: RunTally | undefined;

  constructor(parts: SummaryParts) {
    this.#parts = parts;
  }

  report(event: MailferryEvent): void {
    switch (event.type) {
      case 'run.started':
        this.#run = new RunTally(event.job, this.#parts.isVerbose);
        break;
      case 'account.finished':
        this.#run?.takeAccount(event);
        break;
      case 'account.waiting':
        this.#run?.takeWait(event);
        break;
      case 'message.failed':
      case 'message.quarantined':
        this.#run?.takeFailure(describeMessage(event));
        break;
      case 'run.finished':
        this.#print(event);
        break;
      default:
        break;
    }
  }

  /** A run that did not come to its end (something unexpected was thrown) still shows what it did. */
  close(): Promise<void> {
    this.#print(undefined);
    return Promise.resolve();
  }

  #print(end: RunFinished | undefined): void {
    const run = this.#run;
    this.#run = undefined;
    if (run !== undefined) {
      const { output, paint } = this.#parts;
      const width = output.stream.isTTY === true ? output.stream.columns : undefined;
      output.write(`${run.render(end, paint, width).join('\n')}\n`);
    }
  }
}

/** A failure as the report names it: what, and what to do. */
interface NamedFailure {
  readonly reason: string;
  readonly hint: string | undefined;
}

function describeMessage(
  event: Extract<MailferryEvent, { type: 'message.failed' | 'message.quarantined' }>,
): NamedFailure {
  const verb = event.type === 'message.failed' ? '' : ' is quarantined';
  const what = `${printable(event.account)}: message "${printable(event.uidl)}"${verb}`;
  return { reason: `${what}: ${describeFailure(event.failure, undefined)}`, hint: event.hint };
}

/** What one run came to, as far as it is shown: memory is bounded unless every account is to be shown. */
class RunTally {
  readonly #job: string;
  readonly #mostRows: number;
  readonly #accounts: Readonly<Record<Weight, AccountFinished[]>> = { trouble: [], news: [], nothing: [] };
  readonly #seen: Record<Weight, number> = { trouble: 0, news: 0, nothing: 0 };
  readonly #failures: NamedFailure[] = [];
  #failuresSeen = 0;
  readonly #miscounts: string[] = [];
  /** Accounts that waited in this run, by the code of the reason; there are few codes. */
  readonly #waits = new Map<string, Set<string>>();
  #sum: Counts = NO_COUNTS;

  constructor(job: string, isVerbose: boolean) {
    this.#job = printable(job);
    this.#mostRows = isVerbose ? Number.POSITIVE_INFINITY : MOST_ROWS;
  }

  takeAccount(event: AccountFinished): void {
    const weight = weighAccount(event);
    this.#seen[weight] += 1;
    this.#sum = addCounts(this.#sum, event.counts);
    if (this.#accounts[weight].length < this.#mostRows) {
      this.#accounts[weight].push(event);
    }
    if (event.failure !== undefined) {
      const reason = `${printable(event.account)}: ${describeFailure(event.failure, undefined)}`;
      this.takeFailure({ reason, hint: event.hint });
    }
    this.#takeMiscount(printable(event.account), checkArithmetic(event.counts));
  }

  takeWait({ account, reason }: AccountWaiting): void {
    const accounts = this.#waits.get(reason.code) ?? new Set();
    this.#waits.set(reason.code, accounts.add(account));
  }

  takeFailure(failure: NamedFailure): void {
    this.#failuresSeen += 1;
    if (this.#failures.length < MOST_FAILURES) {
      this.#failures.push(failure);
    }
  }

  render(end: RunFinished | undefined, paint: Paint, width: number | undefined): string[] {
    const total = end?.counts ?? this.#sum;
    this.#takeMiscount(this.#job, checkArithmetic(total));
    this.#takeMiscount(this.#job, this.#compareWithRun(end));
    const shown = this.#shownAccounts();
    return [
      this.#renderHeadline(end, total),
      '',
      ...renderSummaryTable({ accounts: shown, total, accountCount: this.#accountCount(), paint, width }),
      ...this.#renderRest(shown),
      ...this.#renderWaits(),
      ...this.#renderFailures(paint),
      ...renderQuarantined(total.quarantined),
      ...this.#miscounts.map(
        (text) => `${paint('red', 'error:')} ${text}. This is a defect of mailferry; please report it`,
      ),
    ];
  }

  #accountCount(): number {
    return this.#seen.trouble + this.#seen.news + this.#seen.nothing;
  }

  #takeMiscount(name: string, wrong: string | undefined): void {
    if (wrong !== undefined && this.#miscounts.length < MOST_FAILURES) {
      this.#miscounts.push(`${name}: the counts do not add up: ${wrong}`);
    }
  }

  /** The run counts by itself; where every account was told, both must come to the same. */
  #compareWithRun(end: RunFinished | undefined): string | undefined {
    if (end === undefined || end.accounts !== this.#accountCount()) {
      return undefined;
    }
    const [name] =
      Object.entries(end.counts).find(
        ([key, value]) => new Map(Object.entries(this.#sum)).get(key) !== value,
      ) ?? [];
    return name === undefined ? undefined : `the accounts and the run disagree about "${name}"`;
  }

  /** `nightly-archive: done: 12 messages (1.2 MB) archived from 200 accounts in 3 min 05 s`. */
  #renderHeadline(end: RunFinished | undefined, total: Counts): string {
    const words: Readonly<Record<Outcome, string>> = {
      done: 'done',
      failed: 'failed in part',
      waiting: 'not all done, the next run goes on',
      interrupted: 'interrupted, the next run goes on',
      unexpected: 'ended by an unexpected error',
    };
    const news =
      total.archivedNow === 0
        ? 'nothing new'
        : `${plural(total.archivedNow, 'message')} (${formatOctets(total.octets)}) archived`;
    const ending = end === undefined ? 'did not come to its end' : words[end.outcome];
    const time = end === undefined ? '' : ` in ${formatDuration(end.durationMs)}`;
    return `${this.#job}: ${ending}: ${news} from ${plural(this.#accountCount(), 'account')}${time}`;
  }

  #shownAccounts(): AccountFinished[] {
    const { trouble, news, nothing } = this.#accounts;
    const isFew = this.#accountCount() <= FEW_ACCOUNTS || this.#mostRows === Number.POSITIVE_INFINITY;
    const sorted = [trouble, news, isFew ? nothing : []].flatMap((accounts) =>
      accounts.toSorted((left, right) => (left.account < right.account ? -1 : 1)),
    );
    return sorted.slice(0, this.#mostRows);
  }

  /** What the table leaves out, so that nobody takes it for the whole. */
  #renderRest(shown: readonly AccountFinished[]): string[] {
    const words: Readonly<Record<Weight, string>> = {
      trouble: 'that failed',
      news: 'with new messages',
      nothing: 'with nothing new',
    };
    const weights: readonly Weight[] = ['trouble', 'news', 'nothing'];
    const rest = weights.flatMap((weight) => {
      const left = this.#seen[weight] - shown.filter((event) => weighAccount(event) === weight).length;
      return left > 0 ? [`… and ${plural(left, 'account')} ${words[weight]}`] : [];
    });
    return rest.length > 0 ? [...rest, '(-v shows all)'] : [];
  }

  /** `waited for: pop3-in-use (3 accounts), connection-unreachable (1 account)`; what came of it stands in the table. */
  #renderWaits(): string[] {
    const waits = [...this.#waits].map(([code, accounts]) => `${code} (${plural(accounts.size, 'account')})`);
    return waits.length === 0 ? [] : ['', `waited for: ${waits.join(', ')}`];
  }

  #renderFailures(paint: Paint): string[] {
    if (this.#failures.length === 0) {
      return [];
    }
    const untold = this.#failuresSeen - this.#failures.length;
    return [
      '',
      paint('bold', 'What failed, and what to do:'),
      ...this.#failures.flatMap(({ reason, hint }) =>
        hint === undefined ? [`  ${reason}`] : [`  ${reason}`, `    -> ${printable(hint)}`],
      ),
      ...(untold > 0 ? [`  … and ${formatCount(untold)} more; "mailferry status" lists them`] : []),
    ];
  }
}

/** Those of earlier runs are counted, not named: here is how to come by their names. */
function renderQuarantined(count: number): string[] {
  return count === 0
    ? []
    : [
        '',
        `${plural(count, 'message')} quarantined: "mailferry status JOB" says why, and where what arrived is;`,
        '"mailferry run --retry quarantined JOB" fetches again.',
      ];
}
