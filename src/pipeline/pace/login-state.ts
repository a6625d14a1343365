/**
 * One login (host and user) in one run: whether it may be sent, and when. All accounts of a job that share it share this.
 * It must not know sessions or timers.
 *
 * The next login may be made after the longer of what CAPA announces (RFC 2449 §6.5, after login it is the user's own value)
 * and what the server was seen to enforce; each login starts that time anew.
 */
import type { MailferryError } from '../../errors/mailferry-error.ts';
import type { LoginTimes } from '../../ledger/ledger.ts';
import type { Capabilities } from '../../pop3/capabilities.ts';

/** No server means more than a day; one that says so must not keep an account from being archived for years. */
const LONGEST_DELAY_MS = 24 * 3_600_000;

/** The longest that servers are known to enforce without announcing it: a refusal after more had another reason. */
const LONGEST_LEARNED_MS = 15 * 60_000;

/** What CAPA asks to keep between two logins; undefined where it asks for nothing that can be understood. */
export function announcedDelayMs(capabilities: Capabilities | undefined): number | undefined {
  const [seconds = ''] = capabilities?.parametersOf('LOGIN-DELAY') ?? [];
  return /^\d{1,12}$/.test(seconds) ? Math.min(Number(seconds) * 1_000, LONGEST_DELAY_MS) : undefined;
}

export class LoginState {
  /** Why this login is not sent again in this run. */
  refusal: MailferryError | undefined;
  #announcedMs = 0;
  #learnedMs = 0;
  #nextAt: number | undefined;
  #lastLoginAt: number | undefined;
  #wasTooSoon = false;
  #opening: Promise<void> | undefined;

  /** What an earlier run has left. */
  load({ learnedDelayMs, nextLoginAt }: LoginTimes): void {
    this.#learnedMs = Math.max(this.#learnedMs, learnedDelayMs);
    if (nextLoginAt !== null && nextLoginAt > (this.#nextAt ?? 0)) {
      this.#nextAt = nextLoginAt;
    }
  }

  get times(): LoginTimes {
    return { learnedDelayMs: this.#learnedMs, nextLoginAt: this.#nextAt ?? null };
  }

  get nextAt(): number | undefined {
    return this.#nextAt;
  }

  /** How long to wait before this login; 0 for not at all. Bounded, also where the clock was set back. */
  waitMs(now: number): number {
    return Math.min(LONGEST_DELAY_MS, Math.max(0, (this.#nextAt ?? 0) - now));
  }

  /** What CAPA said, before or after login: the later one counts. */
  announced(capabilities: Capabilities | undefined): void {
    this.#announcedMs = announcedDelayMs(capabilities) ?? this.#announcedMs;
  }

  loggedIn(now: number): void {
    if (this.#wasTooSoon && this.#lastLoginAt !== undefined) {
      const enforcedMs = now - this.#lastLoginAt;
      this.#learnedMs = Math.max(this.#learnedMs, enforcedMs > LONGEST_LEARNED_MS ? 0 : enforcedMs);
    }
    this.#wasTooSoon = false;
    this.#lastLoginAt = now;
    this.#nextAt = this.#delayMs > 0 ? now + this.#delayMs : undefined;
  }

  /** The server wants more time. @param pauseMs to wait where nobody has said how long */
  cameTooSoon(now: number, pauseMs: number): void {
    this.#wasTooSoon = true;
    this.#nextAt = now + (this.#delayMs > 0 ? this.#delayMs : pauseMs);
  }

  /** The opening that is under way, if any: the password is sent by one at a time, so that a wrong one is sent once. */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  /** @returns to be called when the opening has ended. */
  begin(): () => void {
    let end = (): void => undefined;
    this.#opening = new Promise<void>((resolve) => {
      end = () => {
        this.#opening = undefined;
        resolve();
      };
    });
    return end;
  }

  get #delayMs(): number {
    return Math.max(this.#announcedMs, this.#learnedMs);
  }
}
