/**
 * How text goes into the ledger: control characters become their pictures (NUL `␀`, ESC `␛`), so that a hostile unique-id
 * can neither cut a value short (libsql reads text up to the first NUL) nor drive the terminal of whoever reads the ledger
 * with the sqlite3 program. The code is reversible for every string.
 *
 * U+0000…U+001F become U+2400…U+241F and U+007F becomes U+2421. A picture that was there before (never so in a unique-id,
 * which is latin1) is preceded by U+2425 `␥`, as is `␥` itself.
 */
const PICTURES = 0x2400;
const DELETE = 0x7f;
const DELETE_PICTURE = 0x2421;
const MARK = '\u2425';

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const TO_ENCODE = /[\u0000-\u001f\u007f\u2400-\u2425]/g;
const TO_DECODE = /\u2425?[\u2400-\u2425]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/g;

/** Text as it is stored. */
export function encodeText(text: string): string {
  return text.replace(TO_ENCODE, (character) =>
    character.charCodeAt(0) >= PICTURES ? `${MARK}${character}` : pictureOf(character),
  );
}

/** Whether there is anything in it for `decodeText`. */
export function isEncoded(stored: string): boolean {
  return stored.search(TO_DECODE) !== -1;
}

/** The text that was given to `encodeText`. */
export function decodeText(stored: string): string {
  return stored.replace(TO_DECODE, (found) => {
    if (found.length === 2) {
      return found.slice(1);
    }
    const point = found.charCodeAt(0);
    return String.fromCharCode(point === DELETE_PICTURE ? DELETE : point - PICTURES);
  });
}

/** Text that is only to be shown (an error, a rule): at most `limit` characters, controls as pictures, not reversible. */
export function encodeNote(text: string, limit = 1000): string {
  const short = text.length > limit ? `${text.slice(0, limit - 1)}…` : text;
  return short.replace(CONTROL, pictureOf);
}

function pictureOf(character: string): string {
  const point = character.charCodeAt(0);
  return String.fromCharCode(point === DELETE ? DELETE_PICTURE : PICTURES + point);
}
