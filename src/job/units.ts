/**
 * Durations and sizes as people write them. Pure; must not know where a text came from nor what it limits.
 */

const MS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
  ['w', 604_800_000],
]);

const OCTETS_PER_UNIT: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1_000],
  ['mb', 1_000_000],
  ['gb', 1_000_000_000],
  ['tb', 1_000_000_000_000],
  ['kib', 1_024],
  ['mib', 1_048_576],
  ['gib', 1_073_741_824],
  ['tib', 1_099_511_627_776],
]);

/** What a duration looks like, as a source for a regular expression (also in the JSON Schema). */
export const DURATION_PATTERN = '^[0-9]+ ?(ms|s|m|h|d|w)$';

/** What a size looks like when it is a text. Units in any case; `MB` is 1,000,000 octets, `MiB` 1,048,576. */
export const SIZE_PATTERN = '^[0-9]+ ?([kKmMgGtT]?[iI]?[bB])?$';

/**
 * `30d`, `12h`, `5m`, `60s`, `250ms`, `1w` in milliseconds. A unit is required: a bare number has been read as seconds by some
 * tools and as milliseconds by others.
 * @returns undefined where the text is no duration or is too large to be counted exactly.
 */
export function parseDurationMs(text: string): number | undefined {
  return parseAmount(text, MS_PER_UNIT);
}

/** What a time of retention looks like: whole days or longer. */
export const RETENTION_PATTERN = '^[0-9]+ ?(d|w|y)$';

/** A year of retention has 366 days, so that a lock never ends before the calendar says so. */
const DAYS_PER_YEAR = 366;

/** `30d`, `52w`, `7y` in milliseconds. @returns undefined as `parseDurationMs` does. */
export function parseRetentionMs(text: string): number | undefined {
  const years = /^([0-9]{1,4}) ?y$/.exec(text)?.[1];
  return parseDurationMs(years === undefined ? text : `${Number(years) * DAYS_PER_YEAR}d`);
}

/**
 * `4096`, `50MB`, `10MiB` in octets.
 * @returns undefined where the text is no size or is too large to be counted exactly.
 */
export function parseOctets(text: string): number | undefined {
  return parseAmount(text, OCTETS_PER_UNIT);
}

/** What a rate looks like: a size with `/s` behind it. */
export const RATE_PATTERN = '^[0-9]+ ?([kKmMgG]?[iI]?[bB])/s$';

/** `10MB/s`, `512KiB/s` in octets per second. Never bits: `Mb/s` is read as megabytes, as every size is. */
export function parseRate(text: string): number | undefined {
  return parseOctets(text.replace(/\/s$/, ''));
}

function parseAmount(text: string, units: ReadonlyMap<string, number>): number | undefined {
  const match = /^([0-9]{1,16}) ?([a-z]*)$/i.exec(text);
  const perUnit = units.get(match?.[2]?.toLowerCase() ?? '?');
  if (match === null || perUnit === undefined) {
    return undefined;
  }
  const amount = Number(match[1]) * perUnit;
  return Number.isSafeInteger(amount) ? amount : undefined;
}
