import { expect, test } from 'vitest';
import { didYouMean, suggest } from '../../src/job/suggest.ts';

const KNOWN = ['host', 'port', 'password', 'olderThan', 'tls_serverName'];

test.each([
  ['hots', 'host'],
  ['prot', 'port'],
  ['pasword', 'password'],
  ['older_than', 'olderThan'],
  ['OLDERTHAN', 'olderThan'],
  ['tls_servername', 'tls_serverName'],
])('%s is taken for %s', (word, expected) => {
  expect(suggest(word, KNOWN)).toBe(expected);
});

test.each(['', 'banana', 'x', 'h'.repeat(5000)])('nothing is near to "%.10s"', (word) => {
  expect(suggest(word, KNOWN)).toBeUndefined();
});

test('the nearest of several is taken, not the first', () => {
  expect(suggest('ports', ['post', 'spurts', 'port'])).toBe('port');
});

test('the question is ready to be appended, and empty where there is none to ask', () => {
  expect(didYouMean('hots', KNOWN)).toBe('; did you mean "host"?');
  expect(didYouMean('banana', KNOWN)).toBe('');
});
