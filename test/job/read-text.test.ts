import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readTextFile } from '../../src/job/read-text.ts';
import { tempFolder } from './temp-folder.ts';

test('a text comes without its byte order mark', async () => {
  const folder = await tempFolder();
  const file = await folder.write('a.yaml', '\ufeffname: é\n');
  expect(await readTextFile(file, 100)).toEqual({ kind: 'text', text: 'name: é\n' });
});

test('a file that has exactly the limit is read, one octet more is refused with the limit', async () => {
  const folder = await tempFolder();
  expect(await readTextFile(await folder.write('a', 'x'.repeat(10)), 10)).toMatchObject({ kind: 'text' });
  expect(await readTextFile(await folder.write('b', 'x'.repeat(11)), 10)).toEqual({
    kind: 'unreadable',
    text: 'is larger than 10 octets, which is the limit',
  });
});

test('what is not UTF-8 is refused, not repaired', async () => {
  const folder = await tempFolder();
  const file = await folder.write('a', Buffer.from([0x6e, 0xff, 0xfe]));
  expect(await readTextFile(file, 100)).toEqual({
    kind: 'unreadable',
    text: 'is not UTF-8; save it as UTF-8',
  });
});

test('a missing file and a folder are told in words', async () => {
  const folder = await tempFolder();
  expect(await readTextFile(join(folder.path, 'nope'), 100)).toEqual({
    kind: 'unreadable',
    text: 'does not exist',
  });
  expect(await readTextFile(folder.path, 100)).toEqual({
    kind: 'unreadable',
    text: 'is a folder; expected a file',
  });
});
