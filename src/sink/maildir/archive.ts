/**
 * One account's Maildir, open for writing: plans a batch, gives receipts for what a crash left there, stores the rest.
 */
import { basename, dirname, join } from 'node:path';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { readHead } from '../../message/content.ts';
import { syncFolder } from '../disk.ts';
import { MessageKeys } from '../message-key.ts';
import type {
  JsonValue,
  Proof,
  Receipt,
  SinkArchive,
  SinkJournal,
  StorableMessage,
  StoreOutcome,
  StoreResult,
  Verification,
} from '../sink.ts';
import { isMessageError, sinkError } from '../sink-error.ts';
import { formOctets, storedFormOf } from '../stored-form.ts';
import { setAsideInMaildir } from './aside.ts';
import { MaildirBatch, type MaildirBatchParts } from './batch.ts';
import { findByKey } from './folder.ts';
import { formatUnclaimed, parseUnclaimed, type Unclaimed } from './journal.ts';
import { maildirName, withoutFlags } from './name.ts';
import { verifyInMaildir } from './reader.ts';

export interface MaildirArchiveParts extends MaildirBatchParts {
  readonly accountId: string;
  readonly journal: SinkJournal;
  /** The Maildir held nothing when it was opened. */
  readonly isEmpty: boolean;
  readonly onClose: () => void;
}

interface PlannedMessage {
  readonly key: string;
  readonly base: string;
  readonly storable: StorableMessage;
  readonly message: StorableMessage['message'];
}

export class MaildirArchive implements SinkArchive {
  readonly root: string;
  readonly #parts: MaildirArchiveParts;
  readonly #keys: MessageKeys;
  /** Where messages stand that may have no receipt, by key. */
  #unclaimed: Map<string, string> = new Map();
  #isJournalLost = false;
  /** Nothing of this account can stand in the Maildir: it was empty, nothing was stored since, and nothing noted. */
  #isUntouched: boolean;
  /** The journal as the last batch left it. Another value than that says that the batch was not recorded. */
  #expectedJournal: string | undefined;

  constructor(parts: MaildirArchiveParts) {
    this.root = parts.root;
    this.#parts = parts;
    this.#keys = new MessageKeys(parts.accountId);
    this.#isUntouched = parts.isEmpty;
  }

  async store(batch: readonly StorableMessage[], signal: AbortSignal): Promise<StoreResult> {
    const { journal, failpoint } = this.#parts;
    try {
      const noted = await this.#findUnclaimed();
      const outcomes = new Map<StorableMessage, StoreOutcome>();
      const planned = await this.#plan(batch, outcomes);
      const fresh = await this.#claim(planned, outcomes);
      if (fresh.length > 0) {
        // Where nothing is noted the next run looks at all that is there, and needs no keys for that.
        if (parseUnclaimed(noted) !== 'all') {
          // All of the batch: what has been claimed has no receipt either before the caller records it.
          await journal.write(this.#journalWith(planned));
        }
        this.#isUntouched = false;
        failpoint('sink.maildir.intended');
        await this.#storeFresh(fresh, outcomes, signal);
      }
      const left = this.#journalWith([]);
      this.#expectedJournal = JSON.stringify(left);
      return { outcomes: batch.map((storable) => outcomeOf(storable, outcomes)), journal: left };
    } catch (thrown) {
      this.#expectedJournal = undefined;
      throw sinkError(`store in the Maildir ${this.root}`, thrown);
    }
  }

  verify(receipt: Receipt): Promise<Verification> {
    return verifyInMaildir(this.root, receipt);
  }

  async setAside(receipts: readonly Receipt[]): Promise<void> {
    try {
      await setAsideInMaildir(this.#parts.disk, this.root, receipts);
    } catch (thrown) {
      throw sinkError(`move damaged messages aside in the Maildir ${this.root}`, thrown);
    }
  }

  async close(): Promise<void> {
    this.#parts.onClose();
  }

  /** Looks for what the journal says may stand here without a receipt; where it says nothing, nothing is read. @returns what it says */
  async #findUnclaimed(): Promise<JsonValue | undefined> {
    const noted = this.#parts.journal.read();
    if (this.#expectedJournal !== undefined && JSON.stringify(noted) === this.#expectedJournal) {
      return noted;
    }
    this.#isUntouched &&= noted === undefined;
    const keys: Unclaimed = this.#isUntouched ? new Set() : parseUnclaimed(noted);
    const { prefix } = this.#keys;
    this.#isJournalLost = keys === 'all';
    if (keys === 'all') {
      this.#unclaimed = await findByKey(this.root, (key) => key.startsWith(prefix));
    } else {
      this.#unclaimed = keys.size === 0 ? new Map() : await findByKey(this.root, (key) => keys.has(key));
    }
    return noted;
  }

  async #plan(
    batch: readonly StorableMessage[],
    outcomes: Map<StorableMessage, StoreOutcome>,
  ): Promise<readonly PlannedMessage[]> {
    const planned = new Map<string, PlannedMessage>();
    for (const storable of batch) {
      try {
        const { message } = storable;
        // Waiting only where there is something to wait for: this loop runs for every message.
        const header =
          message.content.kind === 'memory'
            ? message.content.buffer.subarray(0, message.headerOctets)
            : await readHead(message, message.headerOctets);
        const { key, base } = maildirName(this.#keys, storable, header);
        if (planned.has(key)) {
          throw new Error('two messages of a batch have the same unique-id, digest and copy');
        }
        planned.set(key, { key, base, storable, message });
      } catch (thrown) {
        outcomes.set(storable, asOutcome(thrown));
      }
    }
    return [...planned.values()];
  }

  /** Gives receipts for messages that are there already, after comparing their octets. @returns all the others */
  async #claim(
    planned: readonly PlannedMessage[],
    outcomes: Map<StorableMessage, StoreOutcome>,
  ): Promise<readonly PlannedMessage[]> {
    const fresh: PlannedMessage[] = [];
    const folders = new Set<string>();
    for (const plan of planned) {
      const path = this.#unclaimed.get(plan.key);
      const receipt = receiptFor(path === undefined ? plan : { ...plan, base: baseOf(path) }, 'readback');
      const { kind } = path === undefined ? { kind: 'missing' } : await this.verify(receipt);
      if (path === undefined || kind === 'missing') {
        fresh.push(plan);
      } else if (kind === 'intact') {
        folders.add(dirname(path));
        outcomes.set(plan.storable, { kind: 'stored', receipt });
      } else {
        outcomes.set(plan.storable, { kind: 'failed', error: alteredCopy(join(this.root, path)) });
        continue;
      }
      this.#unclaimed.delete(plan.key);
    }
    // The crash may have come before the folder was synced.
    for (const folder of folders) {
      await syncFolder(this.#parts.disk, join(this.root, folder));
      this.#parts.failpoint('sink.maildir.claimed');
    }
    return fresh;
  }

  async #storeFresh(
    fresh: readonly PlannedMessage[],
    outcomes: Map<StorableMessage, StoreOutcome>,
    signal: AbortSignal,
  ): Promise<void> {
    const failures = await new MaildirBatch(this.#parts).store(fresh, signal);
    for (const plan of fresh) {
      const error = failures.get(plan);
      outcomes.set(
        plan.storable,
        error === undefined
          ? { kind: 'stored', receipt: receiptFor(plan, 'synced') }
          : { kind: 'failed', error },
      );
    }
  }

  #journalWith(messages: readonly PlannedMessage[]): JsonValue {
    const isAll = this.#isJournalLost && this.#unclaimed.size > 0;
    return formatUnclaimed(
      isAll ? 'all' : new Set([...this.#unclaimed.keys(), ...messages.map(({ key }) => key)]),
    );
  }
}

/** The name under which a reader finds it again, whatever flags it gets. */
function baseOf(path: string): string {
  return withoutFlags(basename(path));
}

function receiptFor({ base, message }: PlannedMessage, proof: Proof): Receipt {
  return {
    location: `new/${base}`,
    form: storedFormOf(message),
    storedOctets: formOctets(message),
    sha256: message.sha256,
    proof,
    provedAt: Date.now(),
  };
}

function outcomeOf(
  storable: StorableMessage,
  outcomes: ReadonlyMap<StorableMessage, StoreOutcome>,
): StoreOutcome {
  const outcome = outcomes.get(storable);
  if (outcome === undefined) {
    throw new Error('a message of the batch came to no outcome');
  }
  return outcome;
}

function asOutcome(thrown: unknown): StoreOutcome {
  if (isMessageError(thrown)) {
    return { kind: 'failed', error: thrown };
  }
  throw thrown;
}

function alteredCopy(path: string): MailferryError {
  return new MailferryError(`${path} was stored by us before, and its octets were changed since`, {
    code: 'maildir-altered-copy',
    scope: 'message',
    retry: 'never',
    hint: 'Move that file out of the Maildir if the message is to be stored again.',
  });
}
