/**
 * Looks a message over before it is planned: whether it is what it says, and what it will need in an mbox. Writes nothing.
 */
import type { MailferryError } from '../../errors/mailferry-error.ts';
import { readHead } from '../../message/content.ts';
import { LineEndCounter } from '../../message/line-ends.ts';
import type { LargeContent, Message } from '../../message/message.ts';
import { readPieces } from '../../message/pieces.ts';
import { compareClaims } from '../content-check.ts';
import { isQuotedAt, Quoter } from './quoting.ts';

const LF = 10;
const CR = 13;
const CHUNKED = [] as const;

export interface Survey {
  /** The header block. */
  readonly header: Buffer;
  /** Where in a message in a Buffer a `>` is to be inserted; of a large one only their number is known. */
  readonly quotes: readonly number[];
  readonly quoteCount: number;
  readonly endsWithLf: boolean;
  /** Why it must not be stored. */
  readonly mismatch: MailferryError | undefined;
}

/** One pass from LF to LF, which are searched natively: it counts them, and looks at what stands behind each. */
export function surveyMemory(message: Message, octets: Buffer): Survey {
  const quotes: number[] = isQuotedAt(octets, 0) ? [0] : [];
  let crlf = 0;
  let bareLf = 0;
  for (let at = octets.indexOf(LF); at !== -1; at = octets.indexOf(LF, at + 1)) {
    if (at > 0 && octets[at - 1] === CR) {
      crlf++;
    } else {
      bareLf++;
    }
    if (isQuotedAt(octets, at + 1)) {
      quotes.push(at + 1);
    }
  }
  return {
    header: octets.subarray(0, message.headerOctets),
    quotes,
    quoteCount: quotes.length,
    endsWithLf: octets.length === 0 || octets[octets.length - 1] === LF,
    mismatch: compareClaims(message, octets.length, { crlf, bareLf }),
  };
}

/** Goes through the octets once more than is written: large messages are rare, and an announced length cannot be taken back. */
export async function surveyLarge(message: Message, content: LargeContent): Promise<Survey> {
  const header = await readHead(message, message.headerOctets);
  const counter = new LineEndCounter();
  const quoter = new Quoter();
  let octets = 0;
  let lastOctet: number | undefined = LF;
  for await (const chunk of readPieces(content)) {
    counter.push(chunk);
    quoter.push(chunk);
    octets += chunk.length;
    lastOctet = chunk[chunk.length - 1];
  }
  return {
    header,
    quotes: CHUNKED,
    quoteCount: quoter.quoted,
    endsWithLf: lastOctet === LF,
    mismatch: compareClaims(message, octets, counter.lineEnds),
  };
}
