/**
 * The contract of every sink: what takes whole messages and gives receipts. Implementations are beside this file; each
 * passes the suite in test/contract. A sink must not know of servers, ledgers, jobs or of other sinks.
 *
 * Pre- and postconditions, in RFC 2119 words:
 * - `store` MUST NOT resolve before every message with a receipt is durable: its octets synced, and the directory entry
 *   by which it is found synced too (or the object store answered with our checksum).
 * - `store` MUST be safe to repeat after a crash at any instant: a message that was stored but not yet recorded is stored
 *   again with the same (account, uidl, sha256, copy), and afterwards the sink holds it once.
 * - A receipt MUST describe what the sink holds, never what it was asked to hold. "Already there" is a receipt only after
 *   the octets there were compared.
 * - A message whose content is not as long as it says, or has other line ends, MUST come out as failed. Its digest, taken
 *   on the wire side, need not be taken again by `store`: `verify` MUST take it from what the sink holds.
 * - A batch whose receipts were not recorded (the journal does not hold what `store` returned) MUST NOT be there twice
 *   after it is stored again, be it in a later run or through the same archive.
 * - After a failed fsync the file MUST be abandoned and written anew, or the failure thrown; a second fsync is not believed.
 * - A failure of one message is an outcome; a failure that would meet the next message as well (disk full, read-only,
 *   locked) MUST be thrown with scope `sink` or `account`. After a throw nothing of the batch counts as stored.
 * - `store` is called for one batch at a time per archive; archives of different accounts run at the same time.
 * - Reading (`openReader`) MUST NOT make, mend, lock or change anything, so that it may go on beside a run.
 */
import type { MailferryError } from '../errors/mailferry-error.ts';
import type { Message } from '../message/message.ts';

/** Anything that survives JSON: what a sink may put into its journal. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** `exact`: the wire octets. `lf`: each CRLF became LF; reading it back turns each LF into CRLF. */
export type StoredForm = 'exact' | 'lf';

/**
 * How the sink knows. `synced`: written and synced without an error. `readback`: opened by its final name, read, un-quoted,
 * hashed. `checksum`: the store answered with our SHA-256. Only the last two are verified.
 */
export type Proof = 'synced' | 'readback' | 'checksum';

/** A sink's proof that it holds one message. */
export interface Receipt {
  /** Where, relative to the archive's root, in the sink's own notation (a file name, an offset and length, a key). */
  readonly location: string;
  readonly form: StoredForm;
  /** Octets that it takes in the sink, quoting included, separators not. */
  readonly storedOctets: number;
  /** SHA-256 of the wire form that this receipt stands for: 64 hex digits. */
  readonly sha256: string;
  readonly proof: Proof;
  /** When it was proved: milliseconds since 1970, UTC. */
  readonly provedAt: number;
}

export interface StorableMessage {
  /** The unique-id as the server gave it, one character per octet (latin1); may be empty, long or hostile. */
  readonly uidl: string;
  /** 0 for the first message with this (account, uidl, sha256), 1 for the next: equal messages are different messages. */
  readonly copy: number;
  readonly message: Message;
}

export type StoreOutcome =
  | { readonly kind: 'stored'; readonly receipt: Receipt }
  | { readonly kind: 'failed'; readonly error: MailferryError };

export interface StoreResult {
  /** One per message of the batch, in its order. */
  readonly outcomes: readonly StoreOutcome[];
  /** What the journal shall hold from now on; the caller records it in the same transaction as the receipts. */
  readonly journal?: JsonValue;
}

/**
 * A small durable note of the sink's own, per account, kept by the caller. It lets a sink declare what it is about to do,
 * so that after a crash it can tell its own unfinished work from somebody else's.
 */
export interface SinkJournal {
  /** The last value recorded, or undefined before the first. */
  read(): JsonValue | undefined;
  /** Resolves when the value is durable. */
  write(value: JsonValue): Promise<void>;
}

export interface SinkAccount {
  /** The job's id of the account; may hold any character. */
  readonly id: string;
  readonly host: string;
  readonly user: string;
}

export type Verification =
  | { readonly kind: 'intact' }
  | { readonly kind: 'missing'; readonly detail: string }
  | { readonly kind: 'changed'; readonly detail: string };

/** One account's place in a sink, open for writing. It is locked for as long as it is open. */
export interface SinkArchive {
  /** What receipts' locations are relative to: an absolute path, or a URL without secrets. */
  readonly root: string;
  /** Stores a batch durably. @throws MailferryError scope `sink` or `account`: nothing of the batch is stored. */
  store(batch: readonly StorableMessage[], signal: AbortSignal): Promise<StoreResult>;
  /** Reads back what a receipt names, turns it into the wire form and compares. Changes nothing. */
  verify(receipt: Receipt): Promise<Verification>;
  /**
   * Prepares that messages which the archive does not hold as these receipts say are stored anew: what stands in their way
   * is moved aside, durably, and is not taken for a message of the archive any more. It is never deleted. Absent where
   * nothing can stand in the way, or where the store lets nothing be moved.
   */
  setAside?(receipts: readonly Receipt[]): Promise<void>;
  /** Releases locks and handles. Idempotent. */
  close(): Promise<void>;
}

/** A receipt's location as verification found it. */
export interface KnownPlace {
  readonly location: string;
  /** It does not hold what the receipt says. */
  readonly isDiffering: boolean;
}

/** Something in an archive that no receipt names. */
export interface ExtraMessage {
  /** In the notation of receipts where it is one, else what leads a person there. */
  readonly location: string;
  /** `own`: stored by us; `foreign`: put there by another program; it shows for every account that shares the place. */
  readonly origin: 'own' | 'foreign';
  readonly detail: string;
}

/** One account's place in a sink, open for reading, beside whoever writes there. */
export interface SinkReader {
  /** As `SinkArchive.verify`. @throws MailferryError where it cannot be read, which is no difference. */
  verify(receipt: Receipt): Promise<Verification>;
  /**
   * Everything there that is not among `known`, which gives at each iteration what is recorded then. What a batch in progress
   * (or one that a crash interrupted) has announced in the journal is left out: a run settles it. Takes a few octets of memory
   * for each known place. Absent where the sink cannot list what it holds.
   * @throws MailferryError `sink-cannot-list` where it may not.
   */
  findExtras?(known: Iterable<KnownPlace>): AsyncIterable<ExtraMessage>;
  close(): Promise<void>;
}

/** Where an account's archive is, for reading. */
export interface ReadablePlace {
  readonly accountId: string;
  /** As the receipts were recorded with, wherever the job would store today. */
  readonly root: string;
  readonly journal: Pick<SinkJournal, 'read'>;
}

export interface Sink {
  /** Stable within a job over its runs (`maildir:./archive/{account}`); receipts are recorded under it. */
  readonly name: string;
  /**
   * Opens one account's archive: makes folders, takes the lock, mends what a crash left behind. Archives open lazily, at
   * the first message to be stored, so that a run with nothing new touches nothing.
   * @throws MailferryError scope `account` (locked, damaged by others) or `sink` (not writable).
   */
  openArchive(account: SinkAccount, journal: SinkJournal): Promise<SinkArchive>;
  /** Opens an archive for reading alone; one that is gone holds nothing. @throws MailferryError scope `account` or `sink`. */
  openReader(place: ReadablePlace): Promise<SinkReader>;
  /** Releases what the sink holds beyond its archives (connections). Idempotent. */
  close(): Promise<void>;
}
