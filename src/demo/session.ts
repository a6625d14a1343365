/**
 * One POP3 session: the states of RFC 1939 §3 (AUTHORIZATION, TRANSACTION, UPDATE) and the way from a command line to an
 * answer that is sent. What the commands do is in `authorization.ts` and `transaction.ts`; what goes wrong on purpose is
 * asked of `misbehaviour.ts` at one place, `#answer`.
 */
import type { SecureContext } from 'node:tls';
import { type Answer, type Command, err, ok } from './answer.ts';
import { AUTHORIZATION, type Door, type User } from './authorization.ts';
import type { InputLine } from './command-lines.ts';
import { deliver } from './delivery.ts';
import type { Maildrop } from './mailbox.ts';
import type { MisbehaviourSwitch } from './misbehaviour-switch.ts';
import { capabilities, type Offer } from './offer.ts';
import type { ServerRecord } from './record.ts';
import { TRANSACTION } from './transaction.ts';
import type { Wire } from './wire.ts';

/** What all sessions of a server share. */
export interface SessionContext {
  readonly offer: Offer;
  readonly users: ReadonlyMap<string, User>;
  readonly misbehaviour: MisbehaviourSwitch;
  readonly record: ServerRecord;
  readonly secureContext: SecureContext | undefined;
  /** Ends waits of a misbehaviour when the server closes. */
  readonly signal: AbortSignal;
}

/** AUTHORIZATION remembers what USER said, for the one command that follows. UPDATE ends the session. */
type State =
  | { readonly name: 'AUTHORIZATION'; readonly namedUser?: string }
  | { readonly name: 'TRANSACTION'; readonly maildrop: Maildrop }
  | { readonly name: 'UPDATE' };

/** RFC 2449 §4: a command has at most 255 octets, its CRLF included. */
const COMMAND_LIMIT_OCTETS = 255;

export class Session {
  readonly #wire: Wire;
  readonly #context: SessionContext;
  readonly #number: number;
  readonly #timestamp: string;
  #state: State = { name: 'AUTHORIZATION' };
  #onResponse: Answer['onResponse'];
  #userName: string | undefined;

  /** `timestamp` is the APOP banner with its angle brackets, unique per session (RFC 1939 §7); empty without APOP. */
  constructor(wire: Wire, context: SessionContext, facts: { number: number; timestamp: string }) {
    this.#wire = wire;
    this.#context = context;
    this.#number = facts.number;
    this.#timestamp = facts.timestamp;
  }

  /** Resolves when the connection is gone; the maildrop is unlocked by then, and before the client sees the end. */
  async run(): Promise<void> {
    try {
      let isGoingOn = await this.#answer({ verb: 'GREETING', argument: '' });
      while (isGoingOn) {
        const line = await this.#wire.readLine();
        isGoingOn = line !== undefined && (await this.#take(line));
      }
    } finally {
      this.#release();
    }
    await this.#wire.end('fin');
  }

  /** Answers one line; false when the session is over. */
  async #take(line: InputLine): Promise<boolean> {
    if (line.kind === 'endless') {
      await this.#send(err('the line is too long', { next: 'close' }));
      return false;
    }
    if (line.kind === 'bare-lf') {
      return this.#send(err('a command line ends with CRLF'));
    }
    if (this.#onResponse === undefined && line.text.length + 2 > COMMAND_LIMIT_OCTETS) {
      return this.#send(err('a command has at most 255 octets'));
    }
    const command = this.#onResponse === undefined ? parseCommand(line.text) : responseOf(line.text);
    this.#context.record.commandReceived(this.#number, command);
    return this.#answer(command);
  }

  async #answer(command: Command): Promise<boolean> {
    const { isPipelined } = this.#wire;
    const occasion = { command, user: this.#userName, session: this.#number, isPipelined };
    return this.#send(this.#context.misbehaviour.answer(occasion, () => this.#carryOut(command)));
  }

  async #send(answer: Answer): Promise<boolean> {
    this.#onResponse = answer.onResponse;
    const ending = answer.delivery?.ending;
    if (answer.next === 'close' || (ending !== undefined && ending !== 'silence')) {
      // Before the octets: a client that has read the answer to QUIT may log in again at once.
      this.#release();
    }
    await deliver(answer, this.#wire, this.#context.signal);
    if (answer.next === 'start-tls' && this.#context.secureContext !== undefined) {
      await this.#wire.flush();
      this.#wire.startTls(this.#context.secureContext);
    }
    return answer.next !== 'close' && ending === undefined && !this.#wire.isClosed;
  }

  #carryOut(command: Command): Answer {
    if (command.verb === 'GREETING') {
      return ok(`mailferry demo server ready ${this.#timestamp}`.trimEnd());
    }
    if (this.#onResponse !== undefined) {
      return this.#onResponse(command.argument);
    }
    if (command.verb === 'CAPA') {
      return this.#capa();
    }
    if (command.verb === 'QUIT') {
      return this.#quit();
    }
    return this.#inState(command) ?? err('the command is not known, or not in this state');
  }

  #inState({ verb, argument }: Command): Answer | undefined {
    const state = this.#state;
    if (state.name === 'TRANSACTION') {
      return lookUp(TRANSACTION, verb)?.(state.maildrop, argument);
    }
    if (state.name !== 'AUTHORIZATION') {
      return undefined;
    }
    const answer = lookUp(AUTHORIZATION, verb)?.(this.#door(state.namedUser), argument);
    if (this.#state === state) {
      // RFC 1939 §7: PASS only directly after USER; whatever comes uses the name up.
      const isNamed = verb === 'USER' && answer?.status.startsWith('+OK');
      this.#state = { name: 'AUTHORIZATION', ...(isNamed && { namedUser: argument }) };
    }
    return answer;
  }

  #door(namedUser: string | undefined): Door {
    return {
      offer: this.#context.offer,
      isSecure: this.#wire.isSecure,
      timestamp: this.#timestamp,
      namedUser,
      findUser: (name) => this.#context.users.get(name),
      enter: (user) => this.#enter(user),
    };
  }

  #enter(user: User): Answer {
    const maildrop = user.mailbox.open(this.#context.misbehaviour.shown);
    if (maildrop === undefined) {
      // RFC 2449 §8.1.2: the credentials were right, another session holds the lock.
      return err('[IN-USE] another session has this maildrop');
    }
    this.#state = { name: 'TRANSACTION', maildrop };
    this.#userName = user.name;
    return ok('logged in');
  }

  #capa(): Answer {
    const { offer } = this.#context;
    const facts = { offer, isSecure: this.#wire.isSecure, isLoggedIn: this.#state.name === 'TRANSACTION' };
    return ok('capabilities follow', { lines: capabilities(facts) });
  }

  /** RFC 1939 §6: only QUIT in TRANSACTION enters UPDATE, and only UPDATE removes. */
  #quit(): Answer {
    if (this.#state.name === 'TRANSACTION') {
      this.#state.maildrop.commit(this.#context.misbehaviour.removal);
      this.#state = { name: 'UPDATE' };
    }
    return ok('bye', { next: 'close' });
  }

  #release(): void {
    if (this.#state.name === 'TRANSACTION') {
      this.#state.maildrop.release(this.#context.misbehaviour.removal);
      this.#state = { name: 'UPDATE' };
    }
  }
}

/** RFC 1939 §3: the keyword is not case-sensitive; what follows the first space is the argument, inner and outer spaces included. */
function parseCommand(line: string): Command {
  const space = line.indexOf(' ');
  const verb = space === -1 ? line : line.slice(0, space);
  return { verb: verb.toUpperCase(), argument: space === -1 ? '' : line.slice(space + 1) };
}

function responseOf(line: string): Command {
  return { verb: 'AUTH-RESPONSE', argument: line };
}

function lookUp<Handler>(table: Readonly<Record<string, Handler>>, verb: string): Handler | undefined {
  return Object.hasOwn(table, verb) ? table[verb] : undefined;
}
