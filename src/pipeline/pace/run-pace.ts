/**
 * The pace of one run: what its hosts and logins have shown so far, shared by all accounts. Made anew for each run; what has
 * to outlive it (login times) is kept in the ledger.
 */
import type { AccountSource, JobContext } from '../context.ts';
import { HostPace } from './host-pace.ts';
import { LoginSpacing } from './login-spacing.ts';
import { LoginState } from './login-state.ts';

export type PaceContext = Pick<
  JobContext,
  'limits' | 'patienceMs' | 'random' | 'now' | 'sleep' | 'emit' | 'ledger' | 'stopSignal' | 'dropSignal'
>;

export class RunPace {
  readonly #context: PaceContext;
  readonly #hosts = new Map<string, HostPace>();
  readonly #spacings = new Map<string, LoginSpacing>();
  readonly #logins = new Map<string, LoginState>();

  constructor(context: PaceContext) {
    this.#context = context;
  }

  /** By host and port: a port that refuses says nothing about another one. */
  hostOf({ host, port }: AccountSource): HostPace {
    const { patienceMs, random } = this.#context;
    const name = `${host.toLowerCase()}:${port}`;
    return obtain(this.#hosts, name, () => new HostPace(name, patienceMs, random));
  }

  /** By host: what a provider allows, it allows for all its ports. */
  spacingOf({ host }: AccountSource): LoginSpacing {
    const { loginsPerMinute } = this.#context.limits;
    return obtain(this.#spacings, host.toLowerCase(), () => new LoginSpacing(loginsPerMinute));
  }

  /** By host and user: two accounts of a job may be the same login. */
  loginOf({ host, user }: AccountSource): LoginState {
    return obtain(this.#logins, `${host.toLowerCase()}\n${user}`, () => new LoginState());
  }
}

function obtain<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const present = map.get(key);
  if (present !== undefined) {
    return present;
  }
  const made = make();
  map.set(key, made);
  return made;
}
