/**
 * What the server says to one command, as data, and how that becomes octets.
 *
 * Commands make answers, misbehaviours change them, `delivery.ts` sends them. This file knows neither the commands nor the socket.
 */
import { type Chunks, stuffed } from './dot-stuffing.ts';

/** One command as it was understood: `RETR 7` is verb `RETR`, argument `7`. */
export interface Command {
  /** In capitals. The greeting answers the verb `GREETING`, a line of a SASL exchange the verb `AUTH-RESPONSE`. */
  readonly verb: string;
  /** All that follows the first space, octet for octet (latin1); empty where there is none. */
  readonly argument: string;
}

/** How an answer is written; each departure from the defaults is a fault that a test asked for. */
export interface WireForm {
  /** RFC 1939 §3: a line that begins with a dot gets another one. */
  readonly isStuffed: boolean;
  /** Whether an unfinished last line gets its CRLF before the terminator. */
  readonly closesLastLine: boolean;
  /** Written after the last line; the RFC's is `.` CRLF. */
  readonly terminator: string;
  /** `lf` turns every CRLF of the answer, status line and terminator included, into LF. */
  readonly lineEnd: 'crlf' | 'lf';
}

/** How an answer goes out; without it the octets go out as fast as the client takes them. */
export interface Delivery {
  /** Octets per write; each piece is a packet of its own as far as TCP allows. Default: large pieces. */
  readonly pieceOctets?: number;
  /** Wait before each piece. */
  readonly pauseMs?: number;
  /** Wait before the first piece. */
  readonly firstPauseMs?: number;
  /** Stop after so many octets of the answer, status line included. A negative number counts from its end. Default: none withheld. */
  readonly stopAfterOctets?: number;
  /** What happens when the answer is out, or is stopped. See `Ending`. */
  readonly ending?: Ending;
}

/**
 * `fin`: close in an orderly way (under TLS with close_notify). `cut`: close TCP without telling TLS. `rst`: reset.
 * `silence`: say nothing more, read nothing more, until the client goes.
 */
export type Ending = 'fin' | 'cut' | 'rst' | 'silence';

export interface Answer {
  /** The first line without its line end, such as `+OK 2 320`. */
  readonly status: string;
  /** Lines of a multi-line answer, without line ends, un-stuffed. */
  readonly lines?: Iterable<string>;
  /** A message as the mailbox gave it, un-stuffed. */
  readonly message?: Chunks;
  /** Octets that are sent in place of everything above. */
  readonly raw?: Chunks;
  readonly form?: Partial<WireForm>;
  readonly delivery?: Delivery;
  /** Octets that follow the answer in the same write (what an attacker injects after the `+OK` of STLS). */
  readonly trailing?: Buffer;
  /** What the session does once the answer is out. */
  readonly next?: 'close' | 'start-tls';
  /** Set where the client owes one more line that is no command (SASL, RFC 5034 §4): what answers that line. */
  readonly onResponse?: (line: string) => Answer;
}

export const ok = (text: string, more: Partial<Answer> = {}): Answer => ({ status: `+OK ${text}`, ...more });
export const err = (text: string, more: Partial<Answer> = {}): Answer => ({
  status: `-ERR ${text}`,
  ...more,
});

const RFC_FORM: WireForm = { isStuffed: true, closesLastLine: true, terminator: '.\r\n', lineEnd: 'crlf' };

/** The octets of an answer, in order, in pieces of any size. */
export async function* octetsOf(answer: Answer): AsyncGenerator<Buffer> {
  const form = { ...RFC_FORM, ...answer.form };
  const octets = answer.raw ?? inForm(answer, form);
  yield* form.lineEnd === 'lf' ? withLfEnds(octets) : octets;
  if (answer.trailing !== undefined) {
    yield answer.trailing;
  }
}

async function* inForm(answer: Answer, form: WireForm): AsyncGenerator<Buffer> {
  yield Buffer.from(`${answer.status}\r\n`, 'latin1');
  const body = answer.message ?? (answer.lines === undefined ? undefined : joined(answer.lines));
  if (body !== undefined) {
    yield* stuffed(body, form);
    yield Buffer.from(form.terminator, 'latin1');
  }
}

/** Lines become large chunks: 100,000 lines of a listing are a few hundred writes, not 100,000. */
function* joined(lines: Iterable<string>): Generator<Buffer> {
  let text = '';
  for (const line of lines) {
    text += `${line}\r\n`;
    if (text.length >= 32_768) {
      yield Buffer.from(text, 'latin1');
      text = '';
    }
  }
  if (text !== '') {
    yield Buffer.from(text, 'latin1');
  }
}

async function* withLfEnds(chunks: Chunks): AsyncGenerator<Buffer> {
  let held = '';
  for await (const chunk of chunks) {
    const text = held + chunk.toString('latin1');
    // A CR at the end of a chunk may belong to the LF that opens the next one.
    held = text.endsWith('\r') ? '\r' : '';
    yield Buffer.from(text.slice(0, text.length - held.length).replaceAll('\r\n', '\n'), 'latin1');
  }
  yield Buffer.from(held, 'latin1');
}
