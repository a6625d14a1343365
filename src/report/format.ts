/**
 * Numbers, times and foreign text as a person reads them. All pure. It must not know of events or streams.
 *
 * Texts of servers and unique-ids are foreign: whatever reaches a screen goes through `printable` first, so that no server
 * can move the cursor, forge a line or set a window title.
 */

/** No foreign text on a screen is longer than this many characters, before the cut by width. */
const LONGEST_FOREIGN_TEXT = 2000;

/** Controls (C0, DEL, C1), formats (bidirectional overrides, joiners, tags), lone surrogates, line and paragraph separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const PLAIN_ASCII = /^[\x20-\x7e]*$/;
const ZERO_WIDTH = /^[\p{Mn}\p{Me}]$/u;
/** East Asian Wide and Fullwidth (Unicode UAX #11), in ranges, and emoji that show as pictures. */
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

/** Foreign text made harmless and one line long: each control becomes visible (`\x1b`, `\n`, `\u{202e}`). Idempotent. */
export function printable(text: string): string {
  const bounded = text.length > LONGEST_FOREIGN_TEXT ? `${text.slice(0, LONGEST_FOREIGN_TEXT - 1)}…` : text;
  return PLAIN_ASCII.test(bounded) ? bounded : bounded.replace(UNPRINTABLE, visibleEscape);
}

function visibleEscape(character: string): string {
  const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
  const code = character.codePointAt(0) ?? 0;
  return (
    named[character] ??
    (code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`)
  );
}

/** Terminal cells that printable text takes: 2 for wide characters, 0 for combining marks. */
export function displayWidth(text: string): number {
  if (PLAIN_ASCII.test(text)) {
    return text.length;
  }
  let width = 0;
  for (const character of text) {
    width += characterWidth(character);
  }
  return width;
}

function characterWidth(character: string): number {
  if (PLAIN_ASCII.test(character)) {
    return 1;
  }
  if (WIDE.test(character)) {
    return 2;
  }
  return ZERO_WIDTH.test(character) ? 0 : 1;
}

/** Printable text cut to at most `width` cells, its end marked by `…`. A flood of combining marks is cut too. */
export function truncate(text: string, width: number): string {
  if (text.length <= width * 4 && displayWidth(text) <= width) {
    return text;
  }
  if (width < 1) {
    return '';
  }
  let kept = '';
  let cells = 0;
  for (const character of text) {
    cells += characterWidth(character);
    if (cells > width - 1 || kept.length + character.length >= width * 4) {
      break;
    }
    kept += character;
  }
  return `${kept}…`;
}

export type Align = 'left' | 'right';

/** Exactly `width` cells: cut or filled with spaces. */
export function fitTo(text: string, width: number, align: Align = 'left'): string {
  const cut = truncate(text, width);
  const filling = ' '.repeat(Math.max(0, width - displayWidth(cut)));
  return align === 'left' ? cut + filling : filling + cut;
}

/** `1234567` → `1,234,567`; fractions are dropped. */
export function formatCount(count: number): string {
  return Math.trunc(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `3 messages`, `1 message`; the plural takes an s unless it is given. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Decimal units, one digit after the point: `999 B`, `1.5 kB`, `20.3 MB`. */
export function formatOctets(octets: number): string {
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  if (octets < 1000) {
    return `${Math.round(octets)} B`;
  }
  let value = octets / 1000;
  let unit = 0;
  // 999,950 would round to "1000.0 kB".
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}

/** `0.4 s`, `12 s`, `3 min 05 s`, `2 h 05 min`, `3 d 04 h`. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 9_950) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  if (seconds < 3600) {
    return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 24 * 60
    ? `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`
    : `${Math.floor(minutes / 1440)} d ${twoDigits(Math.floor((minutes % 1440) / 60))} h`;
}

/** A duration in few cells, for bars: `0:07`, `12:05`, `2:00:13`, `>99 h`. */
export function formatTimeLeft(durationMs: number): string {
  const seconds = Math.ceil(Math.max(0, durationMs) / 1000);
  const hours = Math.floor(seconds / 3600);
  if (hours > 99) {
    return '>99 h';
  }
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = twoDigits(seconds % 60);
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${rest}` : `${minutes}:${rest}`;
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0');
}

/** `85 msg/s`; below ten with one digit after the point. */
export function formatMessageRate(perSecond: number): string {
  return `${perSecond < 9.95 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond))} msg/s`;
}

/** `1.2 MB/s`. */
export function formatOctetRate(perSecond: number): string {
  return `${formatOctets(perSecond)}/s`;
}
