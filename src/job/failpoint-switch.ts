/**
 * Switches failpoints on, for tests alone: what MAILFERRY_FAILPOINT says is turned into the function that every step calls.
 *
 *     count           prints at the end, on stderr, how often each place was passed: one JSON object in one line
 *     kill@N          SIGKILL to this process at the N-th place it passes
 *     throw@N         an error at the N-th place
 *     kill@NAME:N     the same, counting the places of that name alone; also throw@NAME:N
 */
import { writeSync } from 'node:fs';
import { FAILPOINTS, type Failpoint, type FailpointName, NO_FAILPOINT } from '../errors/failpoint.ts';
import { MailferryError } from '../errors/mailferry-error.ts';

export const FAILPOINT_VARIABLE = 'MAILFERRY_FAILPOINT';

const STDERR = 2;
const FORM = /^(kill|throw)@(?:([a-z0-9.-]+):)?([1-9]\d{0,8})$/;

/** @throws MailferryError `usage-failpoint` where the variable says what it cannot. */
export function parseFailpoint(env: Readonly<Record<string, string | undefined>>): Failpoint {
  const text = env[FAILPOINT_VARIABLE];
  if (text === undefined || text === '') {
    return NO_FAILPOINT;
  }
  if (text === 'count') {
    return countingFailpoint();
  }
  const [, action, name, number] = FORM.exec(text) ?? [];
  if (action === undefined || (name !== undefined && !Object.hasOwn(FAILPOINTS, name))) {
    throw new MailferryError(`${FAILPOINT_VARIABLE} says ${JSON.stringify(text)}`, {
      code: 'usage-failpoint',
      scope: 'run',
      retry: 'never',
      hint: 'expected `count`, `kill@N`, `throw@N`, `kill@NAME:N` or `throw@NAME:N`; it is for tests: unset it',
    });
  }
  return strikingFailpoint(action === 'kill' ? killThisProcess : throwFailpoint, name, Number(number));
}

function strikingFailpoint(strike: Failpoint, only: string | undefined, at: number): Failpoint {
  let passed = 0;
  return (name) => {
    if (only === undefined || only === name) {
      passed += 1;
      if (passed === at) {
        strike(name);
      }
    }
  };
}

function countingFailpoint(): Failpoint {
  const counts = new Map<FailpointName, number>();
  process.once('exit', () => {
    writeSync(STDERR, `${JSON.stringify({ failpoints: Object.fromEntries(counts) })}\n`);
  });
  return (name) => {
    counts.set(name, (counts.get(name) ?? 0) + 1);
  };
}

/** Nothing of ours runs after this: no handler, no `finally`. */
function killThisProcess(): void {
  process.kill(process.pid, 'SIGKILL');
}

function throwFailpoint(name: FailpointName): never {
  throw new MailferryError(`${FAILPOINT_VARIABLE} asked for a failure at ${name}`, {
    code: 'failpoint',
    scope: 'account',
    retry: 'later',
  });
}
