import { describe, expect, it, test } from 'vitest';
import { assembleProxies } from '../../src/job/assemble-proxy.ts';
import type { ProxyDefinition } from '../../src/job/job.ts';
import { isInNoProxy, parseProxyUrl } from '../../src/job/proxy-url.ts';

const nobody = { user: undefined, password: undefined };

test.each([
  ['socks5://h', { kind: 'socks5', host: 'h', port: 1080, ...nobody }],
  ['socks5h://h:9050/', { kind: 'socks5', host: 'h', port: 9050, ...nobody }],
  ['http://[::1]:3128', { kind: 'http', host: '::1', port: 3128, ...nobody }],
  ['http://a%40b@h', { kind: 'http', host: 'h', port: 80, user: 'a@b', password: undefined }],
])('%s is a proxy URL', (text, expected) => {
  expect(parseProxyUrl(text)).toEqual(expected);
});

test.each([
  '',
  'h:1080',
  'https://h',
  'socks4://h',
  'socks5://',
  'socks5://h:0',
  'http://h/path',
  'http://h?x',
])('%s is none', (text) => {
  expect(parseProxyUrl(text)).toBeUndefined();
});

it('holds a password in the environment only', () => {
  expect(parseProxyUrl('http://a:b%3A@h')).toBeUndefined();
  expect(parseProxyUrl('http://a:b%3A@h', true)).toMatchObject({ user: 'a', password: 'b:' });
});

test.each([
  ['pop.example.net', true],
  ['example.net', true],
  ['.example.net', true],
  ['*.example.net', true],
  ['other, EXAMPLE.net', true],
  ['*', true],
  ['ample.net', false],
  ['pop', false],
  ['', false],
])('NO_PROXY=%s names pop.example.net: %s', (noProxy, expected) => {
  expect(isInNoProxy('pop.example.net', noProxy)).toBe(expected);
});

describe('the proxy of an account', () => {
  const signal = new AbortController().signal;
  const definition: ProxyDefinition = {
    ...{ kind: 'http', host: 'proxy', port: 3128, user: 'bob' },
    password: { kind: 'env', name: 'PROXY_PW' },
  };

  async function proxyOf(
    account: { host?: string; proxy?: ProxyDefinition | 'none' },
    env: Record<string, string> = {},
  ) {
    const of = { host: 'pop.example.net', proxy: undefined, ...account };
    return (await assembleProxies([of], { timeoutMs: 1000, signal, env, warn: () => undefined }))(of);
  }

  it('is what the account says, with its password', async () => {
    const env = { PROXY_PW: 'x', ALL_PROXY: 'socks5://other' };
    const credentials = { user: 'bob', password: 'x' };
    expect(await proxyOf({ proxy: definition }, env)).toEqual({
      kind: 'http',
      host: 'proxy',
      port: 3128,
      credentials,
    });
    expect(await proxyOf({ proxy: 'none' }, env)).toBeUndefined();
    await expect(proxyOf({ proxy: definition })).rejects.toMatchObject({ code: 'secret-missing' });
  });

  it('is else what the environment says, but for hosts that it leaves out and for this machine', async () => {
    const env = { all_proxy: 'socks5://a:b@other', no_proxy: 'example.org' };
    const credentials = { user: 'a', password: 'b' };
    expect(await proxyOf({}, env)).toEqual({ kind: 'socks5', host: 'other', port: 1080, credentials });
    expect(await proxyOf({ host: 'pop.example.org' }, env)).toBeUndefined();
    expect(await proxyOf({ host: '127.0.0.1' }, env)).toBeUndefined();
    expect(await proxyOf({})).toBeUndefined();
  });

  it('is not guessed where the variable cannot be read, and the variable is not repeated', async () => {
    const env = { ALL_PROXY: 'socks4://a:hunter2@other' };
    await expect(proxyOf({}, env)).rejects.toMatchObject({
      code: 'usage-proxy',
      message: expect.not.stringContaining('hunter2'),
    });
  });
});
