/**
 * Opens the sessions of an account as its server allows: waits for locks and delays as long as patience lasts, backs off
 * with all accounts of a host that does not answer, spaces logins, and never sends a login again that was refused.
 */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { AccountLedger, LoginTimes } from '../../ledger/ledger.ts';
import type { Pop3Client } from '../../pop3/client.ts';
import { RefusedError } from '../../pop3/errors.ts';
import type { OpeningStep } from '../../pop3/open-client.ts';
import { NO_PLACE, type Place } from '../account-pool.ts';
import { toError } from '../account-work.ts';
import type { AccountSource, OpenOptions } from '../context.ts';
import { LONGEST_PAUSE_MS } from './backoff.ts';
import { decideRetry, type Retry } from './decide-retry.ts';
import type { HostPace, Turn } from './host-pace.ts';
import type { LoginSpacing } from './login-spacing.ts';
import type { LoginState } from './login-state.ts';
import type { PaceContext, RunPace } from './run-pace.ts';
import { Patience, Waiting, type WaitReason } from './waiting.ts';

/** Attempts of one opening that may find no server, also where other accounts find it in between. */
const MOST_HOST_FAILURES = 5;

/** What an account's openings work with. */
interface Parts {
  readonly source: AccountSource;
  readonly host: HostPace;
  readonly spacing: LoginSpacing;
  readonly login: LoginState;
  readonly rows: AccountLedger;
  readonly waiting: Waiting;
  readonly context: PaceContext;
}

/** The source, with openings that keep to the pace of the run. */
export function withPace(
  source: AccountSource,
  pace: RunPace,
  context: PaceContext,
  place: Place = NO_PLACE,
): AccountSource {
  const parts = (): Parts => ({
    source,
    host: pace.hostOf(source),
    spacing: pace.spacingOf(source),
    login: pace.loginOf(source),
    rows: context.ledger.openAccount(source),
    waiting: new Waiting(source, context, place),
    context,
  });
  const sessions = new Patience(context);
  return {
    ...source,
    open: (signal, options) => new Opening(parts(), new Patience(context)).open(signal, options),
    outwait: (cause) => new Opening(parts(), sessions).outwait(cause),
  };
}

/** One session being opened, with all its attempts. */
class Opening {
  readonly #parts: Parts;
  readonly #patience: Patience;
  #hostFailures = 0;
  /** As the ledger has them. */
  #recorded: LoginTimes | undefined;

  constructor(parts: Parts, patience: Patience) {
    this.#parts = parts;
    this.#patience = patience;
  }

  /** @throws MailferryError: the last failure, or why no attempt was made. */
  async open(signal: AbortSignal, options: OpenOptions = {}): Promise<Pop3Client> {
    const { login, rows } = this.#parts;
    const end = await this.#takeLogin();
    try {
      this.#recorded = rows.loginTimes();
      login.load(this.#recorded);
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

  /** Some servers say behind the login what others say to it; what was begun by then was nothing but reading. */
  async outwait(cause: unknown): Promise<boolean> {
    const retry = cause instanceof RefusedError ? decideRetry(cause, 'logging-in') : 'none';
    if (!(cause instanceof RefusedError) || (retry !== 'account-waits' && retry !== 'login-is-delayed')) {
      return false;
    }
    await (retry === 'account-waits' ? this.#waitOut(cause) : this.#comeLater(cause));
    return true;
  }

  /** @returns undefined where the failure was waited for, or another attempt may be made. */
  async #attempt(turn: Turn, signal: AbortSignal, options: OpenOptions): Promise<Pop3Client | undefined> {
    const { source, host, login } = this.#parts;
    let step: OpeningStep | undefined;
    let session: Promise<void> = Promise.resolve();
    try {
      const client = await source.open(signal, {
        ...options,
        onStep: (reached, capabilities) => {
          step = reached;
          if (reached === 'connected') {
            host.connected(turn);
            login.announced(capabilities);
          }
          options.onStep?.(reached, capabilities);
        },
      });
      session = client.closed;
      await this.#loggedIn(client);
      return client;
    } catch (thrown) {
      if (!(thrown instanceof MailferryError)) {
        throw thrown;
      }
      await this.#afterFailure(decideRetry(thrown, step), thrown, turn);
      return undefined;
    } finally {
      void session.then(() => host.ended(turn));
    }
  }

  async #loggedIn(client: Pop3Client): Promise<void> {
    const { login, context } = this.#parts;
    login.announced(client.capabilities);
    login.loggedIn(context.now());
    try {
      await this.#record();
    } catch (thrown) {
      client.drop(toError(thrown));
      throw thrown;
    }
  }

  /** Returns where another attempt may be made. @throws the cause where none may. */
  async #afterFailure(retry: Retry, cause: MailferryError, turn: Turn): Promise<void> {
    switch (retry) {
      case 'host-backs-off':
        return this.#backOff(cause, turn);
      case 'host-is-given-up':
        this.#parts.host.lost(turn, cause);
        throw cause;
      case 'account-waits':
        return this.#waitOut(cause);
      case 'login-is-delayed':
        return this.#comeLater(cause);
      case 'never-this-login':
        this.#parts.login.refusal = cause;
        throw cause;
      case 'none':
        throw cause;
    }
  }

  /** Where the host is worth another attempt the next one waits for its time. */
  #backOff(cause: MailferryError, turn: Turn): void {
    const { host, waiting, context } = this.#parts;
    const isFull = host.failed(turn, cause, context.now());
    host.ended(turn);
    if (isFull && !waiting.isStopping) {
      return;
    }
    this.#hostFailures += 1;
    if (!host.isWorthWaiting || this.#hostFailures >= MOST_HOST_FAILURES || waiting.isStopping) {
      throw cause;
    }
  }

  /** @throws the cause at the end of patience. */
  async #waitOut(cause: MailferryError): Promise<void> {
    const pauseMs = this.#patience.nextPauseMs();
    if (pauseMs === 0) {
      throw cause;
    }
    this.#patience.spend(pauseMs);
    await this.#parts.waiting.for('account', cause, pauseMs);
  }

  /** The time of the next login is kept for the next run too; the wait for it comes before the next attempt. */
  async #comeLater(cause: MailferryError): Promise<void> {
    const { login, context } = this.#parts;
    login.cameTooSoon(context.now(), this.#patience.nextPauseMs() || LONGEST_PAUSE_MS);
    await this.#record();
    if (login.waitMs(context.now()) > this.#patience.leftMs) {
      throw leftToNextRun(login, cause);
    }
  }

  /** A server without delays costs neither a question nor a sync for each login. */
  async #record(): Promise<void> {
    const { login, rows } = this.#parts;
    const { times } = login;
    const { nextLoginAt, learnedDelayMs } = this.#recorded ?? {};
    if (times.nextLoginAt !== nextLoginAt || times.learnedDelayMs !== learnedDelayMs) {
      await rows.recordLoginTimes(times);
      this.#recorded = times;
    }
  }

  /** @throws MailferryError where this login was refused in this run, or its time is beyond patience. */
  async #untilLoginMayBeSent(): Promise<void> {
    const { login, waiting, context } = this.#parts;
    if (login.refusal !== undefined) {
      throw notAgain(login.refusal);
    }
    const waitMs = login.waitMs(context.now());
    if (waitMs > this.#patience.leftMs) {
      throw leftToNextRun(login, undefined);
    }
    if (waitMs > 0) {
      this.#patience.spend(waitMs);
      await waiting.for('account', DELAYED, waitMs);
    }
  }

  /** @throws MailferryError `host-given-up` */
  async #untilHostMayBeTried(): Promise<Turn> {
    const { host, waiting, context } = this.#parts;
    for (;;) {
      const admission = host.admit(context.now());
      if (admission.kind === 'wait') {
        waiting.tell(admission.cause, host.notBefore);
        await waiting.until('host', admission.untilSettled);
        continue;
      }
      if (admission.kind === 'queue') {
        await waiting.until('host', admission.untilEnded);
        continue;
      }
      try {
        if (admission.kind === 'probe' && admission.pauseMs > 0) {
          await waiting.for('host', admission.cause, admission.pauseMs);
        }
        await this.#untilSpaced();
        // While this one waited for its turn another may have found the host gone.
        if (admission.kind === 'probe' || !host.isFailing) {
          return admission.turn;
        }
        host.ended(admission.turn);
      } catch (thrown) {
        host.ended(admission.turn);
        throw thrown;
      }
    }
  }

  async #untilSpaced(): Promise<void> {
    const { spacing, waiting, context } = this.#parts;
    let isTold = false;
    for (;;) {
      const now = context.now();
      const waitMs = spacing.take(now);
      if (waitMs === 0) {
        return;
      }
      if (!isTold && waitMs >= WORTH_TELLING_MS) {
        waiting.tell(SPACED, now + waitMs);
        isTold = true;
      }
      await waiting.sleep('host', waitMs);
    }
  }

  /** One opening of a login at a time: the others see what came of it. */
  async #takeLogin(): Promise<() => void> {
    const { login, waiting } = this.#parts;
    for (;;) {
      const { opening } = login;
      if (opening === undefined) {
        return login.begin();
      }
      await waiting.until('account', opening);
    }
  }
}

/** Shorter spaces between logins are told to nobody: there may be thousands. */
const WORTH_TELLING_MS = 1_000;

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
