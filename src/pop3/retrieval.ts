/**
 * Fetching many messages: keeps a window of RETRs in flight and hands each message's octets on as they come.
 * What is fetched next, and when, is the caller's choice: it is asked whenever the window has room.
 */
import type { Scope } from '../errors/mailferry-error.ts';
import { type CommandLine, retrCommand } from './command.ts';
import type { CommandWindow, Exchange } from './command-window.ts';
import { ProtocolError, RefusedError } from './errors.ts';
import type { Status } from './status.ts';

export interface RetrievalRequest {
  /** Message number, valid in this session only. */
  readonly number: number;
  /** Size by LIST, for the window; advice only. */
  readonly octets: number;
}

/** Takes messages in the order in which they were requested. What it throws, or rejects with, ends the session. */
export interface RetrievalReceiver<Request extends RetrievalRequest> {
  /** The next message to fetch; `hold` to be asked again after `resume`; undefined when there is none left. */
  next(): Request | 'hold' | undefined;
  /** Un-stuffed octets, a slice of what was received. @returns a promise to make the reader wait. */
  onOctets(request: Request, octets: Buffer): void | Promise<void>;
  /**
   * The terminator has come, and either the length is what LIST said or the server's next words show that it believes in that
   * end, too: the message is complete.
   */
  onComplete(request: Request): void;
  /** The server said -ERR to this message: the session goes on (RFC 1939 §5). */
  onRefused(request: Request, cause: RefusedError): void;
}

/** What a retrieval needs of the session that it runs in. */
export interface RetrievalSession {
  noop(): Promise<void>;
  refusal(line: CommandLine, status: Status, scope: Scope): RefusedError;
}

/** Between commands for longer than this the session is kept alive; the server may end it after 10 minutes (RFC 1939 §3). */
const KEEP_ALIVE_MS = 20_000;

/** As many octets as tell a status line from a header. */
const STATUS_OPENING_OCTETS = '-ERR'.length;

/**
 * Life of a message: requested → in flight → ended (its terminator has come) → complete, or refused. An ended message whose
 * length differs from LIST's is *doubtful*: a server that does not stuff dots ends a message at a lone dot within it, and what
 * follows is no answer. So it is complete only when the next answer has begun, or the server has hung up in order right behind it.
 */
export class Retrieval<Request extends RetrievalRequest> {
  readonly #session: RetrievalSession;
  readonly #window: CommandWindow;
  readonly #receiver: RetrievalReceiver<Request>;
  /** Resolves when there is nothing left to fetch; rejects when the session ends before. */
  readonly done: Promise<void>;
  #resolve: () => void = () => undefined;
  #reject: (cause: Error) => void = () => undefined;
  #pending = 0;
  #isExhausted = false;
  #isOver = false;
  /** Fetched from the caller but without room in the window yet. */
  #waiting: Request | undefined;
  #doubtful: Request | undefined;
  #isAskingNoop = false;
  #keepAliveTimer: NodeJS.Timeout | undefined;

  constructor(session: RetrievalSession, window: CommandWindow, receiver: RetrievalReceiver<Request>) {
    this.#session = session;
    this.#window = window;
    this.#receiver = receiver;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever awaits it still gets the failure; before somebody does, it must not count as an unhandled rejection.
    this.done.catch(() => undefined);
    window.attend({ onRoom: () => this.#onRoom(), onFailure: (cause) => this.#onFailure(cause) });
    this.resume();
  }

  /** Asks the caller for more, as far as the window has room. */
  resume(): void {
    if (this.#isOver) {
      return;
    }
    clearTimeout(this.#keepAliveTimer);
    let isHeld = false;
    this.#guarded(() => {
      this.#window.together(() => {
        isHeld = this.#fill();
      });
    });
    this.#settle(isHeld);
  }

  #onRoom(): void {
    if (this.#window.isHalfEmpty) {
      this.resume();
    }
  }

  /** @returns whether the caller asked to wait. */
  #fill(): boolean {
    while (!this.#isExhausted && !this.#isOver) {
      const request = this.#waiting ?? this.#receiver.next();
      this.#waiting = undefined;
      if (request === undefined) {
        this.#isExhausted = true;
      } else if (request === 'hold') {
        return true;
      } else if (!this.#window.hasRoom(request.octets)) {
        this.#waiting = request;
        break;
      } else {
        this.#pending += 1;
        this.#window.send(this.#exchangeFor(request));
      }
    }
    return false;
  }

  #settle(isHeld: boolean): void {
    if (this.#pending > 0 || this.#isOver || this.#isAskingNoop) {
      return;
    }
    if (this.#doubtful !== undefined) {
      this.#askNoop();
    } else if (this.#isExhausted) {
      this.#finish();
      this.#resolve();
    } else if (isHeld) {
      this.#keepAliveTimer = setTimeout(() => this.#askNoop(), KEEP_ALIVE_MS);
    }
  }

  /** NOOP: any answer to it shows that the session lives and that the answer before it is over. */
  #askNoop(): void {
    this.#isAskingNoop = true;
    const answered = () => {
      this.#isAskingNoop = false;
      this.#guarded(() => this.#believe());
      this.resume();
    };
    this.#session.noop().then(answered, (cause: Error) => {
      if (cause instanceof RefusedError) {
        answered();
      }
      // Any other failure is the session's, and #onFailure has been told.
    });
  }

  #exchangeFor(request: Request): Exchange {
    const receiver = this.#receiver;
    const retr = retrCommand(request.number);
    let refusal: RefusedError | undefined;
    let octetsReceived = 0;
    let opening = '';
    return {
      command: retr,
      isMultiLine: true,
      isMessage: true,
      expectedOctets: request.octets,
      onStatus: (status: Status) => {
        this.#guarded(() => this.#believe());
        if (status.kind !== 'ok') {
          refusal = this.#session.refusal(retr, status, 'message');
        }
      },
      onBody: (octets) => {
        octetsReceived += octets.length;
        if (opening.length < STATUS_OPENING_OCTETS) {
          opening += octets.toString('latin1', 0, STATUS_OPENING_OCTETS - opening.length);
        }
        return receiver.onOctets(request, octets);
      },
      onEnd: () => {
        this.#pending -= 1;
        if (refusal !== undefined) {
          const cause = refusal;
          this.#guarded(() => receiver.onRefused(request, cause));
          return;
        }
        if (octetsReceived !== request.octets && this.#window.inFlight > 0 && isStatus(opening)) {
          throw interleaved(request);
        }
        this.#doubtful = request;
        if (octetsReceived === request.octets) {
          this.#guarded(() => this.#believe());
        }
      },
      onFailure: (cause) => this.#onFailure(cause),
    };
  }

  /** The message that ended last is complete. */
  #believe(): void {
    const request = this.#doubtful;
    this.#doubtful = undefined;
    if (request !== undefined) {
      this.#receiver.onComplete(request);
    }
  }

  #onFailure(cause: Error): void {
    if (this.#isOver) {
      return;
    }
    this.#finish();
    if (this.#window.isEndedBetweenAnswers) {
      this.#guarded(() => this.#believe());
    }
    this.#reject(cause);
  }

  /** Runs what the caller gave us; where it throws, the session cannot go on, and nothing may wait for it for ever. */
  #guarded(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.#window.fail(thrown instanceof Error ? thrown : new Error(String(thrown)));
    }
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#keepAliveTimer);
    this.#window.leave();
  }
}

/** No header field begins so: another answer has got into this one (WildDuck #950). */
function isStatus(opening: string): boolean {
  return opening.startsWith('+OK') || opening === '-ERR';
}

function interleaved({ number }: RetrievalRequest): ProtocolError {
  return new ProtocolError(
    `the server mixes up answers: what should be message ${number} opens with the answer to another command`,
    { code: 'pop3-interleaved', retry: 'later' },
  );
}
