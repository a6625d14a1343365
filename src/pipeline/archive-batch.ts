/**
 * One batch of whole messages on its way to being archived: identified, stored in every sink at once, receipts recorded in one
 * transaction. The order is the promise: a sink answers only when its octets are durable, the ledger is written only
 * after the sinks, and nothing is told before the ledger is (promises 3 and 8).
 */
import type { Failpoint } from '../errors/failpoint.ts';
import { asMailferryError, MailferryError } from '../errors/mailferry-error.ts';
import type { AccountLedger, MessageRow } from '../ledger/ledger.ts';
import type { Receipt, Sink, SinkAccount, SinkArchive, StorableMessage } from '../sink/sink.ts';
import {
  failuresOf,
  journalsOf,
  type SinkAnswer,
  toFailedEntry,
  toProved,
  toRelisted,
  toStored,
  toUidlChange,
  toUnstored,
} from './batch-entries.ts';
import type { IdentifiedMessage, Identifier } from './identify.ts';
import type { FetchedBatch } from './intake.ts';
import type { Judge } from './judge-failure.ts';
import type { ArrivedFailure, KeptFailure, PartKeeper } from './keep-parts.ts';

export interface BatchResult {
  readonly archived: readonly IdentifiedMessage[];
  /** Archived before; fetching showed it. */
  readonly recognised: readonly IdentifiedMessage[];
  readonly failed: readonly KeptFailure[];
  /** Retrieved, and not durable in every sink: the session must not be committed by a QUIT (promise 6). */
  readonly unarchived: number;
  /** A sink that will take no more; the account stops with it. */
  readonly sinkFailure: MailferryError | undefined;
}

export interface ArchiverOptions {
  readonly account: SinkAccount;
  readonly sinks: readonly Sink[];
  readonly rows: AccountLedger;
  readonly now: () => number;
  readonly identifier: Identifier;
  readonly dropSignal: AbortSignal;
  /** Read back what was written before its receipt counts. */
  readonly isReadingBack: boolean;
  /** Says whose fault a failure is, and whether the message is set aside for it. */
  readonly judge: Judge;
  /** Keeps what arrived of messages that failed. */
  readonly keepParts: PartKeeper;
  readonly failpoint: Failpoint;
}

/** Archives the batches of one account, one after the other. Archives in the sinks open at the first message. */
export class Archiver {
  readonly #options: ArchiverOptions;
  readonly #archives = new Map<string, SinkArchive>();

  constructor(options: ArchiverOptions) {
    this.#options = options;
  }

  /** @throws MailferryError scope run, where the ledger cannot be written: nothing of the batch counts then. */
  async archiveBatch(batch: FetchedBatch): Promise<BatchResult> {
    const { identifier, sinks, rows, judge, keepParts, failpoint } = this.#options;
    const identified = batch.fetched.map((fetched) => identifier.identify(fetched));
    const recognised = identified.filter(({ isArchived }) => isArchived);
    const fresh = identified.filter(({ isArchived }) => !isArchived);
    const answers = new Map<string, SinkAnswer>();
    await Promise.all(sinks.map(async (sink) => answers.set(sink.name, await this.#storeIn(sink, fresh))));
    failpoint('batch.stored');
    const refused = batch.refused.map((each) => judge({ ...each, kind: 'refused' }));
    const failures = this.#judgeUnstored(failuresOf(fresh, answers));
    const failed = await keepParts([...refused, ...failures.values()]);
    await rows.record({
      stored: fresh.flatMap((message) => toStored(message, answers, failures.get(message))),
      failed: [
        ...refused.map(toFailedEntry),
        ...fresh.flatMap((message) => toUnstored(message, answers, failures.get(message))),
      ],
      relisted: recognised.flatMap(toRelisted),
      journals: journalsOf(answers),
      uidlChange: toUidlChange([...recognised, ...fresh.filter((message) => !failures.has(message))]),
    });
    failpoint('batch.recorded');
    return {
      archived: fresh.filter((message) => !failures.has(message)),
      recognised,
      unarchived: failures.size,
      failed,
      sinkFailure: [...answers.values()].find(({ failure }) => failure !== undefined)?.failure,
    };
  }

  #judgeUnstored(
    failures: ReadonlyMap<IdentifiedMessage, MailferryError>,
  ): ReadonlyMap<IdentifiedMessage, ArrivedFailure> {
    const judged = new Map<IdentifiedMessage, ArrivedFailure>();
    for (const [identified, cause] of failures) {
      const { wanted, message, rowId } = identified;
      judged.set(identified, { ...this.#options.judge({ wanted, cause, kind: 'unstored', rowId }), message });
    }
    return judged;
  }

  /**
   * Reads back an archived message whose receipts were only synced, and records the proofs.
   * @returns what a sink did not give back; the row stays unverified then.
   */
  async proveAgain(row: MessageRow): Promise<MailferryError | undefined> {
    const { sinks, rows, now } = this.#options;
    const proved = new Map<string, { root: string; receipt: Receipt }>();
    const receipts = rows.receipts(row.rowId);
    for (const sink of sinks) {
      const placed = receipts.get(sink.name);
      const verification =
        placed === undefined ? undefined : await (await this.#archiveOf(sink)).verify(placed.receipt);
      if (placed === undefined || verification?.kind !== 'intact') {
        return new MailferryError(
          `${sink.name} does not give back an archived message: ${verification === undefined || verification.kind === 'intact' ? 'it has no receipt' : verification.detail}`,
          {
            code: 'sink-readback',
            scope: 'message',
            retry: 'never',
            hint: 'the message stays on the server; `mailferry verify` lists all that is missing or changed',
          },
        );
      }
      proved.set(sink.name, {
        root: placed.root,
        receipt: { ...placed.receipt, proof: 'readback', provedAt: now() },
      });
    }
    await rows.record({ stored: toProved(row, proved) });
    return undefined;
  }

  /** Closes the sinks' archives; all are closed, then the first failure is thrown. */
  async close(): Promise<void> {
    const archives = [...this.#archives.values()];
    this.#archives.clear();
    const closings = await Promise.allSettled(archives.map((archive) => archive.close()));
    for (const closing of closings) {
      if (closing.status === 'rejected') {
        throw closing.reason;
      }
    }
  }

  /** Gives one sink what it does not hold yet. A sink that throws holds nothing of the batch. */
  async #storeIn(sink: Sink, messages: readonly IdentifiedMessage[]): Promise<SinkAnswer> {
    const missing = messages.filter(({ sinks }) => !sinks.includes(sink.name));
    const receipts = new Map<IdentifiedMessage, { root: string; receipt: Receipt }>();
    const failures = new Map<IdentifiedMessage, MailferryError>();
    if (missing.length === 0) {
      return { receipts, failures, journal: undefined, failure: undefined };
    }
    try {
      const archive = await this.#archiveOf(sink);
      const { outcomes, journal } = await archive.store(missing.map(toStorable), this.#options.dropSignal);
      for (const [index, message] of missing.entries()) {
        const outcome = outcomes[index];
        if (outcome?.kind === 'stored') {
          const receipt = assertAbout(message, outcome.receipt, sink);
          // Waiting only where there is something to wait for: this loop runs for every message.
          const isToProve = this.#options.isReadingBack && receipt.proof === 'synced';
          receipts.set(message, {
            root: archive.root,
            receipt: isToProve ? await this.#readBack(archive, receipt, sink) : receipt,
          });
        } else {
          failures.set(message, outcome?.error ?? noOutcome(sink));
        }
      }
      this.#options.failpoint('batch.read-back');
      return { receipts, failures, journal, failure: undefined };
    } catch (thrown) {
      const failure = asMailferryError(thrown, { code: 'sink-unexpected', scope: 'sink', retry: 'never' });
      return {
        receipts: new Map(),
        failures: new Map(missing.map((message) => [message, failure])),
        journal: undefined,
        failure,
      };
    }
  }

  /** A sink that does not give back what it has just taken lies: nothing more is entrusted to it. */
  async #readBack(archive: SinkArchive, receipt: Receipt, sink: Sink): Promise<Receipt> {
    const verification = await archive.verify(receipt);
    if (verification.kind !== 'intact') {
      throw new MailferryError(`${sink.name} does not give back what was stored: ${verification.detail}`, {
        code: 'sink-readback',
        scope: 'sink',
        retry: 'never',
        hint: 'the disk or file system below the sink cannot be trusted; nothing was deleted at the source',
      });
    }
    return { ...receipt, proof: 'readback', provedAt: this.#options.now() };
  }

  async #archiveOf(sink: Sink): Promise<SinkArchive> {
    const { account, rows } = this.#options;
    const open = this.#archives.get(sink.name) ?? (await sink.openArchive(account, rows.journal(sink.name)));
    this.#archives.set(sink.name, open);
    return open;
  }
}

/** A receipt for other octets than those that were given is no receipt. */
function assertAbout({ message }: IdentifiedMessage, receipt: Receipt, sink: Sink): Receipt {
  if (receipt.sha256 !== message.sha256) {
    throw new MailferryError(`the sink ${sink.name} gave a receipt for octets that it was not given`, {
      code: 'sink-wrong-receipt',
      scope: 'sink',
      retry: 'never',
    });
  }
  return receipt;
}

function noOutcome(sink: Sink): MailferryError {
  return new MailferryError(`the sink ${sink.name} said nothing about a message that it was given`, {
    code: 'sink-no-outcome',
    scope: 'message',
    retry: 'never',
  });
}

function toStorable({ wanted, copy, message }: IdentifiedMessage): StorableMessage {
  return { uidl: wanted.uidl, copy, message };
}
