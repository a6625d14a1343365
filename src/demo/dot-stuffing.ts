/**
 * The sending side of RFC 1939 §3: stuffs dots, and makes a message end where a line ends. Octets only: it must not know
 * what a message is, nor share anything with the receiving side in `pop3/`, whose mistakes it would hide.
 */

export type Chunks = Iterable<Buffer> | AsyncIterable<Buffer>;

const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;
const CRLF = Buffer.from('\r\n');
const CRLF_DOT = Buffer.from('\r\n.');
const STUFFING = Buffer.from('.');

/**
 * The octets of a message on the wire, without the terminator line.
 *
 * A line begins at the start of the message and after CRLF, and nowhere else: a dot after a bare LF or a bare CR is not stuffed.
 * Where the message does not end in CRLF (and is not empty) a CRLF follows it, since the terminator must be a line of its own:
 * the client receives that CRLF as part of the message, from this server as from every other. An empty message stays empty.
 * The two switches depart from this, for a test.
 */
export async function* stuffed(
  chunks: Chunks,
  { isStuffed = true, closesLastLine = true } = {},
): AsyncGenerator<Buffer> {
  const stuffer = new DotStuffer(isStuffed);
  for await (const chunk of chunks) {
    if (chunk.length > 0) {
      yield stuffer.push(chunk);
    }
  }
  if (closesLastLine && stuffer.isInLine) {
    yield CRLF;
  }
}

/** The octets that a correct client has of `content` after un-stuffing: `content`, and the CRLF it may have lacked. */
export function asReceived(content: Buffer): Buffer {
  return content.length === 0 || content.subarray(-2).equals(CRLF) ? content : Buffer.concat([content, CRLF]);
}

/** Takes a message in chunks cut anywhere. What it has seen of the line end is all it remembers. */
class DotStuffer {
  #seen: 'nothing' | 'text' | 'cr' | 'crlf' = 'nothing';
  readonly #isStuffed: boolean;

  constructor(isStuffed: boolean) {
    this.#isStuffed = isStuffed;
  }

  /** One chunk in, one out: it may be full of dots, and each must not become a write of its own. */
  push(chunk: Buffer): Buffer {
    const parts: Buffer[] = [];
    let written = 0;
    for (let dot = this.#firstDot(chunk); dot !== -1 && this.#isStuffed; dot = nextDot(chunk, dot)) {
      parts.push(chunk.subarray(written, dot), STUFFING);
      written = dot;
    }
    this.#remember(chunk);
    return parts.length === 0 ? chunk : Buffer.concat([...parts, chunk.subarray(written)]);
  }

  /** The message ended within a line. */
  get isInLine(): boolean {
    return this.#seen === 'text' || this.#seen === 'cr';
  }

  /** The first dot that opens a line, where the line end may have come with the chunk before. */
  #firstDot(chunk: Buffer): number {
    if (chunk[0] === DOT && (this.#seen === 'nothing' || this.#seen === 'crlf')) {
      return 0;
    }
    if (this.#seen === 'cr' && chunk[0] === LF && chunk[1] === DOT) {
      return 1;
    }
    return nextDot(chunk, -1);
  }

  #remember(chunk: Buffer): void {
    const last = chunk.at(-1);
    const isAfterCr = chunk.length > 1 ? chunk.at(-2) === CR : this.#seen === 'cr';
    this.#seen = last === CR ? 'cr' : last === LF && isAfterCr ? 'crlf' : 'text';
  }
}

function nextDot(chunk: Buffer, after: number): number {
  const lineEnd = chunk.indexOf(CRLF_DOT, after + 1);
  return lineEnd === -1 ? -1 : lineEnd + CRLF.length;
}
