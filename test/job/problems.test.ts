import { expect, test } from 'vitest';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import {
  describeValue,
  inReadingOrder,
  JobError,
  pathText,
  problemText,
  quoted,
} from '../../src/job/problems.ts';

const problem = (line: number, path = 'name', file = 'a.yaml') => ({ file, line, path, text: 'is wrong' });

test('a job error ends the run, is not tried again, and lists every problem with file, line and path', () => {
  const error = new JobError('a.yaml', [problem(3), problem(7, 'accounts[1].port')]);
  expect(error).toBeInstanceOf(MailferryError);
  expect(error).toMatchObject({ code: 'job-invalid', scope: 'run', retry: 'never' });
  expect(error.message).toBe(
    'a.yaml cannot be run, it has 2 problems:\n  a.yaml:3: name: is wrong\n  a.yaml:7: accounts[1].port: is wrong',
  );
});

test('of thousands of problems the message shows the first hundred and counts the rest, and the error has them all', () => {
  const error = new JobError(
    'a.yaml',
    Array.from({ length: 5000 }, (_, index) => problem(index + 1)),
  );
  expect(error.message.split('\n')).toHaveLength(102);
  expect(error.message).toContain('… and 4900 more');
  expect(error.problems).toHaveLength(5000);
});

test('a problem of the file itself is told without a line and without a path', () => {
  expect(problemText({ file: 'a.yaml', line: undefined, path: '', text: 'is gone' })).toBe('a.yaml: is gone');
});

test('a path is written as in JavaScript', () => {
  expect(pathText(['accounts', 1, 'tls', 'ca'])).toBe('accounts[1].tls.ca');
  expect(pathText([])).toBe('');
});

test('problems come in the order of the job file, then of the other files', () => {
  const sorted = inReadingOrder(
    [problem(2, '', 'a.csv'), problem(9), problem(10), problem(1, '', 'a.csv')],
    'a.yaml',
  );
  expect(sorted.map(({ file, line }) => `${file}:${line}`)).toEqual([
    'a.yaml:9',
    'a.yaml:10',
    'a.csv:1',
    'a.csv:2',
  ]);
});

test('a value that came is shown on one line, short, and without what could disturb a terminal', () => {
  expect(describeValue('a\nb\u001b[31m\u009b\u202e')).toBe('"a\\nb\\u001b[31m\\u009b\\u202e"');
  expect(describeValue('x'.repeat(500))).toHaveLength(62);
  expect(describeValue(7)).toBe('7 (a number)');
  expect(describeValue(null)).toBe('nothing');
  expect(describeValue({ a: 1 })).toBe('a map');
  expect(describeValue([])).toBe('an empty list');
  expect(quoted('plain')).toBe('"plain"');
});

test.each([
  ['pop://alice:hunter2@h', '"pop://alice:…@h"'],
  ['pops://alice:hun/t@er:2@h:995', '"pops://alice:…@h:995"'],
  ['http://u:hunter2@p:1', '"http://u:…@p:1"'],
  ['alice:hunter2@h', '"alice:…@h"'],
  ['pop.example.net:110', '"pop.example.net:110"'],
  ['pops://alice@h', '"pops://alice@h"'],
])('of %j a problem shows %s: a password never', (text, shown) => {
  expect(describeValue(text)).toBe(shown);
});
