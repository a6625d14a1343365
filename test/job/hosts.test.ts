import { expect, test } from 'vitest';
import { isLoopback, parseHost } from '../../src/job/hosts.ts';

test.each([
  ['pop.example.net', 'pop.example.net'],
  ['POP.Example.NET', 'pop.example.net'],
  ['localhost', 'localhost'],
  ['my_host-1', 'my_host-1'],
  ['pop.example.net.', 'pop.example.net.'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:DB8::1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['bücher.example', 'xn--bcher-kva.example'],
])('%s is the host %s', (text, expected) => {
  expect(parseHost(text)).toBe(expected);
});

test.each([
  '',
  ' ',
  '.',
  'pop example.net',
  ' pop.example.net',
  'pop.example.net:995',
  'pop3://pop.example.net',
  'pop..example.net',
  '-pop.example.net',
  'a/b',
  'user@host',
  '[192.0.2.1]',
  '[2001:db8::1',
  '256.1.1.1',
  '1.2.3',
  'a\nb',
  'bü\ncher.example',
  'bücher.example/x',
  'bücher.example:995',
  'a\u0000b',
  'x'.repeat(64),
  `${'x.'.repeat(130)}net`,
])('%j is no host', (text) => {
  expect(parseHost(text)).toBeUndefined();
});

test.each(['localhost', 'pop.localhost', '127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])(
  'what is said to %s stays on this machine',
  (host) => {
    expect(isLoopback(host)).toBe(true);
  },
);

test.each(['pop.example.net', 'notlocalhost', '128.0.0.1', '127.0.0.1.example.net', '2001:db8::1'])(
  'what is said to %s does not stay on this machine',
  (host) => {
    expect(isLoopback(host)).toBe(false);
  },
);
