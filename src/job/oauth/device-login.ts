/** A person logs in once, on another device: a code is shown, and asked about until they have entered it or it has expired. */
import { MailferryError } from '../../errors/mailferry-error.ts';
import type { ProxyOptions } from '../../pop3/proxy.ts';
import type { OauthDefinition } from '../job.ts';
import type { ResolveOptions } from '../raw-secret.ts';
import { resolveOrWarn } from '../secrets.ts';
import { askDeviceLogin, type DeviceCode, type FetchedToken, startDeviceLogin } from './token-endpoint.ts';
import { storeToken } from './token-store.ts';

/** RFC 8628 §3.5: what `slow_down` adds. */
const SLOWER_S = 5;

export interface DeviceLoginOptions extends ResolveOptions {
  readonly definition: OauthDefinition;
  /** Through which the provider is asked. */
  readonly proxy?: ProxyOptions | undefined;
  /** Told what is unwise about where the client's secret comes from. */
  readonly warn: (text: string) => void;
  readonly sleep: (ms: number) => Promise<void>;
  /** Shows the code to the person. */
  readonly onCode: (code: Pick<DeviceCode, 'userCode' | 'verificationUri' | 'expiresIn'>) => void;
}

/** @returns the path of the file that now keeps the refresh token. @throws MailferryError `oauth-…`, `secret-…` */
export async function logInByDevice(options: DeviceLoginOptions): Promise<string> {
  const { definition, proxy, timeoutMs, signal, onCode } = options;
  const { clientSecret: source, storePath } = definition;
  if (storePath === undefined) {
    throw new Error('a device login needs a place for what comes of it');
  }
  const clientSecret = source === undefined ? undefined : await resolveOrWarn(source, options);
  const client = { definition, clientSecret, proxy, timeoutMs, signal };
  const code = await startDeviceLogin(client);
  onCode(code);
  const { refreshToken } = await untilDone(code, () => askDeviceLogin(client, code), options.sleep);
  if (refreshToken === undefined) {
    throw new MailferryError('the login was granted, but without a refresh token', {
      code: 'oauth-refused',
      scope: 'account',
      retry: 'never',
      hint: 'the scope may have to ask for it: `offline_access` at Microsoft',
    });
  }
  storeToken(storePath, refreshToken);
  return storePath;
}

/** Pauses are added up, since a clock that is set must not change how long is waited. */
async function untilDone(
  { expiresIn, interval }: DeviceCode,
  ask: () => Promise<FetchedToken | 'pending' | 'slow down'>,
  sleep: (ms: number) => Promise<void>,
): Promise<FetchedToken> {
  let pauseS = interval;
  for (let waitedS = pauseS; waitedS <= expiresIn; waitedS += pauseS) {
    await sleep(pauseS * 1000);
    const answer = await ask();
    if (typeof answer === 'object') {
      return answer;
    }
    pauseS += answer === 'slow down' ? SLOWER_S : 0;
  }
  throw new MailferryError(`the code was not entered within ${expiresIn} s`, {
    code: 'oauth-refused',
    scope: 'account',
    retry: 'never',
    hint: 'begin again: mailferry login',
  });
}
