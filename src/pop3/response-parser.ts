/**
 * Cuts the octets of a server into answers: a status line, and behind some of them a body. It is pushed with chunks as
 * TCP cut them, never sees a socket, and asks its handler what is expected next. (RFC 1939 §3)
 */
import { BodyReader, type LineEnding } from './body-reader.ts';
import { ProtocolError } from './errors.ts';

const LF = 0x0a;
const CR = 0x0d;
const PLUS = 0x2b;

export interface ResponseHandler {
  /** How many answers are due, the one being read included. Octets that nobody asked for are a breach of protocol. */
  responsesDue(): number;
  /** A first line without its line end. @returns whether a body follows it. */
  onStatusLine(line: Buffer): boolean;
  /** Un-stuffed octets of the body: a slice of what was pushed, valid for as long as it is referenced. */
  onBody(octets: Buffer): void;
  /** Whether what is read, or was read last, may be part of a message: that is shown to nobody. */
  isMessage(): boolean;
  /** The answer is complete: behind the status line, or behind the body's terminator. */
  onEnd(): void;
}

/**
 * Longest status line that is kept. The RFC allows 512 octets (RFC 2449 §4); servers exceed it, and SASL challenges
 * may be of any length (RFC 5034 §4), so the bound is far above both and only protects the memory.
 */
const MAX_STATUS_OCTETS = 64 * 1024;

export class ResponseParser {
  readonly #handler: ResponseHandler;
  /** How the last status line ended: so does the body behind it. */
  #lineEnding: LineEnding = 'crlf';
  /** The beginning of a status line whose end has not come yet. */
  #partialLine: Buffer[] = [];
  #partialOctets = 0;
  #body: BodyReader | undefined;

  constructor(handler: ResponseHandler) {
    this.#handler = handler;
  }

  /** Whether a body has begun and not ended. */
  get isInBody(): boolean {
    return this.#body !== undefined;
  }

  /** Whether an answer has begun and not ended, be it in its status line. */
  get isInAnswer(): boolean {
    return this.#body !== undefined || this.#partialLine.length > 0;
  }

  /** @throws ProtocolError: the parser must not be pushed again. */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      if (this.#body === undefined) {
        position = this.#pushStatus(chunk, position);
      } else {
        position = this.#pushBody(this.#body, chunk, position);
      }
    }
  }

  #pushStatus(chunk: Buffer, from: number): number {
    if (this.#handler.responsesDue() === 0) {
      throw unsolicited(chunk, from, this.#handler.isMessage());
    }
    const lf = chunk.indexOf(LF, from);
    const end = lf === -1 ? chunk.length : lf;
    if (this.#partialOctets + end - from > MAX_STATUS_OCTETS) {
      throw new ProtocolError(
        `the server sent a status line without end: more than ${MAX_STATUS_OCTETS} octets, where 512 are allowed`,
      );
    }
    if (lf === -1) {
      this.#partialOctets += end - from;
      this.#partialLine.push(chunk.subarray(from));
      return chunk.length;
    }
    const line = this.#takeLine(chunk, from, end);
    if (this.#handler.onStatusLine(line)) {
      this.#body = new BodyReader(this.#lineEnding);
    } else {
      this.#finish(chunk, lf + 1);
    }
    return lf + 1;
  }

  /** The line that ends before `end`, without its CR. */
  #takeLine(chunk: Buffer, from: number, end: number): Buffer {
    if (this.#partialLine.length > 0) {
      const whole = Buffer.concat([...this.#partialLine, chunk.subarray(from, end)]);
      this.#partialLine = [];
      this.#partialOctets = 0;
      return this.#takeLine(whole, 0, whole.length);
    }
    const hasCr = end > from && chunk[end - 1] === CR;
    this.#lineEnding = hasCr ? 'crlf' : 'lf';
    return chunk.subarray(from, hasCr ? end - 1 : end);
  }

  #pushBody(body: BodyReader, chunk: Buffer, from: number): number {
    const end = body.push(chunk, from, (octets) => this.#handler.onBody(octets));
    if (end === -1) {
      return chunk.length;
    }
    this.#body = undefined;
    this.#finish(chunk, end);
    return end;
  }

  /**
   * Ends an answer, unless what stands behind it can be no answer: then the end was none (a lone dot in the body of a
   * server that does not stuff) or somebody put octets behind the +OK of STLS. Such an answer must not count.
   */
  #finish(chunk: Buffer, end: number): void {
    if (end < chunk.length && (this.#handler.responsesDue() < 2 || !looksLikeStatus(chunk, end))) {
      throw unsolicited(chunk, end, this.#handler.isMessage());
    }
    this.#handler.onEnd();
  }
}

/** Whether the octets from `from` on can begin a status line: `+` and anything, or `-ERR` in any case, as far as they go. */
function looksLikeStatus(chunk: Buffer, from: number): boolean {
  if (chunk[from] === PLUS) {
    return true;
  }
  return '-ERR'.startsWith(chunk.toString('latin1', from, Math.min(from + 4, chunk.length)).toUpperCase());
}

/** Behind a message the octets may be the rest of it. */
export function unsolicited(chunk: Buffer, from: number, isMessage: boolean): ProtocolError {
  const sample = isMessage
    ? 'they may be part of a message, and are not shown'
    : JSON.stringify(chunk.toString('latin1', from, Math.min(from + 40, chunk.length)));
  return new ProtocolError(
    `the server sent octets that are no answer to any command: ${sample}; a lone dot within a message, or a broken server`,
    { code: 'pop3-unsolicited' },
  );
}
