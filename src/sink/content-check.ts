/**
 * Checks, before anything is written, that a message holds what it says: its length and its line ends. A message that says
 * otherwise would give a receipt for octets that the sink does not hold. The digest is not taken again: that a read-back
 * does, from the sink's own octets, for a quarter of the cost.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import { readContent } from '../message/content.ts';
import { LineEndCounter } from '../message/line-ends.ts';
import type { LineEnds, Message } from '../message/message.ts';

/** Why a message must not be stored, or undefined where it holds what it says. @throws MailferryError as `readContent`. */
export async function contentMismatch(message: Message): Promise<MailferryError | undefined> {
  const counter = new LineEndCounter();
  let octets = 0;
  for await (const chunk of readContent(message)) {
    counter.push(chunk);
    octets += chunk.length;
  }
  return compareClaims(message, octets, counter.lineEnds);
}

/** Compares what a message says with what was counted. */
export function compareClaims(
  claimed: Message,
  octets: number,
  found: Pick<LineEnds, 'crlf' | 'bareLf'>,
): MailferryError | undefined {
  const { crlf, bareLf } = claimed.lineEnds;
  if (octets === claimed.octets && found.crlf === crlf && found.bareLf === bareLf) {
    return undefined;
  }
  return new MailferryError(
    `a message that says it has ${claimed.octets} octets, ${crlf} CRLF and ${bareLf} bare LF ` +
      `has ${octets} octets, ${found.crlf} CRLF and ${found.bareLf} bare LF`,
    {
      code: 'message-mismatch',
      scope: 'message',
      retry: 'later',
      hint: 'Its octets were changed between the server and the sink: look at the memory and the disk of this machine.',
    },
  );
}
