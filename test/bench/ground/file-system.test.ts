import { expect, it } from 'vitest';
import { describeFileSystem, describeJournal } from './file-system.ts';

it.each([
  ['rw\ndelalloc\ndata=ordered\ninit_itable=10\n', 'with a journal (data=ordered)'],
  ['rw\ndelalloc\ninit_itable=10\n', 'without a journal'],
  [undefined, 'with or without a journal'],
])('an ext4 with the options %j is one %s', (options, words) => {
  expect(describeJournal(options)).toBe(words);
});

it('a folder that is not there is on no known file system', () => {
  expect(describeFileSystem('/nowhere/at/all')).toBe('unknown file system');
});
