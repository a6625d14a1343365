import { describe, expect, test } from 'vitest';
import { readDocument } from '../../src/job/read-document.ts';

const faultsOf = (text: string) => readDocument(text).faults;

describe('plain data', () => {
  test('comes from YAML', () => {
    expect(readDocument('a: 1\nb: [x, "2", true, ~]\nc:\n  d: 0.5\n').data).toEqual({
      a: 1,
      b: ['x', '2', true, null],
      c: { d: 0.5 },
    });
  });

  test('comes from JSON, tabs and escapes included', () => {
    expect(readDocument('{\n\t"a": [1,\n\t\t"\\ud83d\\ude00\\/"]\n}').data).toEqual({ a: [1, '😀/'] });
  });

  test('knows YAML 1.2 only, whatever the text says of itself', () => {
    const text = '%YAML 1.1\n---\na: no\nb: 0x10\nc: 12:30:00\nd: 2001-01-01\n"<<": { e: 1 }\n';
    expect(readDocument(text).data).toEqual({
      a: 'no',
      b: 16,
      c: '12:30:00',
      d: '2001-01-01',
      '<<': { e: 1 },
    });
  });

  test('keeps what an alias stands for, and the nearest anchor before it counts', () => {
    const text = 'a: &x { k: 1 }\nb: *x\nc: &x 2\nd: [*x, *x]\n';
    expect(readDocument(text).data).toEqual({ a: { k: 1 }, b: { k: 1 }, c: 2, d: [2, 2] });
  });

  test('of an empty file is nothing', () => {
    expect(readDocument('').data).toBeNull();
    expect(readDocument('# only a comment\n').data).toBeNull();
  });
});

describe('lines', () => {
  const document = readDocument(
    '# comment\nname: x\naccounts:\n  - id: a\n    host: h\n  - { id: b,\n      host: i }\n',
  );

  test.each([
    [['name'], 2],
    [['accounts'], 3],
    [['accounts', 0], 4],
    [['accounts', 0, 'host'], 5],
    [['accounts', 1], 6],
    [['accounts', 1, 'host'], 7],
  ])('of %j is %i', (path, line) => {
    expect(document.lineOf(path)).toBe(line);
    expect(document.has(path)).toBe(true);
  });

  test('of a path that is not there is that of its deepest part', () => {
    expect(document.lineOf(['accounts', 1, 'port'])).toBe(6);
    expect(document.lineOf(['accounts', 9])).toBe(3);
    expect(document.lineOf(['sinks', 0])).toBe(2);
    expect(document.has(['accounts', 1, 'port'])).toBe(false);
  });

  test('are found with CRLF too, and behind an alias', () => {
    const other = readDocument('a: &x\r\n  k: 1\r\nb: *x\r\n');
    expect(other.lineOf(['b'])).toBe(3);
    expect(other.lineOf(['b', 'k'])).toBe(2);
  });

  test('of an empty document is the first', () => {
    expect(readDocument('').lineOf(['name'])).toBe(1);
  });
});

describe('faults', () => {
  test.each([
    ['a key that is there twice', 'a: 1\nb: 2\na: 3\n', 3, 'this key is there already'],
    ['a tab as indentation', 'a:\n\t- b\n', 2, 'a tab as indentation'],
    ['a bracket that is not closed', 'a: [1, 2\nb: 3\n', 2, 'bracket'],
    ['a quote that is not closed', 'a: 1\nb: "x\n', 3, 'closing quote'],
    ['a reserved character', 'a: @x\n', 1, 'reserved character'],
    ['a second document', 'a: 1\n---\nb: 2\n', 2, 'a file holds one job'],
    ['a custom tag', 'a: 1\nb: !secret x\n', 2, 'a tag (!name) that is not supported'],
    ['a custom tag on a map', 'a: !foo { b: 1 }\n', 1, 'a tag (!name) that is not supported'],
    ['a tag of YAML 1.1', 'a: !!binary aGk=\n', 1, 'a tag (!name) that is not supported'],
    ['an alias without its anchor', 'a: 1\nb: *x\n', 2, 'an alias (*name) without its anchor'],
    ['an unknown directive', '%FOO bar\n---\na: 1\n', 1, 'a directive'],
    ['a map as a key', 'a: 1\n? { b: 1 }\n: c\n', 2, 'a key that is no plain text'],
    [
      'a key that JavaScript would take for something else',
      'a: 1\n__proto__: { b: 1 }\n',
      2,
      'a key that is no',
    ],
  ])('%s is one, with its line', (_what, text, line, expected) => {
    const document = readDocument(text);
    expect(document.data).toBeUndefined();
    expect(document.faults[0]).toMatchObject({ line, text: expect.stringContaining(expected) });
  });

  test('on several lines are told together', () => {
    expect(faultsOf('a: 1\na: 2\nb: @x\nc: !y 1\n').map(({ line }) => line)).toEqual([2, 3, 4]);
  });

  test('never show the source, which may be a password', () => {
    const texts = [
      'password: *hunter2\n',
      'password: @hunter2\n',
      'password: "a" hunter2\n',
      'password: !hunter2 x\n',
    ];
    for (const text of [
      ...texts,
      'password: &hunter2 *x\n',
      'password: %hunter2\n  b: c\n',
      '%hunter2\n---\n',
    ]) {
      const faults = faultsOf(text);
      expect(faults).not.toEqual([]);
      expect(JSON.stringify(faults)).not.toContain('hunter2');
    }
  });
});

describe('limits', () => {
  test('aliases that multiply end in a fault', () => {
    const levels = ['a: &l0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1) {
      const before = Array.from({ length: 10 }, () => `*l${level - 1}`).join(', ');
      levels.push(`b${level}: &l${level} [${before}]`);
    }
    expect(faultsOf(levels.join('\n'))[0]?.text).toContain('aliases included');
  });

  test('an alias inside of what it stands for ends in a fault', () => {
    expect(faultsOf('a: &x [*x, *x]\n')[0]?.text).toContain('64 levels deep');
  });

  test('brackets without end are a fault, not a crash', () => {
    const faults = faultsOf('['.repeat(100_000));
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.length).toBeLessThanOrEqual(20);
  });

  test('one alias in ten thousand accounts is no bomb', () => {
    const accounts = Array.from({ length: 10_000 }, () => '  - *tls').join('\n');
    const document = readDocument(`x: &tls { ca: y }\naccounts:\n${accounts}\n`);
    expect(document.faults).toEqual([]);
    expect(document.data).toMatchObject({ x: { ca: 'y' } });
  });
});
