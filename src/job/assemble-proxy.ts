/**
 * Which proxy each account goes through, its password at hand: what the account says, else what the environment says
 * (ALL_PROXY, NO_PROXY, in either case), which a loopback host never follows.
 */
import { MailferryError } from '../errors/mailferry-error.ts';
import type { ProxyOptions } from '../pop3/proxy.ts';
import { isLoopback } from './hosts.ts';
import type { AccountDefinition, OauthDefinition, ProxyDefinition } from './job.ts';
import { isInNoProxy, parseProxyUrl } from './proxy-url.ts';
import type { ResolveOptions } from './raw-secret.ts';
import { resolveOrWarn } from './secrets.ts';

export type ProxyOf = (account: Pick<AccountDefinition, 'host' | 'proxy'>) => ProxyOptions | undefined;

interface ProxyAssembly extends ResolveOptions {
  readonly env: Environment;
  /** Told what is unwise about where a password comes from. */
  readonly warn: (text: string) => void;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** @throws MailferryError scope run: `secret-…` for a password that cannot be had, `usage-proxy` for ALL_PROXY. */
export async function assembleProxies(
  accounts: readonly Pick<AccountDefinition, 'host' | 'proxy'>[],
  options: ProxyAssembly,
): Promise<ProxyOf> {
  const { env } = options;
  // Thousands of accounts share a definition by its text: each password is asked for once.
  const named = new Map<string, ProxyOptions>();
  for (const { proxy } of accounts) {
    if (typeof proxy === 'object' && !named.has(JSON.stringify(proxy))) {
      named.set(JSON.stringify(proxy), await withPassword(proxy, options));
    }
  }
  const usual = proxyOfEnvironment(env);
  const noProxy = variable(env, 'NO_PROXY');
  return ({ host, proxy }) => {
    if (proxy !== undefined) {
      return proxy === 'none' ? undefined : named.get(JSON.stringify(proxy));
    }
    return isLoopback(host) || isInNoProxy(host, noProxy) ? undefined : usual;
  };
}

/** Tokens are asked for as the mailbox is reached, but for those of this machine. */
export function tokenProxy(
  { tokenEndpoint }: Pick<OauthDefinition, 'tokenEndpoint'>,
  proxy: AccountDefinition['proxy'],
  proxyOf: ProxyOf,
): ProxyOptions | undefined {
  const host = new URL(tokenEndpoint).hostname.replace(/^\[|\]$/g, '');
  return isLoopback(host) ? undefined : proxyOf({ host, proxy });
}

async function withPassword(proxy: ProxyDefinition, options: ProxyAssembly): Promise<ProxyOptions> {
  const { kind, host, port, user, password } = proxy;
  if (user === undefined) {
    return { kind, host, port, credentials: undefined };
  }
  const secret = password === undefined ? '' : (await resolveOrWarn(password, options)).reveal();
  return { kind, host, port, credentials: { user, password: secret } };
}

function proxyOfEnvironment(env: Environment): ProxyOptions | undefined {
  const text = variable(env, 'ALL_PROXY');
  if (text === undefined) {
    return undefined;
  }
  const url = parseProxyUrl(text, true);
  if (url === undefined) {
    // Without its text, which may hold a password.
    throw new MailferryError('the variable ALL_PROXY is no proxy URL that can be used', {
      code: 'usage-proxy',
      scope: 'run',
      retry: 'never',
      hint: 'expected socks5://host:port or http://host:port; `proxy: none` in the job goes directly',
    });
  }
  const { kind, host, port, user, password = '' } = url;
  return { kind, host, port, credentials: user === undefined ? undefined : { user, password } };
}

function variable(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toLowerCase()] || undefined;
}
