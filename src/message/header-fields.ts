/**
 * First values of a few header fields, for what needs no more than a sender or a date. It is no mail parser: nothing is
 * decoded, no structure is understood. It never throws, reads each octet at most once or twice, and keeps a bounded part
 * of each value, so that hostile mail costs no more than its length.
 */

/** Octets kept of one value; what follows is read over. */
const VALUE_LIMIT_OCTETS = 4096;

const LF = 10;
const TAB = 9;
const SPACE = 32;
const COLON = 58;
/** The bit that tells lower from upper case in ASCII letters. */
const LOWER_CASE = 0x20;

/**
 * The first value of each named field in a header block (RFC 5322 §2.2; white space before the colon is allowed, §4.5).
 * @param names lower-case field names
 * @returns by name, one character per octet, unfolded (§2.2.3), without white space around it; fields that are not there
 * are not there
 */
export function readFields(block: Buffer, names: readonly string[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  let start = 0;
  while (start < block.length && found.size < names.length) {
    const field = fieldAt(block, start, names, found);
    const end = field === undefined ? lineEnd(block, start) : fieldEnd(block, start);
    if (field !== undefined) {
      found.set(field.name, valueText(block, field.colon + 1, end));
    }
    start = end;
  }
  return found;
}

/** Which of the fields that are still looked for begins at `start`. */
function fieldAt(
  block: Buffer,
  start: number,
  names: readonly string[],
  found: ReadonlyMap<string, string>,
): { readonly name: string; readonly colon: number } | undefined {
  const first = (block[start] ?? 0) | LOWER_CASE;
  for (const name of names) {
    // The first letter sorts out nearly all lines.
    if (name.charCodeAt(0) === first && !found.has(name)) {
      const colon = nameEnd(block, start, name);
      if (colon !== -1) {
        return { name, colon };
      }
    }
  }
  return undefined;
}

/** Where the colon of the field is, if the line at `start` is that field's first; else -1. */
function nameEnd(block: Buffer, start: number, name: string): number {
  for (let i = 0; i < name.length; i++) {
    if (((block[start + i] ?? 0) | LOWER_CASE) !== name.charCodeAt(i)) {
      return -1;
    }
  }
  let at = start + name.length;
  const limit = at + 64;
  while (at < limit && isBlank(block[at])) {
    at++;
  }
  return block[at] === COLON ? at : -1;
}

/** Where the line after the one at `start` begins. */
function lineEnd(block: Buffer, start: number): number {
  const lf = block.indexOf(LF, start);
  return lf === -1 ? block.length : lf + 1;
}

/** Where the field that begins at `start` ends: behind its last continuation line. */
function fieldEnd(block: Buffer, start: number): number {
  let end = lineEnd(block, start);
  while (end < block.length && isBlank(block[end])) {
    end = lineEnd(block, end);
  }
  return end;
}

function valueText(block: Buffer, start: number, end: number): string {
  return block
    .toString('latin1', start, Math.min(end, start + VALUE_LIMIT_OCTETS))
    .replaceAll(/[\r\n]+/g, '')
    .trim();
}

function isBlank(octet: number | undefined): boolean {
  return octet === SPACE || octet === TAB;
}
