/**
 * `mailferry status [JOB…]`: what the ledger knows, read beside a running job.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { loadJob } from '../../job/load-job.ts';
import type {
  AccountSummary,
  LedgerReader,
  PipeliningTrouble,
  RunRecord,
  TroubledMessage,
} from '../../ledger/ledger.ts';
import { openLedgerReader } from '../../ledger/open-reader.ts';
import { QUARANTINE_FOLDER } from '../../message/quarantine-names.ts';
import { decidePipelining, TROUBLE_LASTS_MS } from '../../pipeline/decide-pipelining.ts';
import { formatCount, formatOctets, printable } from '../../report/format.ts';
import { type Cell, type Column, type Row, renderTable } from '../../report/table.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { CliIo } from '../io.ts';
import type { StatusOptions } from '../options.ts';
import { type QuarantinedMessage, renderQuarantined, toTime, withKept } from '../quarantine-list.ts';
import { selectAccounts } from '../select-accounts.ts';

/** How many runs and how many messages in trouble are shown. */
const RUNS = 5;
const TROUBLED = 20;
/** Quarantined messages that `--json` lists, and messages in trouble among which those of the chosen accounts are looked for. */
const MOST = 1_000;

interface JobState {
  readonly name: string;
  readonly statePath: string;
}

export async function status(
  files: readonly string[],
  options: StatusOptions,
  { stdout }: CliIo,
): Promise<ExitCode> {
  const states = files.length > 0 ? await Promise.all(files.map(loadJob)) : findStates();
  for (const state of states) {
    const reader = openLedgerReader({ statePath: state.statePath });
    try {
      const text = options.json === true ? toJson(state, reader, options) : toText(state, reader, options);
      stdout.write(`${text}\n`);
    } finally {
      reader?.close();
    }
  }
  return EXIT.done;
}

/** Without a job: the ledgers at their default place below this folder. */
function findStates(): JobState[] {
  const folder = '.mailferry';
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const states = names
    .map((name) => ({ name, statePath: join(folder, name) }))
    .filter(({ statePath }) => existsSync(join(statePath, 'ledger.db')));
  if (states.length === 0) {
    throw new MailferryError('there is no ledger below .mailferry in this folder', {
      code: 'usage-no-ledger',
      scope: 'run',
      retry: 'never',
      hint: 'name a job definition: mailferry status job.yaml',
    });
  }
  return states;
}

function chosenAccounts(reader: LedgerReader, { account }: StatusOptions): readonly AccountSummary[] {
  const summaries = reader.accounts().map((summary) => ({ ...summary, id: summary.account }));
  return selectAccounts(summaries, account);
}

interface Trouble {
  readonly quarantined: readonly QuarantinedMessage[];
  readonly troubled: readonly TroubledMessage[];
}

/** What is in trouble in these accounts. */
function troubleIn(accounts: readonly AccountSummary[], reader: LedgerReader, state: JobState): Trouble {
  const names = new Set(accounts.map(({ account }) => account));
  const isChosen = ({ account }: TroubledMessage): boolean => names.has(account);
  const folder = join(state.statePath, QUARANTINE_FOLDER);
  return {
    quarantined: withKept(reader.quarantined(MOST).filter(isChosen), folder),
    troubled: reader.troubled(MOST).filter(isChosen).slice(0, TROUBLED),
  };
}

function toJson(state: JobState, reader: LedgerReader | undefined, options: StatusOptions): string {
  const accounts = reader === undefined ? [] : chosenAccounts(reader, options);
  const trouble =
    reader === undefined ? { quarantined: [], troubled: [] } : troubleIn(accounts, reader, state);
  return JSON.stringify({
    job: state.name,
    ledger: reader?.path ?? null,
    accounts,
    runs: reader?.runs(RUNS) ?? [],
    pipeliningTroubles: reader === undefined ? [] : avoidedHosts(reader),
    ...trouble,
  });
}

function toText(state: JobState, reader: LedgerReader | undefined, options: StatusOptions): string {
  if (reader === undefined) {
    return `${state.name}: never run, there is no ledger yet`;
  }
  const accounts = chosenAccounts(reader, options);
  const sections = [
    `${state.name}: ${reader.path}`,
    ...renderAccounts(accounts),
    '',
    ...renderTable(RUN_COLUMNS, reader.runs(RUNS).map(toRunRow)),
  ];
  sections.push(...accounts.flatMap(toChangeLine), ...avoidedHosts(reader).map(toHostLine));
  const { quarantined, troubled } = troubleIn(accounts, reader, state);
  const total = accounts.reduce((sum, { byState }) => sum + byState.quarantined, 0);
  if (total > 0) {
    sections.push('', ...renderQuarantined(quarantined.slice(0, TROUBLED), total));
  }
  if (troubled.length > 0) {
    sections.push('', ...renderTable(TROUBLED_COLUMNS, troubled.map(toTroubledRow)));
  }
  return sections.join('\n');
}

/** The time of a next login has a column only where one is still to come. */
function renderAccounts(accounts: readonly AccountSummary[]): string[] {
  const now = Date.now();
  const isAhead = ({ nextLoginAt }: AccountSummary): boolean => nextLoginAt !== null && nextLoginAt > now;
  if (!accounts.some(isAhead)) {
    return renderTable(ACCOUNT_COLUMNS, accounts.map(toAccountRow));
  }
  const rows = accounts.map((summary) => [
    ...toAccountRow(summary),
    isAhead(summary) ? toTime(summary.nextLoginAt ?? now) : '',
  ]);
  return renderTable([...ACCOUNT_COLUMNS, { title: 'next login' }], rows);
}

const right = (title: string): Column => ({ title, align: 'right' });
const ACCOUNT_COLUMNS: readonly Column[] = [
  { title: 'account' },
  right('archived'),
  right('size'),
  right('incomplete'),
  right('skipped'),
  right('quarantined'),
  right('in deletion'),
  { title: 'last run' },
  { title: 'outcome' },
];
const RUN_COLUMNS: readonly Column[] = [
  right('run'),
  { title: 'started' },
  { title: 'outcome' },
  right('accounts'),
  right('listed'),
  right('archived now'),
  right('failed'),
  right('size'),
];
const TROUBLED_COLUMNS: readonly Column[] = [
  { title: 'account' },
  { title: 'unique-id' },
  { title: 'state' },
  right('attempts'),
  { title: 'last error' },
];

function toAccountRow({ account, byState, octets, incomplete, lastRun }: AccountSummary): readonly Cell[] {
  const { listed, skipped, quarantined, ...archived } = byState;
  const total = Object.values(archived).reduce((sum, count) => sum + count, 0);
  return [
    account,
    formatCount(total),
    formatOctets(octets),
    formatCount(incomplete),
    formatCount(skipped),
    formatCount(quarantined),
    formatCount(byState['deletion-requested'] + byState['deletion-answered']),
    lastRun === undefined ? '' : toTime(lastRun.startedAt),
    lastRun?.outcome ?? '',
  ];
}

function toChangeLine({ account, uidlChange }: AccountSummary): string[] {
  if (uidlChange === null) {
    return [];
  }
  const { noticedAt, settledAt, followed } = uidlChange;
  const until =
    settledAt === null ? '; not all of it is compared yet, and nothing is deleted until it is' : '';
  return [
    printable(
      `${account}: the server changed its unique-ids (seen ${toTime(noticedAt)}): ${formatCount(followed)} archived messages follow the new ones${until}`,
    ),
  ];
}

/** Hosts at which commands are not sent ahead of answers. */
function avoidedHosts(reader: LedgerReader): readonly PipeliningTrouble[] {
  const now = Date.now();
  return reader
    .pipeliningTroubles()
    .filter(({ noticedAt }) => decidePipelining(noticedAt, now).kind === 'avoided');
}

function toHostLine({ host, noticedAt, reason }: PipeliningTrouble): string {
  const until = toTime(noticedAt + TROUBLE_LASTS_MS);
  return printable(
    `${host}: no pipelining until ${until}, since it broke on ${toTime(noticedAt)}: ${reason}`,
  );
}

function toRunRow({ id, startedAt, outcome, accounts, counts }: RunRecord): Row {
  const { listed, archivedNow, failed, octets } = counts;
  return [
    String(id),
    toTime(startedAt),
    outcome ?? 'running, or killed',
    ...[accounts, listed, archivedNow, failed].map(formatCount),
    formatOctets(octets),
  ];
}

function toTroubledRow(message: TroubledMessage): Row {
  const { account, uidl, state, attempts, lastError, unlistedAt } = message;
  const shown = unlistedAt === null ? state : 'no longer listed';
  return [account, uidl, shown, formatCount(attempts), lastError ?? ''];
}
