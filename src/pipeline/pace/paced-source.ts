/**
 * Opens the sessions of an account as its server allows: waits for locks and delays as long as patience lasts, backs off
 * with all accounts of a host that does not answer, spaces logins, and never sends a login again that was refused.
 * A wait holds no place in the pool that others could use; a signal to stop ends it at once.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { AccountLedger } from '../../ledger/ledger.ts';
import type { Pop3Client } from '../../pop3/client.ts';
import type { OpeningStep } from '../../pop3/open-client.ts';
import { NO_PLACE, type Place, type WaitScope } from '../account-pool.ts';
import type { AccountSource, OpenOptions } from '../context.ts';
import { decidePauseMs, LONGEST_PAUSE_MS } from './backoff.ts';
import { decideRetry, type Retry } from './decide-retry.ts';
import type { HostPace, Turn } from './host-pace.ts';
import type { LoginSpacing } from './login-spacing.ts';
import type { LoginState } from './login-state.ts';
import type { PaceContext, RunPace } from './run-pace.ts';

/** Attempts of one opening that may find no server, also where other accounts find it in between. */
const MOST_HOST_FAILURES = 5;

/** The source, with openings that keep to the pace of the run. */
export function withPace(
  source: AccountSource,
  pace: RunPace,
  context: PaceContext,
  place: Place = NO_PLACE,
): AccountSource {
  return {
    ...source,
    open: (signal, options) => new Opening(source, pace, context, place).open(signal, options),
  };
}

/** One session being opened, with all its attempts. */
class Opening {
  readonly #source: AccountSource;
  readonly #context: PaceContext;
  readonly #place: Place;
  readonly #host: HostPace;
  readonly #spacing: LoginSpacing;
  readonly #login: LoginState;
  readonly #rows: AccountLedger;
  /** Refusals that this account waited for: locks, delays, passing faults. */
  #waits = 0;
  #waitedMs = 0;
  #hostFailures = 0;

  constructor(source: AccountSource, pace: RunPace, context: PaceContext, place: Place) {
    this.#source = source;
    this.#context = context;
    this.#place = place;
    this.#host = pace.hostOf(source);
    this.#spacing = pace.spacingOf(source);
    this.#login = pace.loginOf(source);
    this.#rows = context.ledger.openAccount(source);
  }

  /** @throws MailferryError: the last failure, or why no attempt was made. */
  async open(signal: AbortSignal, options: OpenOptions = {}): Promise<Pop3Client> {
    const end = await this.#takeLogin();
    try {
      this.#login.load(this.#rows.loginTimes());
      for (;;) {
        await this.#untilLoginMayBeSent();
        const client = await this.#attempt(await this.#untilHostMayBeTried(), signal, options);
        if (client !== undefined) {
          return client;
        }
      }
    } finally {
      end();
    }
  }

  /** @returns undefined where the failure was waited for, or another attempt may be made. */
  async #attempt(turn: Turn, signal: AbortSignal, options: OpenOptions): Promise<Pop3Client | undefined> {
    let step: OpeningStep | undefined;
    try {
      const client = await this.#source.open(signal, {
        ...options,
        onStep: (reached, capabilities) => {
          step = reached;
          if (reached === 'connected') {
            this.#host.connected(turn);
            this.#login.announced(capabilities);
          }
          options.onStep?.(reached, capabilities);
        },
      });
      await this.#loggedIn(client);
      return client;
    } catch (thrown) {
      if (!(thrown instanceof MailferryError)) {
        throw thrown;
      }
      await this.#afterFailure(decideRetry(thrown, step), thrown, turn);
      return undefined;
    } finally {
      this.#host.released(turn);
    }
  }

  async #loggedIn({ capabilities }: Pop3Client): Promise<void> {
    this.#login.announced(capabilities);
    this.#login.loggedIn(this.#context.now());
    await this.#rows.recordLoginTimes(this.#login.times);
  }

  /** Returns where another attempt may be made. @throws the cause where none may. */
  async #afterFailure(retry: Retry, cause: MailferryError, turn: Turn): Promise<void> {
    switch (retry) {
      case 'host-backs-off':
        return this.#backOff(cause, turn);
      case 'host-is-given-up':
        this.#host.lost(turn, cause);
        throw cause;
      case 'account-waits':
        return this.#waitOut(cause);
      case 'login-is-delayed':
        return this.#comeLater(cause);
      case 'never-this-login':
        this.#login.refusal = cause;
        throw cause;
      case 'none':
        throw cause;
    }
  }

  /** Where the host is worth another attempt the next one waits for its time. */
  #backOff(cause: MailferryError, turn: Turn): void {
    this.#host.failed(turn, cause, this.#context.now());
    this.#hostFailures += 1;
    if (!this.#host.isWorthWaiting || this.#hostFailures >= MOST_HOST_FAILURES || this.#isStopping) {
      throw cause;
    }
  }

  /** @throws the cause at the end of patience. */
  async #waitOut(cause: MailferryError): Promise<void> {
    const pauseMs = this.#nextPauseMs();
    if (pauseMs === 0) {
      throw cause;
    }
    this.#waitedMs += pauseMs;
    await this.#wait('account', cause, pauseMs);
  }

  /** The time of the next login is kept for the next run too; the wait for it comes before the next attempt. */
  async #comeLater(cause: MailferryError): Promise<void> {
    this.#login.cameTooSoon(this.#context.now(), this.#nextPauseMs() || LONGEST_PAUSE_MS);
    await this.#rows.recordLoginTimes(this.#login.times);
    if (this.#login.waitMs(this.#context.now()) > this.#leftMs) {
      throw leftToNextRun(this.#login, cause);
    }
  }

  /** @throws MailferryError where this login was refused in this run, or its time is beyond patience. */
  async #untilLoginMayBeSent(): Promise<void> {
    const { refusal } = this.#login;
    if (refusal !== undefined) {
      throw notAgain(refusal);
    }
    const waitMs = this.#login.waitMs(this.#context.now());
    if (waitMs > this.#leftMs) {
      throw leftToNextRun(this.#login, undefined);
    }
    if (waitMs > 0) {
      this.#waitedMs += waitMs;
      await this.#wait('account', DELAYED, waitMs);
    }
  }

  /** @throws MailferryError `host-given-up` */
  async #untilHostMayBeTried(): Promise<Turn> {
    for (;;) {
      const admission = this.#host.admit(this.#context.now());
      if (admission.kind === 'wait') {
        this.#tell(admission.cause, this.#host.notBefore);
        await this.#stepAside('host', () => this.#orStopped(admission.untilSettled));
        continue;
      }
      try {
        if (admission.kind === 'probe' && admission.pauseMs > 0) {
          await this.#wait('host', admission.cause, admission.pauseMs);
        }
        await this.#untilSpaced();
        // While this one waited for its turn another may have found the host gone.
        if (admission.kind === 'probe' || !this.#host.isFailing) {
          return admission.turn;
        }
      } catch (thrown) {
        this.#host.released(admission.turn);
        throw thrown;
      }
    }
  }

  async #untilSpaced(): Promise<void> {
    let isTold = false;
    for (;;) {
      const now = this.#context.now();
      const waitMs = this.#spacing.take(now);
      if (waitMs === 0) {
        return;
      }
      if (!isTold) {
        this.#tell(SPACED, now + waitMs);
        isTold = true;
      }
      await this.#stepAside('host', () => this.#sleep(waitMs));
    }
  }

  /** One opening of a login at a time: the others see what came of it. */
  async #takeLogin(): Promise<() => void> {
    for (;;) {
      const { opening } = this.#login;
      if (opening === undefined) {
        return this.#login.begin();
      }
      await this.#stepAside('account', () => this.#orStopped(opening));
    }
  }

  get #leftMs(): number {
    return Math.max(0, this.#context.patienceMs - this.#waitedMs);
  }

  #nextPauseMs(): number {
    this.#waits += 1;
    return decidePauseMs(this.#waits, this.#context.random(), this.#leftMs);
  }

  async #wait(scope: WaitScope, reason: WaitReason, waitMs: number): Promise<void> {
    this.#tell(reason, this.#context.now() + waitMs);
    await this.#stepAside(scope, () => this.#sleep(waitMs));
  }

  #tell({ code, message }: WaitReason, until: number): void {
    const { id, host } = this.#source;
    this.#context.emit({
      type: 'account.waiting',
      account: id,
      host,
      reason: { code, text: message },
      until,
    });
  }

  /** @throws MailferryError `interrupted` at a signal to stop, and takes no place any more. */
  #stepAside(scope: WaitScope, wait: () => Promise<void>): Promise<void> {
    return this.#place.stepAside(scope, async () => {
      if (!this.#isStopping) {
        await wait();
      }
      if (this.#isStopping) {
        throw interrupted();
      }
    });
  }

  async #sleep(waitMs: number): Promise<void> {
    await this.#context.sleep(waitMs, this.#stopping());
  }

  /** What another account does ends by itself, though not at once where the run is to stop. */
  #orStopped(ending: Promise<void>): Promise<void> {
    const signal = this.#stopping();
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      void ending.then(resolve);
    });
  }

  /** A signal of this wait's own: thousands of waits on one signal would be thousands of listeners on it. */
  #stopping(): AbortSignal {
    const { stopSignal, dropSignal } = this.#context;
    return AbortSignal.any([stopSignal, dropSignal]);
  }

  get #isStopping(): boolean {
    return this.#context.stopSignal.aborted || this.#context.dropSignal.aborted;
  }
}

type WaitReason = Pick<MailferryError, 'code' | 'message'>;

const DELAYED: WaitReason = {
  code: 'pop3-login-delay',
  message: 'the server wants more time between logins',
};

const SPACED: WaitReason = {
  code: 'logins-per-minute',
  message: 'limits.loginsPerMinute spaces the logins on this host',
};

function notAgain(refusal: MailferryError): MailferryError {
  const { code, scope, retry, hint } = refusal;
  const text = `this login was not answered with +OK before in this run and is not sent again: ${refusal.message}`;
  return new MailferryError(text, { code, scope, retry, hint, cause: refusal });
}

function leftToNextRun({ nextAt = 0 }: LoginState, cause: MailferryError | undefined): MailferryError {
  const at = new Date(nextAt).toISOString();
  return new MailferryError(`${(cause ?? DELAYED).message}; its next login may be made at ${at}`, {
    code: 'pop3-login-delay',
    scope: 'account',
    retry: 'later',
    hint: 'a later run does it by itself; `limits.patience` says how long a run waits',
    cause,
  });
}

function interrupted(): MailferryError {
  return new MailferryError('the run was interrupted while it waited', {
    code: 'interrupted',
    scope: 'account',
    retry: 'now',
  });
}
