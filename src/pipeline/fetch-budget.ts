/**
 * How much a session may fetch: asked before each message. What one message is beyond a budget is still fetched, alone in its
 * session or day: a budget must never keep a message for ever.
 */
import type { DayBudget } from './day-budget.ts';

/** What a job allows for each account; what is undefined does not limit. */
export interface Budgets {
  readonly octetsPerSession: number | undefined;
  readonly messagesPerSession: number | undefined;
  readonly octetsPerDay: number | undefined;
}

export const NO_BUDGETS: Budgets = {
  octetsPerSession: undefined,
  messagesPerSession: undefined,
  octetsPerDay: undefined,
};

/** `hold`: to be asked again, once it says that it may be. */
export type Answer = 'granted' | 'hold' | 'session-spent' | 'day-spent';

export class FetchBudget {
  readonly #octetsLimit: number;
  readonly #messagesLimit: number;
  readonly #day: DayBudget | undefined;
  #octets = 0;
  #messages = 0;

  constructor({ octetsPerSession, messagesPerSession }: Budgets, day: DayBudget | undefined) {
    this.#octetsLimit = octetsPerSession ?? Number.POSITIVE_INFINITY;
    this.#messagesLimit = messagesPerSession ?? Number.POSITIVE_INFINITY;
    this.#day = day;
  }

  /** May a message of so many octets be asked for? What is granted is counted. @throws what recording threw. */
  ask(octets: number): Answer {
    const isFirst = this.#messages === 0;
    const fits = this.#messages < this.#messagesLimit && this.#octets + octets <= this.#octetsLimit;
    if (!isFirst && !fits) {
      return 'session-spent';
    }
    const answer = this.#day?.ask(octets) ?? 'granted';
    if (answer === 'granted') {
      this.#messages += 1;
      this.#octets += octets;
    }
    return answer;
  }

  /** Octets that came, of whatever message. */
  received(octets: number): void {
    this.#day?.received(octets);
  }
}
