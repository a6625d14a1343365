/**
 * One form for names and passwords that look alike: SASLprep (RFC 4013) and the gentler form that came after it (RFC 8265). Code
 * points that Unicode got after 3.2 pass as they are; RFC 5802 would refuse them, and servers of the field do not.
 */

/** RFC 3454 table C.1.2: blanks that are not ASCII. */
const BLANKS = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/g;

/** RFC 3454 table B.1: mapped to nothing. Alternatives, not a class: joiners and selectors would join within one. */
const NOTHING = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|\u200c|\u200d|\u2060|[\ufe00-\ufe0f]|\ufeff/g;

/** RFC 3454 tables C.2.1, C.2.2, C.3 to C.9; U+0340 and U+0341 do not outlive NFKC. */
const PROHIBITED =
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/** RFC 3454 table D.1: letters of scripts that run from right to left. */
const RIGHT_TO_LEFT =
  /[\u05be\u05c0\u05c3\u05d0-\u05ea\u05f0-\u05f4\u061b\u061f\u0621-\u063a\u0640-\u064a\u066d-\u066f\u0671-\u06d5\u06dd\u06e5\u06e6\u06fa-\u06fe\u0700-\u070d\u0710\u0712-\u072c\u0780-\u07a5\u07b1\u200f\ufb1d\ufb1f-\ufb28\ufb2a-\ufb36\ufb38-\ufb3c\ufb3e\ufb40\ufb41\ufb43\ufb44\ufb46-\ufbb1\ufbd3-\ufd3d\ufd50-\ufd8f\ufd92-\ufdc7\ufdf0-\ufdfc\ufe70-\ufe74\ufe76-\ufefc]/u;

/** @returns undefined where the text holds what SASLprep prohibits. */
export function saslprep(text: string): string | undefined {
  if (/^[\x20-\x7e]*$/.test(text)) {
    return text;
  }
  const mapped = text.replace(BLANKS, ' ').replace(NOTHING, '').normalize('NFKC');
  return PROHIBITED.test(mapped) || !isOneDirection(mapped) ? undefined : mapped;
}

/** RFC 3454 §6: text with letters from right to left holds no others, and begins and ends with one. */
function isOneDirection(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) {
    return true;
  }
  const characters = [...text];
  const hasOthers = characters.some((c) => /\p{L}/u.test(c) && !RIGHT_TO_LEFT.test(c));
  return !hasOthers && [characters.at(0), characters.at(-1)].every((c) => RIGHT_TO_LEFT.test(c ?? ''));
}

/**
 * What OpaqueString (RFC 8265 §4.2.2) changes in a password: blanks that are not ASCII, and letters in pieces. SASLprep of what it
 * gives is SASLprep of what it got. What it prohibits passes here: that is the server's to refuse.
 */
export function opaqueString(text: string): string {
  return text.replace(/\p{Zs}/gu, ' ').normalize('NFC');
}
