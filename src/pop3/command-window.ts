/**
 * The window of commands: what has been asked and not yet answered, in order. It writes as many commands as the window
 * allows, reads while it writes, and matches answers to commands by their order (RFC 2449 §6.6). Without PIPELINING the
 * window is one. It guards the silence of the server: each wait has its deadline.
 *
 * It is longer than most files since queue, window and the end of a session share one state.
 *
 * How much may be in flight is counted in commands and in octets still expected. The commands begin with a few and grow by one with
 * each whole answer to a command that was sent ahead: twice as many in each round trip, and few are lost where pipelining breaks. The
 * octets that have come of an answer are no longer expected, so the next message is asked for while a large one arrives.
 *
 * Life of a command: queued → in flight (written) → answered, or failed with the whole session. A refusal is an answer.
 */
import type { Bandwidth } from './bandwidth.ts';
import { type CommandLine, withoutSecrets } from './command.ts';
import { ConnectionError } from './errors.ts';
import { ResponseParser, unsolicited } from './response-parser.ts';
import { type Phase, SilenceWatch } from './silence-watch.ts';
import { parseStatus, printable, type Status } from './status.ts';
import type { Transport } from './transport.ts';
import type { WireTrace } from './wire-trace.ts';

/** Takes the answer to one command. Exactly one of `onEnd` and `onFailure` ends it. */
export interface Exchange {
  readonly command: CommandLine;
  /** A body follows +OK. */
  readonly isMultiLine: boolean;
  /** The answer may be a SASL challenge. */
  readonly isSasl?: boolean;
  /** Octets that the answer is expected to have, for the window; 0 where it is small. */
  readonly expectedOctets?: number;
  /** The body is a message, or its beginning: octets behind it may be the rest of it, and are shown to nobody. */
  readonly isMessage?: boolean;
  /** Longest wait for the first octet of this answer, where it is not the session's. */
  readonly firstOctetMs?: number;
  /** Takes the first line before it is read as a status: the greeting of what may be no POP3 server at all. May throw. */
  onRawLine?(line: Buffer): void;
  onStatus(status: Status): void;
  /** @returns a promise where the reader must wait before it takes more. */
  onBody?(octets: Buffer): void | Promise<void>;
  onEnd(): void;
  /** The session is over before this answer was complete. */
  onFailure(cause: Error): void;
}

export interface Timeouts {
  /** Longest silence in the middle of an answer. */
  readonly idleMs: number;
  /** Longest wait for the first line of an answer, from its first to its last octet. */
  readonly firstOctetMs: number;
  /** Longest life of the session; undefined for no end. */
  readonly sessionMs: number | undefined;
}

/** What the window needs of a connection. */
export type OctetStream = Pick<Transport, 'listen' | 'write' | 'pause' | 'resume' | 'close' | 'destroy'>;

export interface WindowOptions {
  readonly transport: OctetStream;
  readonly timeouts: Timeouts;
  readonly trace: WireTrace;
  readonly signal: AbortSignal;
  /** Undefined: octets come as fast as they can. */
  readonly bandwidth?: Bandwidth | undefined;
}

/** What a session tells of its pipelining. */
export interface PipeliningFacts {
  /** Whole answers to commands that were sent ahead of an earlier answer. */
  readonly answersAhead: number;
  /** Of the commands that had no whole answer when the session failed, those that were sent ahead; 0 while it has not failed. */
  readonly lostAhead: number;
}

/** How many commands are in flight before it is known that pipelining works. */
const FIRST_COMMANDS = 64;

/** Longest part of a line that a trace shows. */
const MAX_TRACED_OCTETS = 512;

/** Who fills the window and has to know when the session fails, also while it has nothing in flight. */
export interface WindowFiller {
  /** There may be room. Called after each chunk that was read. */
  onRoom(): void;
  onFailure(cause: Error): void;
}

export class CommandWindow {
  readonly #options: WindowOptions;
  #parser: ResponseParser;
  readonly #isTraced: boolean;
  readonly #queued: Exchange[] = [];
  readonly #inFlight: Exchange[] = [];
  /** Octets that are still expected in answers. */
  #octetsInFlight = 0;
  /** The part of them that belongs to the answer that is being read. */
  #octetsExpected: number | undefined;
  /** Of those in flight, the ones that were sent ahead of an answer. */
  readonly #sentAhead = new Set<Exchange>();
  #answersAhead = 0;
  #lostAhead = 0;
  #maxCommands = 1;
  #maxOctets = Number.POSITIVE_INFINITY;
  #failure: Error | undefined;
  #isOver = false;
  #isEndedBetweenAnswers = false;
  /** While it is set, commands are queued and go out together afterwards. */
  #isCorked = false;
  /** The body that is read, or was read last, is a message's. */
  #isMessage = false;
  #bodyOctets = 0;
  #waitingFor = 0;
  #paceTimer: NodeJS.Timeout | undefined;
  readonly #watch: SilenceWatch;
  readonly #sessionTimer: NodeJS.Timeout | undefined;
  readonly #onAbort: () => void;
  readonly #closed: Promise<void>;
  #resolveClosed: () => void = () => undefined;
  readonly #over: Promise<void>;
  #resolveOver: () => void = () => undefined;
  #filler: WindowFiller | undefined;

  constructor(options: WindowOptions) {
    this.#options = options;
    this.#isTraced = options.trace.isQuiet !== true;
    this.#watch = new SilenceWatch(options.timeouts, (cause) => this.fail(cause));
    this.#parser = this.#newParser();
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    const { sessionMs } = options.timeouts;
    if (sessionMs !== undefined) {
      this.#sessionTimer = setTimeout(() => {
        this.fail(
          new ConnectionError(`the session lasted longer than ${sessionMs} ms`, { failure: 'silent' }),
        );
      }, sessionMs);
    }
    this.#onAbort = () =>
      this.fail(new ConnectionError('the session was interrupted', { failure: 'aborted' }));
    options.signal.addEventListener('abort', this.#onAbort, { once: true });
    options.transport.listen({
      onData: (chunk) => this.#onData(chunk),
      onClosed: (cause) => this.#onClosed(cause),
    });
    if (options.signal.aborted) {
      this.#onAbort();
    }
  }

  /** Why the session ended, where it did not end in order. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Resolves when the connection is gone. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Resolves when the session is over: failed, closed by us, or gone. */
  get over(): Promise<void> {
    return this.#over;
  }

  /** Longest wait for the first line of an answer. */
  get firstOctetMs(): number {
    return this.#options.timeouts.firstOctetMs;
  }

  /** Whether nothing is asked, and nobody is there to ask. */
  get isIdle(): boolean {
    const isQuiet = this.#inFlight.length + this.#queued.length === 0 && this.#filler === undefined;
    return isQuiet && this.#failure === undefined && !this.#isOver;
  }

  /** Whether the server ended the connection in order and between two answers. */
  get isEndedBetweenAnswers(): boolean {
    return this.#isEndedBetweenAnswers;
  }

  get pipelining(): PipeliningFacts {
    return { answersAhead: this.#answersAhead, lostAhead: this.#lostAhead };
  }

  /** Lets `filler` fill the window until `leave`; there is one at a time. */
  attend(filler: WindowFiller): void {
    if (this.#filler !== undefined) {
      throw new Error('two retrievals at once would share one window');
    }
    this.#filler = filler;
    const cause = this.#failure ?? (this.#isOver ? sessionIsOver() : undefined);
    if (cause !== undefined) {
      filler.onFailure(cause);
    }
  }

  leave(): void {
    this.#filler = undefined;
  }

  /** Lets up to `commands` be in flight, as long as the octets expected in answer stay under `octets`. */
  widen(commands: number, octets: number): void {
    this.#maxCommands = commands;
    this.#maxOctets = octets;
  }

  /** Commands that were written and are not answered. */
  get inFlight(): number {
    return this.#inFlight.length;
  }

  /** Whether one more command would be written at once. */
  hasRoom(expectedOctets: number): boolean {
    const commands = this.#inFlight.length + this.#queued.length;
    return (
      commands === 0 ||
      (commands < this.#commandLimit && this.#octetsInFlight + expectedOctets <= this.#maxOctets)
    );
  }

  /** Whether it is worth filling: a write for each answer that came would cost the server and us more than a message does. */
  get isHalfEmpty(): boolean {
    return (
      this.#inFlight.length + this.#queued.length <= this.#commandLimit / 2 &&
      this.#octetsInFlight <= this.#maxOctets / 2
    );
  }

  get #commandLimit(): number {
    return Math.min(this.#maxCommands, FIRST_COMMANDS + this.#answersAhead);
  }

  /** Queues commands and writes what the window allows, in one write. */
  send(...exchanges: readonly Exchange[]): void {
    if (this.#failure !== undefined || this.#isOver) {
      const cause = this.#failure ?? sessionIsOver();
      for (const exchange of exchanges) {
        exchange.onFailure(cause);
      }
      return;
    }
    for (const exchange of exchanges) {
      this.#queued.push(exchange);
      this.#octetsInFlight += exchange.expectedOctets ?? 0;
    }
    if (!this.#isCorked) {
      this.#write();
    }
  }

  /** Runs `fill`, which may send many commands, and writes them together. */
  together(fill: () => void): void {
    if (this.#isCorked) {
      fill();
      return;
    }
    this.#isCorked = true;
    try {
      fill();
    } finally {
      this.#isCorked = false;
    }
    if (this.#failure === undefined && !this.#isOver) {
      this.#write();
    }
  }

  /** The greeting: an answer that nobody asked for, due once. */
  expectGreeting(exchange: Omit<Exchange, 'command'>): void {
    if (this.#failure !== undefined) {
      exchange.onFailure(this.#failure);
      return;
    }
    this.#inFlight.push({ ...exchange, command: { octets: Buffer.alloc(0), shown: '' } });
    this.#watch.expect(this.#phaseNow(), this.#inFlight[0]);
  }

  /** Answers after STLS are read afresh: nothing read before the handshake is part of them (RFC 2595 §4). */
  restartParser(): void {
    this.#parser = this.#newParser();
  }

  /** Ends the session: what is in flight fails with `cause`, the connection is dropped without QUIT. */
  fail(cause: Error): void {
    if (this.#failure !== undefined || this.#isOver) {
      return;
    }
    this.#failure = cause;
    this.#lostAhead = this.#sentAhead.size;
    this.#options.trace.noted(`dropped: ${cause.message}`);
    this.#stopTimers();
    this.#options.transport.destroy();
    this.#failPending(cause);
    this.#filler?.onFailure(cause);
  }

  /** Ends the connection in order, after QUIT was answered; what was asked behind QUIT has no answer. */
  close(): void {
    if (this.#failure !== undefined || this.#isOver) {
      return;
    }
    this.#isOver = true;
    this.#stopTimers();
    this.#options.transport.close();
    // Made where somebody is to be told: making an error takes as long as a command.
    if (this.#inFlight.length + this.#queued.length > 0 || this.#filler !== undefined) {
      const cause = sessionIsOver();
      this.#failPending(cause);
      this.#filler?.onFailure(cause);
    }
  }

  #newParser(): ResponseParser {
    return new ResponseParser({
      responsesDue: () => this.#inFlight.length,
      onStatusLine: (line) => this.#onStatusLine(line),
      onBody: (octets) => this.#onBody(octets),
      isMessage: () => this.#isMessage,
      onEnd: () => this.#onEnd(),
    });
  }

  #write(): void {
    const octets: Buffer[] = [];
    for (;;) {
      const next = this.#queued[0];
      const isRoom = this.#inFlight.length === 0 || this.#inFlight.length < this.#commandLimit;
      if (next === undefined || !isRoom) {
        break;
      }
      this.#queued.shift();
      if (this.#inFlight.length > 0) {
        this.#sentAhead.add(next);
      }
      this.#inFlight.push(next);
      octets.push(next.command.octets);
      this.#options.trace.sent(next.command.shown);
    }
    const [only] = octets;
    if (only !== undefined) {
      this.#options.transport.write(octets.length === 1 ? only : Buffer.concat(octets));
      this.#watch.expect(this.#phaseNow(), this.#inFlight[0]);
    }
  }

  #onData(chunk: Buffer): void {
    if (this.#failure !== undefined || this.#isOver) {
      return;
    }
    try {
      this.together(() => {
        this.#parser.push(chunk);
        this.#filler?.onRoom();
      });
    } catch (cause) {
      this.fail(cause instanceof Error ? cause : new Error(String(cause)));
      return;
    }
    if (this.#failure === undefined && !this.#isOver) {
      this.#keepPace(chunk.length);
      this.#watch.expect(this.#phaseNow(), this.#inFlight[0]);
    }
  }

  /** Reads nothing more for as long as the bandwidth wants; that is our silence, not the server's. */
  #keepPace(octets: number): void {
    const pauseMs = this.#options.bandwidth?.take(octets) ?? 0;
    // What comes in a pause all the same is paid for by the next one.
    if (pauseMs > 0 && this.#paceTimer === undefined) {
      const pause = new Promise<void>((resolve) => {
        this.#paceTimer = setTimeout(resolve, pauseMs);
      });
      this.#waitFor(
        pause.then(() => {
          this.#paceTimer = undefined;
        }),
      );
    }
  }

  #phaseNow(): Phase {
    if (this.#inFlight.length === 0 || this.#waitingFor > 0) {
      return 'quiet';
    }
    return this.#parser.isInBody ? 'body' : 'status line';
  }

  #onStatusLine(line: Buffer): boolean {
    const exchange = this.#current();
    if (this.#isMessage && !isStatusLine(line)) {
      // A server that does not stuff dots: what looks like an answer is the rest of the message.
      throw unsolicited(line, 0, true);
    }
    this.#isMessage = false;
    if (this.#isTraced) {
      this.#traceReceived(line, exchange);
    }
    this.#bodyOctets = 0;
    if (exchange.onRawLine !== undefined) {
      exchange.onRawLine(line);
      return false;
    }
    const status = parseStatus(line, exchange.isSasl === true, exchange.command.secrets);
    exchange.onStatus(status);
    const hasBody = exchange.isMultiLine && status.kind === 'ok';
    this.#isMessage = hasBody && exchange.isMessage === true;
    return hasBody;
  }

  #traceReceived(line: Buffer, { command, isSasl }: Exchange): void {
    const shown = line.toString('latin1');
    // A challenge may hold what a password can be guessed by offline (the server's proof in SCRAM).
    const text =
      isSasl === true && /^\+(?!OK)./i.test(shown) ? '+ ****' : withoutSecrets(shown, command.secrets);
    // Cut afterwards: a secret that was cut in two would not be known again.
    this.#options.trace.received(printable(text.slice(0, MAX_TRACED_OCTETS)));
  }

  #onBody(octets: Buffer): void {
    this.#bodyOctets += octets.length;
    const exchange = this.#current();
    this.#octetsExpected ??= exchange.expectedOctets ?? 0;
    const expected = Math.min(this.#octetsExpected, octets.length);
    this.#octetsExpected -= expected;
    this.#octetsInFlight -= expected;
    const wait = exchange.onBody?.(octets);
    if (wait instanceof Promise) {
      this.#waitFor(wait);
    }
  }

  /** Stops reading until `wait` is over: memory must not fill because a disk is slow. */
  #waitFor(wait: Promise<void>): void {
    if (this.#waitingFor === 0) {
      this.#options.transport.pause();
    }
    this.#waitingFor += 1;
    wait.then(
      () => {
        this.#waitingFor -= 1;
        if (this.#waitingFor === 0 && this.#failure === undefined) {
          this.#watch.expect(this.#phaseNow(), this.#inFlight[0]);
          this.#options.transport.resume();
        }
      },
      (cause: Error) => this.fail(cause),
    );
  }

  #onEnd(): void {
    const exchange = this.#current();
    if (this.#isTraced && this.#bodyOctets > 0) {
      this.#options.trace.noted(`body of ${this.#bodyOctets} octets`);
    }
    this.#inFlight.shift();
    this.#octetsInFlight -= this.#octetsExpected ?? exchange.expectedOctets ?? 0;
    this.#octetsExpected = undefined;
    this.#answersAhead += this.#sentAhead.delete(exchange) ? 1 : 0;
    exchange.onEnd();
  }

  #current(): Exchange {
    const [exchange] = this.#inFlight;
    if (exchange === undefined) {
      throw new Error('an answer without a command got past the parser');
    }
    return exchange;
  }

  #onClosed(cause: Error | undefined): void {
    this.#resolveClosed();
    this.#stopTimers();
    if (this.#isOver) {
      return;
    }
    const how =
      cause === undefined ? 'the server closed the connection' : `the connection broke: ${cause.message}`;
    this.#isEndedBetweenAnswers = cause === undefined && !this.#parser.isInAnswer;
    const where = this.#parser.isInAnswer ? ' in the middle of an answer' : '';
    this.fail(new ConnectionError(`${how}${where}`, { failure: 'closed', cause }));
  }

  #failPending(cause: Error): void {
    const pending = [...this.#inFlight, ...this.#queued];
    this.#inFlight.length = 0;
    this.#queued.length = 0;
    for (const exchange of pending) {
      exchange.onFailure(cause);
    }
  }

  #stopTimers(): void {
    this.#resolveOver();
    this.#watch.stop();
    clearTimeout(this.#sessionTimer);
    clearTimeout(this.#paceTimer);
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }
}

/** `+OK` or `-ERR`, in any case. */
function isStatusLine(line: Buffer): boolean {
  const begin = line.toString('latin1', 0, 4);
  return begin.startsWith('+OK') || /^(\+OK|-ERR)/i.test(begin);
}

function sessionIsOver(): ConnectionError {
  return new ConnectionError('the session is over', { failure: 'closed' });
}
