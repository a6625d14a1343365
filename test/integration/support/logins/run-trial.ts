/** One trial of a server: a run with an account for each way to log in, all side by side, and everything on that might show a secret. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNotFound } from '../../../../src/sink/sink-error.ts';
import { type JobFolder, parseEvents } from '../../../support/job-folder.ts';
import { secretForms } from '../../../support/secret-forms.ts';
import { type LoginRow, type LoginServer, type LoginTrial, userOf, waysOf } from './row.ts';

/** What became of one account. */
export interface LoginOutcome {
  readonly outcome: unknown;
  readonly archivedNow: unknown;
  readonly failure: { readonly code?: unknown; readonly text?: unknown } | null;
  readonly hint: unknown;
  /** `scram-sha-256`, `user-pass`: what was tried, in order. */
  readonly tried: readonly string[];
  readonly trace: string;
}

export interface TrialRun {
  readonly outcomes: ReadonlyMap<string, LoginOutcome>;
  /** Where a secret showed, in any form: must be empty. */
  readonly leaks: readonly string[];
}

export async function runTrial(
  folder: JobFolder,
  row: Pick<LoginRow, 'ways' | 'security'>,
  server: LoginServer,
  trial: LoginTrial,
): Promise<TrialRun> {
  const accounts = await Promise.all(
    waysOf(row).map(async (way) => ({ way, ...(await server.account(userOf(way), trial)) })),
  );
  const job = writeJob(folder, row, server, trial, accounts);
  const env = Object.assign({}, ...accounts.map((account) => account.env));
  const trace = `${trial}.trace`;
  const loud = ['--json', '--log-level', 'trace', '--trace', trace];
  const { program } = server;
  const running = folder.start(['run', ...loud, job], { env, ...(program !== undefined && { program }) });
  await running.prints('stdout', 'run.started');
  const commandLine = readFileSync(`/proc/${running.pid}/cmdline`, 'latin1');
  const { stdout, stderr } = await running.ended;
  const traceText = readFileSync(join(folder.path, trace), 'latin1');
  const secrets = accounts.flatMap((account) => [
    ...account.secrets,
    ...(server.tokens?.(userOf(account.way), trial) ?? []).map(({ text }) => text),
  ]);
  return {
    outcomes: new Map(accounts.map(({ way }) => [way, outcomeOf(way, stdout, traceText)])),
    leaks: leaksIn({ commandLine, stdout, stderr, ...filesOf(folder) }, accounts, secrets),
  };
}

type Accounts = readonly ({ readonly way: string } & Awaited<ReturnType<LoginServer['account']>>)[];

function writeJob(
  folder: JobFolder,
  { security }: Pick<LoginRow, 'security'>,
  { port, tlsPort, caPath }: LoginServer,
  trial: LoginTrial,
  accounts: Accounts,
): string {
  const isTls = security === 'tls';
  const ca = isTls ? { ca: caPath } : {};
  const job = {
    name: trial,
    state: `./state-${trial}`,
    accounts: accounts.map(({ way, keys }) => {
      const { tls, ...others } = { tls: {}, ...keys };
      const secured = isTls ? { tls: { ...ca, ...tls } } : {};
      return { id: way, user: userOf(way), auth: way, ...others, ...secured };
    }),
    sinks: [{ maildir: `./archive-${trial}/{account}` }],
    // A session for each message, so that a token is used more than once.
    limits: { accounts: 16, perHost: 16, ...(trial === 'revoked' && { messagesPerSession: 1 }) },
    defaults: { host: '127.0.0.1', port: isTls ? tlsPort : port, security },
  };
  return folder.write(`${trial}.json`, JSON.stringify(job));
}

function outcomeOf(way: string, stdout: string, trace: string): LoginOutcome {
  const events = parseEvents(stdout).filter(({ account }) => account === way);
  const finished = events.find(({ event }) => event === 'account.finished') ?? {};
  const { outcome, failure, hint, counts } = finished;
  const lines = trace.split('\n').filter((line) => line.split(' ')[1] === way);
  const tried = lines.flatMap((line) => / C: (?:AUTH (\S+)|(PASS|APOP) )/.exec(line)?.slice(1, 3) ?? []);
  return {
    outcome,
    hint,
    failure: typeof failure === 'object' ? failure : null,
    archivedNow: typeof counts === 'object' ? { archivedNow: 0, ...counts }.archivedNow : undefined,
    tried: tried.flatMap((name) => name?.toLowerCase().replace('pass', 'user-pass') ?? []),
    trace: lines.join('\n'),
  };
}

/** All that the program wrote, by file; what the test wrote itself names secrets only. */
function filesOf(folder: JobFolder): Record<string, string> {
  return Object.fromEntries(
    folder.files().flatMap((name) => {
      try {
        return [[name, readFileSync(join(folder.path, name), 'latin1')]];
      } catch (thrown) {
        // Another trial beside this one has removed it since.
        if (isNotFound(thrown)) return [];
        throw thrown;
      }
    }),
  );
}

function leaksIn(
  texts: Readonly<Record<string, string>>,
  accounts: Accounts,
  secrets: readonly string[],
): string[] {
  const users = accounts.map(({ way }) => userOf(way));
  const forms = new Set(secrets.flatMap((secret) => users.flatMap((user) => secretForms(user, secret))));
  return Object.entries(texts).flatMap(([name, text]) =>
    [...forms].filter((form) => text.includes(form)).map((form) => `${form} in ${name}`),
  );
}
