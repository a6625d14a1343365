/**
 * One account's mbox, open for reading alone: verifies messages in their places, and finds what lies between and behind
 * them. It writes nothing and takes no lock.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ExtraMessage, KnownPlace, ReadablePlace, Receipt, SinkReader, Verification } from '../sink.ts';
import { isNotFound, sinkError } from '../sink-error.ts';
import { compareStored, type StoredDigest } from '../stored-file.ts';
import { parseMboxJournal } from './journal.ts';
import { formatLocation, parseLocation } from './location.ts';
import { type Gap, PlaceIndex } from './places.ts';
import { digestRange } from './range.ts';
import { fromLineOffsets } from './tail.ts';

/** What stands between two messages of ours: the end of the last line, an empty line or two, a From_ line. */
const USUAL_GAP = /^\n{0,4}From [^\n]*\n$/;
/** What ends the file behind a message of ours. */
const USUAL_END = /^\n{0,2}$/;
const GAP_LIMIT_OCTETS = 640;
/** Gaps that are looked at before others get their turn. */
const GAPS_IN_A_TURN = 1000;

/** Compares what a receipt says with its range of the file. */
export async function verifyInMbox(path: string, receipt: Receipt): Promise<Verification> {
  const place = parseLocation(receipt.location);
  let found: StoredDigest | undefined;
  try {
    found = place === undefined ? undefined : await digestRange(path, place, receipt.form);
  } catch (thrown) {
    if (!isNotFound(thrown)) {
      throw sinkError(`read the mbox ${path}`, thrown);
    }
  }
  if (place === undefined || found === undefined || (found.octets === 0 && place.octets > 0)) {
    return { kind: 'missing', detail: `${path} holds nothing at ${receipt.location}` };
  }
  return compareStored(found, receipt);
}

export class MboxReader implements SinkReader {
  readonly #place: ReadablePlace;

  constructor(place: ReadablePlace) {
    this.#place = place;
  }

  verify(receipt: Receipt): Promise<Verification> {
    return verifyInMbox(this.#place.root, receipt);
  }

  /** The file's length, then the journal, then the receipts: what a run does meanwhile is in one of the latter two. */
  async *findExtras(known: Iterable<KnownPlace>): AsyncIterable<ExtraMessage> {
    const { root, journal } = this.#place;
    const fd = openIfThere(root);
    if (fd === undefined) {
      return;
    }
    try {
      const { size } = fstatSync(fd);
      const { committed, pending, damaged } = parseMboxJournal(journal.read());
      const places = PlaceIndex.from(known, damaged);
      let gaps = 0;
      for (const gap of places.gaps(pending === undefined ? size : Math.min(size, committed))) {
        yield* extrasIn(fd, gap, places);
        if (++gaps % GAPS_IN_A_TURN === 0) {
          await nextTurn();
        }
      }
    } catch (thrown) {
      throw sinkError(`read the mbox ${root}`, thrown);
    } finally {
      closeSync(fd);
    }
  }

  async close(): Promise<void> {}
}

function* extrasIn(fd: number, gap: Gap, places: PlaceIndex): Generator<ExtraMessage> {
  if (isUsual(fd, gap)) {
    return;
  }
  let before: { readonly start: number; readonly isMessage: boolean } = {
    start: gap.start,
    isMessage: false,
  };
  for (const offset of fromLineOffsets(fd, gap.start, gap.end)) {
    yield* extraBetween(fd, before, offset);
    const bodyOffset = endOfLine(fd, offset, gap.end);
    // The From_ line right before a message of ours is its own, and so is that of a damaged one.
    const isOurs = places.isStart(bodyOffset) || (gap.isBeforeMessage && bodyOffset === gap.end);
    before = isOurs ? { start: gap.end, isMessage: false } : { start: bodyOffset, isMessage: true };
  }
  yield* extraBetween(fd, before, gap.end);
}

/** An mbox does not say who wrote what, so that all of it is told of the account whose file it is. */
function* extraBetween(
  fd: number,
  { start, isMessage }: { readonly start: number; readonly isMessage: boolean },
  end: number,
): Generator<ExtraMessage> {
  if (isMessage || (start < end && !isBlank(fd, start, end))) {
    yield {
      location: formatLocation({ offset: start, octets: end - start }),
      origin: 'own',
      detail: isMessage ? 'a message that has no receipt' : 'something was written behind a message',
    };
  }
}

function isUsual(fd: number, { start, end, isBeforeMessage }: Gap): boolean {
  if (end - start > GAP_LIMIT_OCTETS) {
    return false;
  }
  return (isBeforeMessage ? USUAL_GAP : USUAL_END).test(readText(fd, start, end));
}

function isBlank(fd: number, start: number, end: number): boolean {
  return end - start <= GAP_LIMIT_OCTETS && /^\n*$/.test(readText(fd, start, end));
}

/** Where the line that begins at `offset` has ended; `limit` where it does not. */
function endOfLine(fd: number, offset: number, limit: number): number {
  for (let at = offset; at < limit; at += GAP_LIMIT_OCTETS) {
    const lf = readText(fd, at, Math.min(limit, at + GAP_LIMIT_OCTETS)).indexOf('\n');
    if (lf !== -1) {
      return at + lf + 1;
    }
  }
  return limit;
}

function readText(fd: number, start: number, end: number): string {
  const octets = Buffer.alloc(end - start);
  const read = readSync(fd, octets, 0, octets.length, start);
  return octets.toString('latin1', 0, read);
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (thrown) {
    if (isNotFound(thrown)) {
      return undefined;
    }
    throw sinkError(`read the mbox ${path}`, thrown);
  }
}
