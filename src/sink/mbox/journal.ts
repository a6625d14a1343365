/**
 * What an mbox notes in its journal: how far it holds recorded messages, and what is being appended. Before the first octet of
 * a batch is written, its end and its From_ lines are durable here; in one transaction with the receipts the new length
 * takes their place.
 */
import { hash } from 'node:crypto';
import type { JsonValue } from '../sink.ts';

/** Damaged messages that are noted. In an mbox with more of them nothing is gained by knowing each. */
const MOST_DAMAGED = 10_000;

/** Hex digits that tell one From_ line from another. */
const CHECK_DIGITS = 8;

export interface MboxJournal {
  /** Length of the file up to which every message of ours has a receipt. */
  readonly committed: number;
  /** The batch that was being appended behind it, if any. */
  readonly pending: PendingAppend | undefined;
  /** Where messages begin that were damaged and are stored anew elsewhere; they stay, and count as nobody's. */
  readonly damaged: readonly number[];
}

export interface PendingAppend {
  /** Length that the file gets. */
  readonly end: number;
  /** The From_ lines of the batch, in their order. */
  readonly fromLines: readonly AnnouncedLine[];
}

export interface AnnouncedLine {
  /** Where it begins. */
  readonly offset: number;
  /** What `lineCheck` gives for it. */
  readonly check: string;
}

/** A short digest of a From_ line, without its LF. */
export function lineCheck(line: string): string {
  return hash('sha256', Buffer.from(line, 'latin1'), 'hex').slice(0, CHECK_DIGITS);
}

export function formatMboxJournal({ committed, pending, damaged }: MboxJournal): JsonValue {
  const noted = damaged.length === 0 ? {} : { damaged: damaged.slice(0, MOST_DAMAGED) };
  if (pending === undefined) {
    return { committed, ...noted };
  }
  const fromLines = pending.fromLines.map(({ offset, check }) => [offset, check]);
  return { committed, pending: { end: pending.end, fromLines }, ...noted };
}

/** A journal that is not there, or that is not ours to understand, claims nothing: whatever is in the file stays. */
export function parseMboxJournal(value: JsonValue | undefined): MboxJournal {
  const { committed, pending, damaged } = asRecord(value);
  return {
    committed: isOffset(committed) ? committed : 0,
    pending: parsePending(pending),
    damaged: isList(damaged) ? damaged.filter(isOffset) : [],
  };
}

function parsePending(value: JsonValue | undefined): PendingAppend | undefined {
  const { end, fromLines } = asRecord(value);
  if (!isOffset(end) || !isList(fromLines)) {
    return undefined;
  }
  return { end, fromLines: fromLines.flatMap(parseLine) };
}

function parseLine(value: JsonValue): AnnouncedLine[] {
  const [offset, check] = isList(value) ? value : [];
  return isOffset(offset) && typeof check === 'string' ? [{ offset, check }] : [];
}

function asRecord(value: JsonValue | undefined): { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !isList(value) ? value : {};
}

/** `Array.isArray` does not narrow a readonly list. */
function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
