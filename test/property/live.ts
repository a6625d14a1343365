/** Lives one random life of a job against a real server, real archives and a real ledger, under the eyes of the oracle. */
import { join } from 'node:path';
import { asReceived } from '../../src/demo/dot-stuffing.ts';
import type { Mailbox, MailboxEntry } from '../../src/demo/mailbox.ts';
import { noUidl } from '../../src/demo/misbehaviour.ts';
import type { Failpoint } from '../../src/errors/failpoint.ts';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import type { DeletionRules } from '../../src/pipeline/decide-deletion.ts';
import { MaildirSink } from '../../src/sink/maildir/maildir-sink.ts';
import { MboxSink } from '../../src/sink/mbox/mbox-sink.ts';
import type { Sink } from '../../src/sink/sink.ts';
import { JobBed } from '../support/job-bed.ts';
import { Oracle } from '../support/oracle.ts';
import { type Change, contentOf, FAULTS, type LifeModel, type RunModel, toInput } from './model.ts';

const ACCOUNT = 'alice';
export const DELETE_ALL: DeletionRules = {
  ageMs: 0,
  max: undefined,
  maxPercent: undefined,
  keepNewest: undefined,
  keepForMs: undefined,
  keepBelowOctets: undefined,
};

/** @returns what the oracle found wrong; empty where every promise was kept */
export async function live(model: LifeModel): Promise<readonly string[]> {
  const { mail, runs, pipeline, batch, attempts, hasUidl } = model;
  const users = [{ name: ACCOUNT, password: 'secret', messages: mail.map(toInput) }];
  await using bed = await JobBed.make({ users });
  const oracle = new Oracle({
    folder: bed.folder,
    server: bed.server,
    accounts: [ACCOUNT],
    sinks: 2,
    hasUidl,
  });
  const server = [oracle.watcher, ...(hasUidl ? [] : [noUidl()])];
  const options = {
    pipeline,
    batch: { messages: batch, octets: 4 * 1024 * 1024 },
    timeoutMs: 2_000,
    maxAttempts: attempts,
  };
  for (const run of runs) {
    for (const change of run.before) {
      applyChange(bed.server.mailbox(ACCOUNT), change);
    }
    oracle.see();
    bed.server.misbehaviour.on(
      ...server,
      ...run.faults.map(({ kind, nth, times }) => FAULTS[kind](nth, times)),
    );
    await runOnce(bed, oracle, run, options);
    bed.server.misbehaviour.allOff();
    oracle.checkAlways();
  }
  bed.server.misbehaviour.on(...server);
  // The first run may still meet what it has to mend, and without unique-ids only the session that proved may delete. What
  // was set aside is fetched again, since nothing is wrong with it any more.
  for (const rules of [undefined, DELETE_ALL, DELETE_ALL]) {
    await runOnce(
      bed,
      oracle,
      { before: [], faults: [], failsAt: undefined, stopsAt: undefined, isRetrying: true, rules },
      options,
    );
    oracle.checkSettled();
  }
  return oracle.violations;
}

async function runOnce(
  bed: JobBed,
  oracle: Oracle,
  { failsAt, stopsAt, isRetrying, rules }: RunModel,
  options: Parameters<JobBed['run']>[0],
): Promise<void> {
  const stop = new AbortController();
  const failpoint = strikeAt(failsAt, stopsAt, stop);
  try {
    const { accounts } = await bed.run({
      ...options,
      sinks: openSinks(bed.folder, failpoint),
      failpoint,
      stopSignal: stop.signal,
      isReadingBack: rules !== undefined,
      deletion: rules,
      isRetryingQuarantined: isRetrying,
    });
    for (const { counts } of accounts) {
      oracle.checkArithmetic(counts);
    }
  } catch (thrown) {
    // A ledger that cannot be written ends the run; anything that is not the fault we asked for is a defect.
    if (!isAskedFor(thrown)) {
      throw thrown;
    }
  }
}

/** Fresh ones for each run, as a process has them. */
function openSinks(folder: string, failpoint: Failpoint): readonly Sink[] {
  return [
    new MaildirSink({ name: 'maildir:', pathFor: ({ id }) => join(folder, 'maildir', id), failpoint }),
    new MboxSink({
      name: 'mbox:',
      pathFor: ({ id }) => join(folder, 'mbox', `${id}.mbox`),
      patienceMs: 0,
      failpoint,
    }),
  ];
}

/** From the n-th step on nothing succeeds any more, as if the process were gone and only its clean-up went on. */
function strikeAt(
  failsAt: number | undefined,
  stopsAt: number | undefined,
  stop: AbortController,
): Failpoint {
  let passed = 0;
  return (name) => {
    passed += 1;
    if (passed === stopsAt) {
      stop.abort();
    }
    if (failsAt !== undefined && passed >= failsAt) {
      throw new MailferryError(`failed at ${name}`, { code: 'failpoint', scope: 'run', retry: 'later' });
    }
  };
}

function isAskedFor(thrown: unknown): boolean {
  return thrown instanceof MailferryError && thrown.code === 'failpoint';
}

function applyChange(mailbox: Mailbox, change: Change): void {
  if (change.kind === 'arrives') {
    mailbox.append(toInput(change.message));
    return;
  }
  mailbox.replaceEntries((entries) => {
    const position = change.at % entries.length;
    const entry = entries[position];
    return entry === undefined
      ? entries
      : entries.flatMap((one, index) => (index === position ? changed(entry, change) : [one]));
  });
}

function changed(entry: MailboxEntry, change: Exclude<Change, { kind: 'arrives' }>): readonly MailboxEntry[] {
  switch (change.kind) {
    case 'vanishes':
      return [];
    case 'is renamed':
      // Under its true size: two that are equal in unique-id and octets and not in size are beyond what is promised.
      return [{ ...entry, octets: asReceived(contentAt(entry)).length, uidl: change.uidl }];
    case 'gives its unique-id to':
      return giveUidl(entry, contentOf(change.text));
    case 'is listed larger':
      return entry.uidl.startsWith('demo-') ? [{ ...entry, octets: entry.octets + change.by }] : [entry];
  }
}

function contentAt({ content }: MailboxEntry): Buffer {
  if (!Buffer.isBuffer(content)) {
    throw new Error('the messages of this model are buffers');
  }
  return content;
}

/** RFC 1939 §7 forbids it. Of the same size it cannot be told without fetching, so that is left out. */
function giveUidl(entry: MailboxEntry, content: Buffer): readonly MailboxEntry[] {
  const octets = asReceived(content).length;
  return octets === entry.octets ? [entry] : [{ uidl: entry.uidl, octets, content }];
}
