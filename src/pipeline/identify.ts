/**
 * Finds the row of a fetched message: by its unique-id where that is an identity, else by its octets. Identity is (account,
 * unique-id, SHA-256, copy): equal messages under one unique-id are counted, so that each is archived once (promise 9).
 */
import type { AccountLedger, MessageRow } from '../ledger/ledger.ts';
import type { WantedMessage } from './classify-listing.ts';
import type { UidlSurvey } from './find-renamed.ts';
import type { FetchedMessage } from './intake.ts';

export interface IdentifiedMessage extends FetchedMessage {
  /** The row that it continues; undefined where it is new. */
  readonly rowId: number | undefined;
  readonly copy: number;
  /** Sinks that hold it already. */
  readonly sinks: readonly string[];
  /** Archived in every sink before: only the listing has changed. */
  readonly isArchived: boolean;
  /** It was archived under another unique-id, which is not listed any more. */
  readonly isRenamed: boolean;
}

const NO_SINKS = [] as const;

/** Counts how often each identity was met in this session: the n-th of equal messages is copy n. */
export class Identifier {
  readonly #rows: Pick<AccountLedger, 'rows' | 'rowsByDigest' | 'unreadRows'>;
  readonly #isUnlisted: UidlSurvey['isUnlisted'];
  readonly #met = new Map<string, number>();
  /** Rows that a message of this session stands for. */
  readonly #taken = new Set<number>();

  /**
   * @param recognised rows that stand for messages of this listing that were not fetched.
   * @param isUnlisted where unique-ids may have changed: whether the listing does not account for a row.
   */
  constructor(
    rows: Pick<AccountLedger, 'rows' | 'rowsByDigest' | 'unreadRows'>,
    recognised: readonly Pick<MessageRow, 'uidl' | 'sha256'>[],
    isUnlisted?: UidlSurvey['isUnlisted'],
  ) {
    this.#rows = rows;
    this.#isUnlisted = isUnlisted;
    for (const { uidl, sha256 } of recognised) {
      if (sha256 !== null) {
        this.#meet(uidl, sha256);
      }
    }
  }

  identify(fetched: FetchedMessage): IdentifiedMessage {
    const { wanted, message } = fetched;
    if (wanted.kind === 'new') {
      return {
        wanted,
        message,
        rowId: undefined,
        copy: 0,
        sinks: NO_SINKS,
        isArchived: false,
        isRenamed: false,
      };
    }
    const copy = this.#meet(wanted.uidl, message.sha256);
    const equal = this.#rows.rowsByDigest(message.sha256).filter(({ rowId }) => !this.#taken.has(rowId));
    const row =
      equal.find((candidate) => candidate.uidl === wanted.uidl && candidate.copy === copy) ??
      equal.find((candidate) => this.#isUnlisted?.(candidate) === true) ??
      this.#unread(wanted);
    if (row !== undefined) {
      this.#taken.add(row.rowId);
    }
    return {
      wanted,
      message,
      rowId: row?.rowId,
      copy,
      sinks: row?.sinks ?? [],
      isArchived: row?.isComplete === true,
      isRenamed: row !== undefined && row.uidl !== wanted.uidl,
    };
  }

  /**
   * The row of a message that was listed and never fetched whole: it has no octets to compare with. What has no unique-id of its
   * own continues any such row of its size, once, so that a failure does not stay behind when its message got well.
   */
  #unread({ kind, uidl, listedOctets, rowId }: WantedMessage): MessageRow | undefined {
    const candidates = kind === 'ambiguous' ? this.#rows.unreadRows(uidl, listedOctets) : [rowId];
    const free = candidates.find((id) => id !== undefined && !this.#taken.has(id));
    const [row] = free === undefined ? [] : this.#rows.rows([free]);
    return row?.sha256 === null ? row : undefined;
  }

  #meet(uidl: string, sha256: string): number {
    const key = `${sha256} ${uidl}`;
    const copy = this.#met.get(key) ?? 0;
    this.#met.set(key, copy + 1);
    return copy;
  }
}
