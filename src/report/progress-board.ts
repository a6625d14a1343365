/**
 * Where a run stands, from its events: the accounts at work and the total. Memory follows the accounts at work, not those
 * of the job. It must not know how it is shown.
 */
import type { MailferryEvent } from '../pipeline/events.ts';
import type { ReporterClock } from './clock.ts';
import { RateMeter, type Rates } from './rate-meter.ts';

/** One account at work, or the total. */
export interface Progress {
  readonly doneMessages: number;
  readonly doneOctets: number;
  /** Undefined until the maildrop is listed. */
  readonly wanted: { readonly messages: number; readonly octets: number } | undefined;
  /** From 0 to 1: how much of the work is done, as far as is known. */
  readonly fraction: number;
  readonly rates: Rates | undefined;
  readonly timeLeftMs: number | undefined;
}

export interface AccountProgress extends Progress {
  readonly account: string;
  readonly host: string;
  /** How long nothing is done for it yet; undefined where something is. */
  readonly waitsForMs: number | undefined;
}

export interface TotalProgress extends Progress {
  readonly accounts: number;
  readonly finishedAccounts: number;
  /** Of those at work. */
  readonly waitingAccounts: number;
}

interface ActiveAccount {
  readonly account: string;
  host: string;
  wanted: { messages: number; octets: number } | undefined;
  doneMessages: number;
  doneOctets: number;
  /** What earlier sessions of this run have done; undefined before the first listing. */
  before: { messages: number; octets: number } | undefined;
  waitsUntil: number | undefined;
  readonly meter: RateMeter;
}

export class ProgressBoard {
  readonly #clock: ReporterClock;
  readonly #startedAt: number;
  readonly #accounts: number;
  readonly #active = new Map<string, ActiveAccount>();
  readonly #meter: RateMeter;
  #finished = 0;
  #listed = 0;
  /** Sums over all accounts so far, those at work included. */
  #sum = { doneMessages: 0, doneOctets: 0, wantedMessages: 0, wantedOctets: 0 };

  constructor(accounts: number, clock: ReporterClock) {
    this.#clock = clock;
    this.#accounts = accounts;
    this.#startedAt = clock.now();
    this.#meter = new RateMeter(this.#startedAt);
  }

  get activeCount(): number {
    return this.#active.size;
  }

  take(event: MailferryEvent): void {
    switch (event.type) {
      case 'account.started':
        this.#entry(event.account).host = event.host;
        break;
      case 'account.listed':
        this.#entry(event.account).waitsUntil = undefined;
        this.#list(this.#entry(event.account), event.wanted, event.wantedOctets);
        break;
      case 'account.waiting':
        this.#entry(event.account).waitsUntil = event.until;
        break;
      case 'account.counted':
        this.#setWanted(this.#entry(event.account), event.receipts, event.octets);
        break;
      case 'account.progressed':
        this.#progress(this.#entry(event.account), event.messages, event.octets);
        break;
      case 'account.finished':
      case 'account.verified':
        this.#finish(event.account);
        break;
      default:
        break;
    }
  }

  /** The accounts that have been at work longest, at most `limit` of them. */
  accounts(limit: number): AccountProgress[] {
    const shown: AccountProgress[] = [];
    for (const entry of this.#active.values()) {
      if (shown.length >= limit) {
        break;
      }
      shown.push(this.#progressOf(entry));
    }
    return shown;
  }

  total(): TotalProgress {
    const { doneMessages, doneOctets, wantedMessages, wantedOctets } = this.#sum;
    const rates = this.#meter.measure(this.#clock.now(), doneMessages, doneOctets);
    return {
      accounts: Math.max(this.#accounts, this.#finished + this.#active.size),
      finishedAccounts: this.#finished,
      waitingAccounts: this.waitingCount,
      doneMessages,
      doneOctets,
      wanted: this.#listed === 0 ? undefined : { messages: wantedMessages, octets: wantedOctets },
      fraction: this.#totalFraction(),
      rates,
      timeLeftMs: this.#totalTimeLeft(rates),
    };
  }

  #entry(account: string): ActiveAccount {
    const known = this.#active.get(account);
    if (known !== undefined) {
      return known;
    }
    const entry: ActiveAccount = {
      account,
      host: '',
      wanted: undefined,
      doneMessages: 0,
      doneOctets: 0,
      before: undefined,
      waitsUntil: undefined,
      meter: new RateMeter(this.#clock.now()),
    };
    this.#active.set(account, entry);
    return entry;
  }

  #waitsForMs({ waitsUntil }: ActiveAccount): number | undefined {
    const leftMs = (waitsUntil ?? 0) - this.#clock.now();
    return leftMs > 0 ? leftMs : undefined;
  }

  /** Of those at work. */
  get waitingCount(): number {
    let waiting = 0;
    for (const entry of this.#active.values()) {
      waiting += this.#waitsForMs(entry) === undefined ? 0 : 1;
    }
    return waiting;
  }

  /** A further session of the account lists what is left: what the sessions before it did stays done. */
  #list(entry: ActiveAccount, messages: number, octets: number): void {
    entry.before =
      entry.before === undefined
        ? { messages: 0, octets: 0 }
        : { messages: entry.doneMessages, octets: entry.doneOctets };
    this.#setWanted(entry, entry.before.messages + messages, entry.before.octets + octets);
  }

  #progress(entry: ActiveAccount, messages: number, octets: number): void {
    const { before = { messages: 0, octets: 0 } } = entry;
    this.#setDone(entry, before.messages + messages, before.octets + octets);
  }

  #setWanted(entry: ActiveAccount, messages: number, octets: number): void {
    this.#listed += entry.wanted === undefined ? 1 : 0;
    this.#sum.wantedMessages += messages - (entry.wanted?.messages ?? 0);
    this.#sum.wantedOctets += octets - (entry.wanted?.octets ?? 0);
    entry.wanted = { messages, octets };
  }

  #setDone(entry: ActiveAccount, messages: number, octets: number): void {
    this.#sum.doneMessages += messages - entry.doneMessages;
    this.#sum.doneOctets += octets - entry.doneOctets;
    entry.doneMessages = messages;
    entry.doneOctets = octets;
  }

  /** What a finished account did not fetch is no longer ahead of us: the total must reach its end. */
  #finish(account: string): void {
    const entry = this.#active.get(account);
    this.#finished += 1;
    if (entry === undefined) {
      return;
    }
    if (entry.wanted !== undefined) {
      this.#setWanted(entry, entry.doneMessages, entry.doneOctets);
    }
    this.#active.delete(account);
  }

  #progressOf(entry: ActiveAccount): AccountProgress {
    const rates = entry.meter.measure(this.#clock.now(), entry.doneMessages, entry.doneOctets);
    const { account, host, wanted, doneMessages, doneOctets } = entry;
    const ahead = wanted === undefined ? undefined : wanted.octets - doneOctets;
    return {
      account,
      host,
      waitsForMs: this.#waitsForMs(entry),
      wanted,
      doneMessages,
      doneOctets,
      fraction: wanted === undefined ? 0 : ratio(doneOctets, wanted.octets),
      rates,
      timeLeftMs: timeFor(ahead, rates),
    };
  }

  #unseenAccounts(): number {
    return Math.max(0, this.#accounts - Math.max(this.#listed, this.#finished));
  }

  /** Never more than the accounts that were looked at: the first mailbox of a thousand is not half of the work. */
  #totalFraction(): number {
    const { doneOctets, wantedOctets } = this.#sum;
    const seen = ratio(this.#accounts - this.#unseenAccounts(), this.#accounts);
    const average = this.#listed === 0 ? 0 : wantedOctets / this.#listed;
    const expected = wantedOctets + average * this.#unseenAccounts();
    const fetched = expected === 0 ? ratio(this.#finished, this.#accounts) : ratio(doneOctets, expected);
    return Math.min(seen, fetched);
  }

  /**
   * The longer of two guesses: by octets, taking the accounts not listed yet for as large as the others; and by accounts,
   * which is what counts on a night when there is hardly anything to fetch.
   */
  #totalTimeLeft(rates: Rates | undefined): number | undefined {
    const { doneOctets, wantedOctets } = this.#sum;
    const unlisted = this.#unseenAccounts();
    const average = this.#listed === 0 ? 0 : wantedOctets / this.#listed;
    const byOctets =
      this.#listed === 0 ? undefined : timeFor(wantedOctets - doneOctets + average * unlisted, rates);
    const elapsedMs = this.#clock.now() - this.#startedAt;
    const byAccounts = this.#finished === 0 ? undefined : (elapsedMs / this.#finished) * unlisted;
    const guesses = [byOctets, byAccounts].filter((guess) => guess !== undefined);
    return guesses.length === 0 ? undefined : Math.max(...guesses);
  }
}

function ratio(part: number, whole: number): number {
  return whole <= 0 ? 1 : Math.min(1, Math.max(0, part / whole));
}

function timeFor(octets: number | undefined, rates: Rates | undefined): number | undefined {
  if (octets === undefined || rates === undefined || rates.octetsPerSecond <= 0) {
    return undefined;
  }
  return (Math.max(0, octets) * 1000) / rates.octetsPerSecond;
}
