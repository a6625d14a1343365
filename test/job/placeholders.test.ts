import { isAbsolute, join, sep } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  encodePathPart,
  escapeBraces,
  expandPath,
  longestComponentOctets,
  MAX_VALUE_OCTETS,
  templateFaults,
} from '../../src/job/placeholders.ts';

const ALICE = { id: 'alice', host: 'pop.example.net', user: 'alice@example.org' };

/** Any text, and above all the awkward ones: dots, separators, escapes, halves of surrogate pairs, digests. */
const awkward = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('.', '/', '\\', '%', '2', 'F', 'u', '~', ' ', '\u0000', '\n', 'a', 'é', '😀'),
  }),
  fc.string({ unit: fc.constantFrom('\ud800', '\udfff', '\ud83d', '\ude00', 'D', '%', 'u') }),
  fc.string({ unit: 'binary', minLength: 150, maxLength: 400 }),
);

describe('a value as a part of a path', () => {
  test.each([
    'alice',
    'alice@example.net',
    'alice.b+tag@example.net',
    "O'Brien, Pat (sales)",
    'Jürgen',
    '山田',
    'a=b&c;d',
  ])('%s stays as it is', (value) => {
    expect(encodePathPart(value)).toBe(value);
  });

  test.each([
    ['..', '%2E%2E'],
    ['.', '%2E'],
    ['.hidden', '%2Ehidden'],
    ['a.', 'a%2E'],
    ['a ', 'a%20'],
    ['../../etc/passwd', '%2E./../etc/passwd'.replaceAll('/', '%2F')],
    ['a\\b', 'a%5Cb'],
    ['a\u0000b', 'a%00b'],
    ['a%2Fb', 'a%252Fb'],
    ['2001:db8::1', '2001%3Adb8%3A%3A1'],
    ['alice*admin', 'alice%2Aadmin'],
    ['a\u202eb', 'a%E2%80%AEb'],
    ['\ud800', '%uD800'],
    ['', '%'],
  ])('%j becomes %s', (value, expected) => {
    expect(encodePathPart(value)).toBe(expected);
  });

  test('is always one component that stays where it is put', () => {
    fc.assert(
      fc.property(awkward, (value) => {
        const part = encodePathPart(value);
        expect(join('/archive', part, 'x')).toBe(`/archive/${part}/x`);
        expect(part.split(sep)).toEqual([part]);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be there.
        expect(part).not.toMatch(/^\.|[. ]$|^ |[/\\\u0000-\u001f\u007f-\u009f]|^$/);
      }),
    );
  });

  test('is well-formed Unicode of at most 200 octets', () => {
    fc.assert(
      fc.property(awkward, (value) => {
        const part = encodePathPart(value);
        expect(Buffer.from(part).toString()).toBe(part);
        expect(Buffer.byteLength(part)).toBeLessThanOrEqual(MAX_VALUE_OCTETS);
      }),
    );
  });

  test('differs for any two values that differ', () => {
    fc.assert(
      fc.property(awkward, awkward, (one, other) => {
        fc.pre(one !== other);
        expect(encodePathPart(one)).not.toBe(encodePathPart(other));
      }),
      { numRuns: 2000 },
    );
  });

  test('of an encoded value differs from that of the value', () => {
    fc.assert(
      fc.property(awkward, (value) => {
        const once = encodePathPart(value);
        fc.pre(once !== value);
        expect(encodePathPart(once)).not.toBe(once);
      }),
    );
  });

  test('keeps the beginning of a long value and tells long values with one beginning apart', () => {
    const [one, other] = [encodePathPart(`${'a'.repeat(300)}1`), encodePathPart(`${'a'.repeat(300)}2`)];
    expect(one).toMatch(/^a{134}%~[0-9a-f]{64}$/);
    expect(one).not.toBe(other);
  });

  test('does not cut a character or an escape in two', () => {
    expect(encodePathPart('/'.repeat(100))).toMatch(/^(%2F)+%~[0-9a-f]{64}$/);
    expect(encodePathPart('😀'.repeat(100))).toMatch(/^(😀)+%~[0-9a-f]{64}$/u);
  });
});

describe('a template', () => {
  test('is filled with account, user, host and domain', () => {
    const text = '/m/{account}/{user}/{host}/{domain}.mbox';
    expect(expandPath({ text }, ALICE)).toBe('/m/alice/alice@example.org/pop.example.net/example.org.mbox');
  });

  test('takes the host for the domain of a user that has none', () => {
    expect(expandPath({ text: '/{domain}' }, { ...ALICE, user: 'alice' })).toBe('/pop.example.net');
    expect(expandPath({ text: '/{domain}' }, { ...ALICE, user: 'alice@' })).toBe('/pop.example.net');
    expect(expandPath({ text: '/{domain}' }, { ...ALICE, user: 'a@b@c' })).toBe('/c');
  });

  test('is not filled again inside a value', () => {
    expect(expandPath({ text: '/{account}' }, { ...ALICE, id: '{user}' })).toBe('/{user}');
    expect(expandPath({ text: '/{account}' }, { ...ALICE, id: '$&$1' })).toBe('/$&$1');
  });

  test('has a brace for two braces, so that any folder can be written', () => {
    expect(expandPath({ text: '/{{x}}/{account}' }, ALICE)).toBe('/{x}/alice');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('{', '}', 'a', '/') }), (folder) => {
        expect(expandPath({ text: escapeBraces(folder) }, ALICE)).toBe(folder);
        expect(templateFaults(escapeBraces(folder))).toEqual([]);
      }),
    );
  });

  test('never leads out of its folder, whatever an account is called', () => {
    fc.assert(
      fc.property(awkward, awkward, awkward, (id, user, host) => {
        const path = expandPath(
          { text: '/archive/{account}/{user}-{host}/{domain}.mbox' },
          { id, user, host },
        );
        expect(isAbsolute(path)).toBe(true);
        expect(join(path)).toBe(path);
        expect(path.split('/')).toHaveLength(5);
        expect(path.startsWith('/archive/')).toBe(true);
      }),
    );
  });

  test('with an unknown placeholder is refused with the list of those that are known', () => {
    expect(templateFaults('/a/{acount}')).toEqual([
      'unknown placeholder {acount}; known are {account}, {user}, {host}, {domain}',
    ]);
    expect(templateFaults('/a/{date}/{}')).toHaveLength(2);
  });

  test('with a lone brace is refused with how to write it', () => {
    expect(templateFaults('/a/{account')).toEqual(['a lone "{"; write "{{" for a brace in the path']);
    expect(templateFaults('/a/b}')).toEqual(['a lone "}"; write "}}" for a brace in the path']);
  });

  test('that is well formed has no faults', () => {
    expect(templateFaults('/a/{{{account}}}/{domain}')).toEqual([]);
  });
});

test('the longest component is measured in octets', () => {
  expect(longestComponentOctets('/ab/éé/c')).toBe(4);
});
