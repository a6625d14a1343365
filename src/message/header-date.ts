/**
 * Dates of mail headers (RFC 5322 §3.3, obsolete forms §4.3) as instants, as tolerantly as can be done without guessing.
 */

/** Longest text looked at; no date is longer, comments included. */
const TEXT_LIMIT = 512;

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

/** Hours east of UTC (RFC 5322 §4.3); every other name says nothing certain and counts as UTC. */
const ZONE_HOURS: ReadonlyMap<string, number> = new Map([
  ['edt', -4],
  ['est', -5],
  ['cdt', -5],
  ['cst', -6],
  ['mdt', -6],
  ['mst', -7],
  ['pdt', -7],
  ['pst', -8],
]);

const TIME = String.raw`(?<hour>\d{1,2})\s*:\s*(?<minute>\d{1,2})(?:\s*:\s*(?<second>\d{1,2}))?(?:\.\d{1,9})?`;
const ZONE = String.raw`(?<zone>[+-]\s?\d{2}:?\d{2}|[a-z]{1,5})?`;
/** `Fri, 21 Nov 1997 09:55:06 -0600` and what resembles it (RFC 5322 §3.3). */
const MAIL_DATE = new RegExp(
  String.raw`(?<day>\d{1,2})[\s-]+(?<month>[a-z]{3})[a-z]*\.?[\s,-]+(?<year>\d{2,4}),?\s+${TIME}\s*${ZONE}`,
);
/** `Fri Nov 21 09:55:06 1997`, as C's asctime writes it. */
const ASCTIME_DATE = new RegExp(
  String.raw`(?<month>[a-z]{3})\s+(?<day>\d{1,2})\s+${TIME}\s+(?:[a-z]{1,5}\s+)?(?<year>\d{4})(?<zone>\s*$)?`,
);

/** The instant that a Date field names, in milliseconds since 1970 UTC; undefined where it cannot be read. Never throws. */
export function parseDate(value: string): number | undefined {
  const text = withoutComments(value.slice(0, TEXT_LIMIT)).toLowerCase();
  const parts = (MAIL_DATE.exec(text) ?? ASCTIME_DATE.exec(text))?.groups;
  if (parts === undefined) {
    return undefined;
  }
  const local = localTime(parts);
  return local === undefined ? undefined : local - zoneMinutes(parts['zone'] ?? '') * 60_000;
}

/** The instant in a Received field: what stands behind its last semicolon (RFC 5321 §4.4). Never throws. */
export function parseReceivedDate(value: string): number | undefined {
  return parseDate(value.slice(value.lastIndexOf(';') + 1));
}

/** Comments nest (RFC 5322 §3.2.2); each becomes a space. One that is never closed reaches to the end. */
function withoutComments(text: string): string {
  if (!text.includes('(')) {
    return text;
  }
  let depth = 0;
  let out = '';
  for (const character of text) {
    if (character === '(') {
      depth++;
      out += ' ';
    } else if (character === ')' && depth > 0) {
      depth--;
    } else if (depth === 0) {
      out += character;
    }
  }
  return out;
}

function localTime(parts: Readonly<Record<string, string | undefined>>): number | undefined {
  const month = MONTHS.indexOf(parts['month'] ?? '');
  const day = Number(parts['day'] ?? 0);
  const hour = Number(parts['hour'] ?? 0);
  const minute = Number(parts['minute'] ?? 0);
  const second = Number(parts['second'] ?? 0);
  // A leap second is written as 60 and counted as the second after it.
  if (month < 0 || hour > 23 || minute > 59 || second > 60) {
    return undefined;
  }
  const date = new Date(0);
  date.setUTCFullYear(fullYear(parts['year'] ?? ''), month, day);
  if (date.getUTCDate() !== day) {
    return undefined;
  }
  return date.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

/** RFC 5322 §4.3: 00 to 49 are 2000 to 2049; 50 to 99, and any three digits, count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 2) {
    return year < 50 ? 2000 + year : 1900 + year;
  }
  return digits.length === 3 ? 1900 + year : year;
}

function zoneMinutes(zone: string): number {
  const digits = /^([+-])\s?(\d{2}):?(\d{2})$/.exec(zone);
  if (digits === null) {
    return (ZONE_HOURS.get(zone.trim()) ?? 0) * 60;
  }
  const minutes = Number(digits[2]) * 60 + Number(digits[3]);
  return digits[1] === '-' ? -minutes : minutes;
}
