/**
 * What an account may fetch on one day (UTC), over all its sessions and runs. Octets are set aside in the ledger before they
 * are asked for, a share of the limit at a time, so that a run that is killed never leads to more than the limit; what was
 * set aside and not used is given back at the end of the session.
 */
import type { Failpoint } from '../errors/failpoint.ts';
import type { AccountLedger } from '../ledger/ledger.ts';

/** Each time a part of the limit is set aside: a killed run wastes at most so much. */
const SHARES = 64;

export interface DayBudgetOptions {
  readonly limitOctets: number;
  readonly rows: Pick<AccountLedger, 'trafficOn' | 'addTraffic'>;
  readonly now: () => number;
  readonly failpoint: Failpoint;
  /** Called when `ask` may be tried again after `hold`. */
  readonly onReady: () => void;
}

export class DayBudget {
  readonly #options: DayBudgetOptions;
  /** The day that this session counts for: the one on which it began. */
  readonly #day: string;
  /** Spent by others before, and set aside by us. */
  #spent: number;
  #setAside = 0;
  #asked = 0;
  #received = 0;
  #pending: Promise<void> | undefined;
  #failure: unknown;

  constructor(options: DayBudgetOptions) {
    this.#options = options;
    this.#day = dayOf(options.now());
    this.#spent = options.rows.trafficOn(this.#day);
  }

  /** @throws what recording threw. */
  ask(octets: number): 'granted' | 'hold' | 'day-spent' {
    if (this.#failure !== undefined) {
      throw this.#failure;
    }
    if (this.#pending !== undefined) {
      return 'hold';
    }
    // Sizes of LIST may be too small: what came beyond them counts as well.
    const lacking = Math.max(this.#asked, this.#received) + octets - this.#setAside;
    if (lacking <= 0) {
      this.#asked += octets;
      return 'granted';
    }
    const left = this.#options.limitOctets - this.#spent;
    if (lacking > left && this.#spent > 0) {
      return 'day-spent';
    }
    this.#pending = this.#reserve(Math.max(lacking, Math.min(left, this.#options.limitOctets / SHARES)));
    return 'hold';
  }

  received(octets: number): void {
    this.#received += octets;
  }

  /** Gives back what was set aside and did not come. To be called when nothing more can come. */
  async settle(): Promise<void> {
    await this.#pending;
    const correction = this.#received - this.#setAside;
    if (correction !== 0) {
      this.#setAside = this.#received;
      this.#spent += correction;
      await this.#options.rows.addTraffic(this.#day, correction);
      this.#options.failpoint('traffic.settled');
    }
  }

  async #reserve(octets: number): Promise<void> {
    try {
      const whole = Math.ceil(octets);
      await this.#options.rows.addTraffic(this.#day, whole);
      this.#options.failpoint('traffic.reserved');
      this.#spent += whole;
      this.#setAside += whole;
    } catch (thrown) {
      this.#failure = thrown;
    }
    this.#pending = undefined;
    this.#options.onReady();
  }
}

/** `2026-11-21` in UTC. */
export function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** When the day after begins. */
export function nextDay(at: number): string {
  return `${dayOf(at + 86_400_000)}T00:00:00Z`;
}
