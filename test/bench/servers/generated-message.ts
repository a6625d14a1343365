/** The n-th message of a generated maildrop: all of one size, no two alike, none kept. */

export const MESSAGE_OCTETS = 512;

const DIGITS = 8;
const HEX = 16;
/** Dovecot forms unique-ids so: the message's number in the maildrop and the maildrop's validity, in hex. */
const VALIDITY = '68b0c5f2';
const BODY = 'The ferry leaves the harbour at high tide. '.repeat(MESSAGE_OCTETS).slice(0, MESSAGE_OCTETS);
const LINE_END = '\r\n';

/** Every line ends in CRLF and none begins with a dot or with `From `. */
export function generatedMessage(number: number): string {
  const digits = String(number).padStart(DIGITS, '0');
  const head =
    'Date: 1 Nov 2025 12:00:00 +0000\r\nFrom: Sender <sender@example.org>\r\nTo: <reader@example.net>\r\n' +
    `Subject: message ${digits}\r\nMessage-ID: <${digits}.scale@example.org>\r\n\r\n`;
  return `${head}${BODY.slice(head.length + LINE_END.length)}${LINE_END}`;
}

export function generatedUniqueId(number: number): string {
  return number.toString(HEX).padStart(DIGITS, '0') + VALIDITY;
}
