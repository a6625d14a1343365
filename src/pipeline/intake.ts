/**
 * Between the wire and the archive: takes octets as they come, makes whole messages of them, and gives them out in batches.
 * It bounds what is held: when a batch's worth waits, no further message is asked for until some are taken.
 *
 * The size of a batch follows the speed of line and sinks by itself: while one batch is made durable the next gathers, and it is
 * given out when it is full, when nothing more was asked for, or when the line is quiet. On a fast line that is group commit, on a
 * slow one each message is safe at once.
 */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../message/message.ts';
import type { ReceivedPart } from '../message/received-part.ts';
import type { Spool } from '../message/spool.ts';
import type { SpoolingMessage } from '../message/spooling-message.ts';
import type { RefusedError } from '../pop3/errors.ts';
import type { RetrievalReceiver, RetrievalRequest } from '../pop3/retrieval.ts';
import type { WantedMessage } from './classify-listing.ts';
import type { BatchLimits } from './context.ts';
import type { FetchBudget } from './fetch-budget.ts';

export interface FetchedMessage {
  readonly wanted: WantedMessage;
  readonly message: Message;
}

export interface RefusedMessage {
  readonly wanted: WantedMessage;
  readonly cause: RefusedError;
}

export interface FetchedBatch {
  readonly fetched: readonly FetchedMessage[];
  readonly refused: readonly RefusedMessage[];
}

export interface IntakeOptions {
  readonly wanted: readonly WantedMessage[];
  readonly spool: Spool;
  readonly limits: BatchLimits;
  /** Asks for no more messages once it is aborted; what is in flight still arrives. */
  readonly stopSignal: AbortSignal;
  /** Asked before each message. */
  readonly budget: FetchBudget;
  /** The first message is asked for alone, and the others when it has come. */
  readonly isFirstAlone: boolean;
  /** Told of octets as they come. */
  readonly onProgress: (messages: number, octets: number) => void;
}

/** How long a line that has more to bring may be quiet before a batch is given out: less than making one durable takes. */
const QUIET_MS = 3;

/** What a wanted message counts for the window where LIST gave no size. */
const UNKNOWN_OCTETS = 64 * 1024;

type Requested = RetrievalRequest & { readonly wanted: WantedMessage };

export class Intake implements RetrievalReceiver<Requested> {
  readonly #options: IntakeOptions;
  #position = 0;
  /** Asked for and not answered yet, in order. */
  readonly #unanswered: Requested[] = [];
  #receiving: SpoolingMessage | undefined;
  readonly #fetched: FetchedMessage[] = [];
  #fetchedOctets = 0;
  #refused: RefusedMessage[] = [];
  #hasEnded = false;
  #spent: 'session-spent' | 'day-spent' | undefined;
  /** Octets taken so far: whether they grow tells whether the line has more. */
  #octets = 0;
  #wake: (() => void) | undefined;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  next(): Requested | 'hold' | undefined {
    const { wanted, stopSignal } = this.#options;
    const message = wanted[this.#position];
    if (message === undefined || stopSignal.aborted) {
      return undefined;
    }
    if (this.#isFull) {
      return 'hold';
    }
    if (this.#options.isFirstAlone && this.#position === 1 && this.#unanswered.length > 0) {
      return 'hold';
    }
    const octets = message.listedOctets ?? UNKNOWN_OCTETS;
    const answer = this.#options.budget.ask(octets);
    if (answer !== 'granted') {
      this.#spent = answer === 'hold' ? undefined : answer;
      return answer === 'hold' ? 'hold' : undefined;
    }
    this.#position += 1;
    const requested = { number: message.number, octets, wanted: message };
    this.#unanswered.push(requested);
    return requested;
  }

  /** Which budget kept the rest from being asked for; undefined where none did. */
  get spent(): 'session-spent' | 'day-spent' | undefined {
    return this.#spent;
  }

  /** The message that the server was to answer next: where a session breaks, it broke at this one. */
  get awaited(): WantedMessage | undefined {
    return this.#unanswered[0]?.wanted;
  }

  onOctets(_request: Requested, octets: Buffer): void {
    this.#receiving ??= this.#options.spool.receive();
    this.#octets += octets.length;
    this.#options.budget.received(octets.length);
    this.#options.onProgress(0, octets.length);
    this.#receiving.write(octets);
  }

  onComplete({ wanted }: Requested): void {
    this.#unanswered.shift();
    const receiving = this.#receiving ?? this.#options.spool.receive();
    this.#receiving = undefined;
    const message = receiving.finish();
    this.#fetched.push({ wanted, message });
    this.#fetchedOctets += message.octets;
    this.#options.onProgress(1, 0);
    this.#wake?.();
  }

  onRefused({ wanted }: Requested, cause: RefusedError): void {
    this.#unanswered.shift();
    this.#refused.push({ wanted, cause });
    this.#wake?.();
  }

  /** To be called when the retrieval has ended: no more will come; what is whole is still given out. */
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** Resolves with what has gathered, at most a batch, or with undefined when all was given out. */
  async nextBatch(): Promise<FetchedBatch | undefined> {
    while (this.#fetched.length === 0 && this.#refused.length === 0) {
      if (this.#hasEnded) {
        return undefined;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    await this.#gather();
    return this.#nextBatch();
  }

  /** Waits while more octets come, until a batch is full. */
  async #gather(): Promise<void> {
    for (let before = -1; before !== this.#octets && this.#isGathering; ) {
      before = this.#octets;
      await nextTurn();
      if (before === this.#octets && this.#isGathering) {
        await sleep(QUIET_MS);
        // What came meanwhile is read in the turn behind it.
        await nextTurn();
      }
    }
  }

  /** Messages were asked for that this batch can take. */
  get #isGathering(): boolean {
    return this.#unanswered.length > 0 && !this.#isFull && !this.#hasEnded;
  }

  get #isFull(): boolean {
    const { limits } = this.#options;
    return this.#fetched.length >= limits.messages || this.#fetchedOctets >= limits.octets;
  }

  /** What has come of the message at which the session broke; undefined where nothing came, or it cannot be read. */
  async partOfAwaited(limitOctets: number): Promise<ReceivedPart | undefined> {
    return this.#unanswered.length === 0
      ? undefined
      : this.#receiving?.part(limitOctets).catch(() => undefined);
  }

  /** Gives up what is not whole, and what was not taken. */
  async abort(): Promise<void> {
    await this.#receiving?.abort();
    for (const { message } of this.#fetched.splice(0)) {
      await this.#options.spool.removeContent(message);
    }
  }

  #nextBatch(): FetchedBatch {
    const { limits } = this.#options;
    let octets = 0;
    let count = 0;
    for (const { message } of this.#fetched) {
      if (count === limits.messages || (count > 0 && octets + message.octets > limits.octets)) {
        break;
      }
      octets += message.octets;
      count += 1;
    }
    this.#fetchedOctets -= octets;
    const refused = this.#refused;
    this.#refused = [];
    return { fetched: this.#fetched.splice(0, count), refused };
  }
}
