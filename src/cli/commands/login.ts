/**
 * `mailferry login JOB`: a person lets the job into mailboxes, by device code (RFC 8628): they open an address in any browser and
 * enter a code there. The refresh token that comes of it is stored where the job says.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MailferryError } from '../../errors/mailferry-error.ts';
import { assembleProxies, tokenProxy } from '../../job/assemble-proxy.ts';
import type { AccountDefinition, OauthDefinition } from '../../job/job.ts';
import { loadJob } from '../../job/load-job.ts';
import { logInByDevice } from '../../job/oauth/device-login.ts';
import { printable } from '../../report/format.ts';
import { EXIT, type ExitCode, exitCodeOfError, worstExitCode } from '../exit-code.ts';
import { watchInterrupt } from '../interrupt.ts';
import type { CliIo } from '../io.ts';
import type { LoginCommandOptions } from '../options.ts';
import { selectAccounts } from '../select-accounts.ts';
import { tellError } from '../tell-error.ts';

interface Candidate {
  readonly account: AccountDefinition;
  readonly oauth: OauthDefinition;
}

export async function login(file: string, options: LoginCommandOptions, io: CliIo): Promise<ExitCode> {
  const job = await loadJob(file);
  const candidates = selectAccounts(job.accounts, options.account).flatMap(asCandidate);
  if (candidates.length === 0) {
    throw noCandidate(file);
  }
  const interrupt = watchInterrupt((text) => io.stderr.write(`${text}\n`));
  const codes: ExitCode[] = [EXIT.done];
  try {
    for (const candidate of candidates) {
      codes.push(await logInOne(candidate, job.limits.loginTimeoutMs, options, io, interrupt.stopSignal));
    }
  } finally {
    interrupt.release();
  }
  return worstExitCode(codes);
}

async function logInOne(
  { account, oauth }: Candidate,
  timeoutMs: number,
  { json }: LoginCommandOptions,
  io: CliIo,
  signal: AbortSignal,
): Promise<ExitCode> {
  const tell = (event: object, text: string) =>
    io.stdout.write(json === true ? `${JSON.stringify({ account: account.id, ...event })}\n` : `${text}\n`);
  try {
    const warn = (text: string) => void io.stderr.write(`warning: ${printable(text)}\n`);
    const secretOptions = { timeoutMs, signal, env: io.env, warn };
    const proxyOf = await assembleProxies([account], secretOptions);
    const storePath = await logInByDevice({
      ...secretOptions,
      definition: oauth,
      proxy: tokenProxy(oauth, account.proxy, proxyOf),
      sleep: (ms) => delay(ms, undefined, { signal }),
      onCode: ({ userCode, verificationUri, expiresIn }) =>
        tell(
          { verificationUri, userCode, expiresIn },
          `${printable(account.id)}: open ${printable(verificationUri)} and enter the code ${printable(userCode)} (good for ${Math.ceil(expiresIn / 60)} min)`,
        ),
    });
    tell({ stored: storePath }, `${printable(account.id)}: logged in; the refresh token is in ${storePath}`);
    return EXIT.done;
  } catch (cause) {
    if (signal.aborted) {
      return EXIT.interrupted;
    }
    io.stderr.write(`${printable(account.id)}:\n`);
    tellError(cause, io);
    return exitCodeOfError(cause);
  }
}

function asCandidate(account: AccountDefinition): Candidate[] {
  const { password } = account;
  const canLogIn =
    password.kind === 'oauth' &&
    password.oauth.deviceEndpoint !== undefined &&
    password.oauth.storePath !== undefined;
  return canLogIn ? [{ account, oauth: password.oauth }] : [];
}

function noCandidate(file: string): MailferryError {
  return new MailferryError(`no account of ${file} can be logged in by device code`, {
    code: 'usage-no-device-login',
    scope: 'run',
    retry: 'never',
    hint: 'an account needs `password: { oauth: { provider: …, clientId: …, deviceCode: true, store: … } }`',
  });
}
