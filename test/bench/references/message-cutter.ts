/** Cuts answers to RETR out of a stream: whole messages, dots un-stuffed, CRLF made LF as Maildir and mbox keep it. */

const TERMINATOR = Buffer.from('\r\n.\r\n');
const LF = 0x0a;
const CR = 0x0d;

export class MessageCutter {
  /** Whole messages that have not been taken. */
  messages: Buffer[] = [];
  count = 0;
  readonly #isKeeping: boolean;
  /** Of the message that is not whole yet. */
  #parts: Buffer[] = [];
  /** The last octets of what came before: the terminator may stand across two chunks. */
  #tail = Buffer.alloc(0);

  constructor(isKeeping: boolean) {
    this.#isKeeping = isKeeping;
  }

  push(chunk: Buffer): void {
    let at = 0;
    for (;;) {
      const end = this.#endOfMessage(chunk, at);
      if (end === -1) break;
      this.#finish(chunk.subarray(at, end));
      at = end;
    }
    const rest = chunk.subarray(at);
    if (this.#isKeeping) this.#parts.push(rest);
    this.#tail = Buffer.concat([this.#tail, rest.subarray(-TERMINATOR.length)]).subarray(
      1 - TERMINATOR.length,
    );
  }

  take(): Buffer[] {
    const taken = this.messages;
    this.messages = [];
    return taken;
  }

  /** Just behind the next terminator; -1 where there is none. */
  #endOfMessage(chunk: Buffer, at: number): number {
    if (at === 0 && this.#tail.length > 0) {
      const seam = Buffer.concat([this.#tail, chunk.subarray(0, TERMINATOR.length - 1)]);
      const found = seam.indexOf(TERMINATOR);
      if (found !== -1) return found + TERMINATOR.length - this.#tail.length;
    }
    const found = chunk.indexOf(TERMINATOR, at);
    return found === -1 ? -1 : found + TERMINATOR.length;
  }

  #finish(last: Buffer): void {
    this.#tail = Buffer.alloc(0);
    this.count += 1;
    if (!this.#isKeeping) return;
    const answer = this.#parts.length === 0 ? last : Buffer.concat([...this.#parts, last]);
    this.#parts = [];
    const body = answer.subarray(answer.indexOf(LF) + 1, answer.length - '.\r\n'.length);
    this.messages.push(storedForm(body));
  }
}

/** For mail whose every line ends in CRLF, which is all that the bench serves. */
function storedForm(body: Buffer): Buffer {
  const octets = Buffer.allocUnsafe(body.length);
  let length = 0;
  for (let at = 0; at < body.length; ) {
    const start = body[at] === '.'.charCodeAt(0) ? at + 1 : at;
    const lineEnd = body.indexOf(LF, at);
    const end = body[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    length += body.copy(octets, length, start, end);
    octets[length++] = LF;
    at = lineEnd + 1;
  }
  return octets.subarray(0, length);
}
