import { expect, it } from 'vitest';
import { cacheText } from './fdm.ts';
import { oldmailText } from './getmail.ts';

it('fdm finds the length of each unique-id before it', () => {
  expect(cacheText(['0000001abc', 'é'])).toBe('10 0000001abc\n2 é\n');
});

it('getmail6 finds when each unique-id was fetched behind a NUL', () => {
  expect(oldmailText(['a', 'b'], 1_795_834_779_999)).toBe('a\u00001795834779\nb\u00001795834779\n');
});
