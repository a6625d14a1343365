/**
 * Building command lines (RFC 1939 §3, RFC 2449 §4): one line, no second command hidden in an argument, no secret in a trace.
 */
import { MailferryError } from '../errors/mailferry-error.ts';

/** RFC 2449 §4: a command is at most 255 octets, its CRLF included. */
export const MAX_COMMAND_OCTETS = 255;

export interface CommandLine {
  /** What goes over the wire, CRLF included. */
  readonly octets: Buffer;
  /** What a trace may show. */
  readonly shown: string;
  /** What must not show in what the server answers: some echo the line that they did not like. */
  readonly secrets?: readonly string[];
}

/** A command without secrets. @throws MailferryError where it would be over-long or two commands. */
export function command(...words: readonly (string | number)[]): CommandLine {
  const text = words.join(' ');
  return { octets: encode(text, text), shown: text };
}

/**
 * A command whose last argument is secret: the trace shows stars.
 * @param source what the secret was made of, which must not show in the answer either
 */
export function secretCommand(keyword: string, secret: string, source: readonly string[] = []): CommandLine {
  const shown = `${keyword} ****`.trimStart();
  const text = keyword === '' ? secret : `${keyword} ${secret}`;
  return { octets: encode(text, shown), shown, secrets: [secret, ...source] };
}

/** A SASL response: Base64 of any length (RFC 5034 §4). `source` as for `secretCommand`. */
export function saslResponse(base64: string, source: readonly string[] = []): CommandLine {
  if (base64 === '*') {
    return { octets: Buffer.from('*\r\n', 'latin1'), shown: '*' };
  }
  return { octets: Buffer.from(`${base64}\r\n`, 'latin1'), shown: '****', secrets: [base64, ...source] };
}

/** RETR (RFC 1939 §5), which is built for every message: a number can hide nothing and is never too long. */
export function retrCommand(number: number): CommandLine {
  const shown = `RETR ${number}`;
  return { octets: Buffer.from(`${shown}\r\n`, 'latin1'), shown };
}

function encode(text: string, shown: string): Buffer {
  assertSingleLine(text, `the command ${shown.split(' ')[0] ?? ''}`);
  const octets = Buffer.from(`${text}\r\n`, 'utf8');
  if (octets.length > MAX_COMMAND_OCTETS) {
    throw new MailferryError(
      `the command ${shown} would be ${octets.length} octets long; POP3 allows ${MAX_COMMAND_OCTETS}`,
      {
        code: 'command-too-long',
        scope: 'account',
        retry: 'never',
        hint: 'a long password needs a SASL mechanism: set `auth: plain` where the server has it',
      },
    );
  }
  return octets;
}

/** The text of a server with stars where it repeats a secret, in UTF-8 or as the octets that came (latin1). */
export function withoutSecrets(text: string, secrets: readonly string[] = []): string {
  let clean = text;
  for (const secret of secrets) {
    for (const form of [secret, Buffer.from(secret, 'utf8').toString('latin1')]) {
      clean = form === '' ? clean : clean.replaceAll(form, '****');
    }
  }
  return clean;
}

/** Refuses CR, LF and NUL, which would begin a second command. The value itself is never in the text. */
export function assertSingleLine(value: string, what: string): void {
  if (/[\r\n\0]/.test(value)) {
    throw new MailferryError(`${what} holds a CR, LF or NUL, which would begin a second command`, {
      code: 'secret-unusable',
      scope: 'account',
      retry: 'never',
      hint: 'a file or command that gives a password may end in one line end, no more',
    });
  }
}
