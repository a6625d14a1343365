/**
 * What must be true of the quarantine folder after a run that nothing disturbed, read by its names and notes as a person
 * does: what is kept is of a message that is still in trouble, one part at most with one note, and nothing else is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Identity {
  readonly account: string;
  readonly uidl: string;
  readonly listedOctets: number | null;
}

/** @returns what is wrong; empty where nothing is */
export function judgeQuarantine(place: string, troubled: readonly Identity[]): string[] {
  const files = existsSync(place)
    ? readdirSync(place, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [];
  const notes = files.filter((path) => path.endsWith('.json'));
  const expected = new Set([...notes, ...notes.map((path) => path.replace(/json$/, 'part'))]);
  const strangers = files.filter((path) => !expected.has(path));
  const known = new Set(troubled.map(textOf));
  const kept = notes.map((path) => textOf(JSON.parse(readFileSync(path, 'utf8'))));
  const well = kept.filter((identity) => !known.has(identity));
  return [
    ...(strangers.length > 0 ? [`in quarantine without a note: ${strangers.join(', ')}`] : []),
    ...(new Set(kept).size < kept.length ? [`in quarantine twice: ${kept.join(', ')}`] : []),
    ...(well.length > 0 ? [`in quarantine and not in trouble: ${well.join(', ')}`] : []),
  ];
}

function textOf({ account, uidl, listedOctets }: Identity): string {
  return JSON.stringify([account, uidl, listedOctets]);
}
