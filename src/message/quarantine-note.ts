/**
 * The note beside what is kept of a message that failed: written for people, and read by `status`. Also where nothing of the
 * message arrived it says why.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type FailedIdentity,
  folderNameOf,
  keyOf,
  NOTE_SUFFIX,
  PART_SUFFIX,
  parseName,
} from './quarantine-names.ts';
import type { ReceivedPart } from './received-part.ts';

export interface QuarantineNote {
  readonly reason: { readonly code: string; readonly text: string };
  /** What the server said, where it refused the message: the text behind `-ERR` (latin1). */
  readonly serverText: string | null;
  /** Runs in which it failed so far. */
  readonly attempts: number;
  /** Whether all of the message arrived, and it was a sink that would not have it. */
  readonly isWhole: boolean;
  /** Milliseconds since 1970. */
  readonly firstSeenAt: number;
  readonly failedAt: number;
}

/** What `status` says of a message that is kept apart. */
export interface KeptPart {
  readonly notePath: string;
  /** Null where nothing arrived. */
  readonly partPath: string | null;
  /** Null where the note cannot be read. */
  readonly receivedOctets: number | null;
}

export function renderNote(
  note: QuarantineNote,
  { account, uidl, listedOctets }: FailedIdentity,
  { octets, head, tail }: ReceivedPart,
  file: string | null,
): string {
  const ranges = [
    { start: 0, octets: head.length },
    { start: octets - tail.length, octets: tail.length },
  ].filter((range) => range.octets > 0);
  const text = {
    what: 'what arrived of a message that mailferry could not archive; it is not the message',
    account,
    uidl,
    listedOctets,
    receivedOctets: octets,
    isWhole: note.isWhole,
    file,
    ranges,
    reason: note.reason,
    serverText: note.serverText,
    attempts: note.attempts,
    firstSeenAt: new Date(note.firstSeenAt).toISOString(),
    failedAt: new Date(note.failedAt).toISOString(),
  };
  return `${JSON.stringify(text, null, 2).replace(UNSAFE_IN_TERMINALS, escapeUnit)}\n`;
}

/** JSON escapes C0 by itself; DEL and C1 would still steer the terminal of whoever looks at the note. */
const UNSAFE_IN_TERMINALS = /[\u007f-\u009f]/g;

function escapeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Looks up what is kept of messages, beside a running job. Each account's folder is read once, at the first of its messages.
 * What cannot be read counts as not kept: who asks goes on without.
 */
export function keptIn(folder: string): (message: FailedIdentity) => KeptPart | undefined {
  const places = new Map<string, ReadonlyMap<string, KeptNames>>();
  return (message) => {
    const place = join(folder, folderNameOf(message.account));
    const names = places.get(place) ?? readPlace(place);
    places.set(place, names);
    const found = names.get(keyOf(message));
    return found === undefined ? undefined : describeKept(place, found);
  };
}

interface KeptNames {
  readonly note: string;
  readonly hasPart: boolean;
}

/** The latest note of each message, by the key of its name. */
function readPlace(place: string): ReadonlyMap<string, KeptNames> {
  const latest = new Map<string, KeptNames>();
  try {
    const names = new Set(readdirSync(place).sort());
    for (const note of names) {
      const parsed = parseName(note);
      if (parsed?.kind === 'json') {
        latest.set(parsed.key, { note, hasPart: names.has(`${parsed.stem}${PART_SUFFIX}`) });
      }
    }
  } catch {
    // No folder, as a rule.
  }
  return latest;
}

function describeKept(place: string, { note, hasPart }: KeptNames): KeptPart {
  const notePath = join(place, note);
  return {
    notePath,
    partPath: hasPart ? notePath.slice(0, -NOTE_SUFFIX.length) + PART_SUFFIX : null,
    receivedOctets: readReceived(notePath),
  };
}

function readReceived(path: string): number | null {
  try {
    const note: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof note === 'object' &&
      note !== null &&
      'receivedOctets' in note &&
      typeof note.receivedOctets === 'number'
      ? note.receivedOctets
      : null;
  } catch {
    // A later attempt has taken its place meanwhile.
    return null;
  }
}
