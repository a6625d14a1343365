/**
 * The mechanism behind `misbehaviour.ts`: what a misbehaviour is, and which of them strike a command. The session asks at
 * one place, `answer`, and knows none of them.
 */
import type { Answer, Command } from './answer.ts';
import type { ChooseEntries, Removal } from './mailbox.ts';

/** One command on its way to its answer. */
export interface Occasion {
  readonly command: Command;
  /** Who has logged in; undefined before. */
  readonly user: string | undefined;
  /** Number of the session, from 1. */
  readonly session: number;
  /** The command had come before the one ahead of it was answered. */
  readonly isPipelined: boolean;
}

/**
 * Data and at most two functions: what is answered instead of carrying a command out, and how an answer is changed; or what a
 * session is shown of a mailbox, and what its end removes.
 */
export interface Misbehaviour {
  /** For test names and failures: `RETR 3 is refused`. */
  readonly name: string;
  /** Which commands it strikes. */
  readonly strikes: (occasion: Occasion) => boolean;
  /** Lets the first so many pass. Default: 0. */
  readonly skip?: number | undefined;
  /** Strikes so many times and then no more. Default: always. */
  readonly times?: number | undefined;
  /** The answer in place of the command, which is then not carried out; undefined carries it out. */
  readonly instead?: (occasion: Occasion) => Answer | undefined;
  /** Another answer for a command that was, or was not, carried out. */
  readonly change?: (answer: Answer, occasion: Occasion) => Answer;
  /** What a session that logs in is shown of the mailbox. Asked whenever it is switched on, whatever `strikes` says. */
  readonly shows?: ChooseEntries;
  /** What the end of a session removes in place of what it should. Asked as `shows` is. */
  readonly removes?: Removal;
}

interface Armed {
  readonly what: Misbehaviour;
  toSkip: number;
  left: number;
}

/** The misbehaviours of one server, changeable while it runs. */
export class MisbehaviourSwitch {
  #armed: readonly Armed[] = [];

  /** Switches on; the function given back switches off. Several may strike one command, in the order they were switched on. */
  on(...misbehaviours: readonly Misbehaviour[]): () => void {
    const armed = misbehaviours.map(arm);
    this.#armed = [...this.#armed, ...armed];
    return () => {
      this.#armed = this.#armed.filter((one) => !armed.includes(one));
    };
  }

  allOff(): void {
    this.#armed = [];
  }

  /** What a session is shown: chosen by all that choose, one behind the other. */
  readonly shown: ChooseEntries = (entries) =>
    this.#armed.reduce((left, { what }) => what.shows?.(left) ?? left, entries);

  /** The first that says what the end of a session removes; undefined where all keep to the RFC. */
  get removal(): Removal | undefined {
    return this.#armed.find(({ what }) => what.removes !== undefined)?.what.removes;
  }

  /** The answer to one command: what a misbehaviour puts in its place, else what carrying it out gives; changed by all that strike. */
  answer(occasion: Occasion, carryOut: () => Answer): Answer {
    const striking = this.#armed.filter((one) => isStriking(one, occasion)).map(({ what }) => what);
    let answer: Answer | undefined;
    for (const { instead } of striking) {
      answer ??= instead?.(occasion);
    }
    const first = answer ?? carryOut();
    return striking.reduce((changed, { change }) => change?.(changed, occasion) ?? changed, first);
  }
}

function arm(what: Misbehaviour): Armed {
  return { what, toSkip: what.skip ?? 0, left: what.times ?? Number.POSITIVE_INFINITY };
}

function isStriking(armed: Armed, occasion: Occasion): boolean {
  if (armed.left === 0 || !armed.what.strikes(occasion)) {
    return false;
  }
  if (armed.toSkip > 0) {
    armed.toSkip -= 1;
    return false;
  }
  armed.left -= 1;
  return true;
}
