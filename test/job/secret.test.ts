import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from '../../src/job/secret.ts';

const secret = new Secret('hunter2');

test('a secret is given only to who asks for it by name', () => {
  expect(secret.reveal()).toBe('hunter2');
});

test.each([
  ['a template', `${secret}`],
  ['a sum', `x${String(secret)}`],
  ['JSON', JSON.stringify({ secret })],
  ['an inspection', inspect({ secret }, { showHidden: true, depth: 9 })],
  ['a formatted line', format('%s %o %O %j', secret, secret, secret, secret)],
  ['its own keys', JSON.stringify([Object.keys(secret), Object.entries(secret), { ...secret }])],
  ['an error', inspect(new Error('failed', { cause: { secret } }))],
])('a secret does not show in %s', (_where, text) => {
  expect(text).not.toContain('hunter2');
});
