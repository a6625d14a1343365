/**
 * Which part of an archive a verification reads, as people write it. Pure.
 */
import { parseDurationMs } from '../job/units.ts';

/** `10%` or `10` as a share: 0.1. Undefined where the text is none, or not above 0 and up to 100. */
export function parseShare(text: string): number | undefined {
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)\s?%?$/.exec(text)?.[1];
  const share = Number(percent) / 100;
  return share > 0 && share <= 1 ? share : undefined;
}

/** `7d` before now, or a date, or a date with its time, in UTC where no offset is given: milliseconds since 1970. */
export function parseSince(text: string, now: number): number | undefined {
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined) {
    return now - durationMs;
  }
  const [date, time, offset] = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(?::\d\d)?(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? [];
  const instant = date === undefined ? Number.NaN : Date.parse(time && !offset ? `${date}Z` : date);
  // `Date.parse` takes 30 February for 2 March.
  const isReal = date !== undefined && isDay(date.slice(0, 10));
  return isReal && Number.isFinite(instant) ? instant : undefined;
}

function isDay(day: string): boolean {
  const instant = Date.parse(day);
  return Number.isFinite(instant) && new Date(instant).toISOString().startsWith(day);
}
