import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StoredForm } from '../contender.ts';
import { COMPLETE, describeCompleteness, digestOf, fillOf } from './completeness.ts';
import { makeMessages } from './make-mail.ts';

const MESSAGES = [...makeMessages(3, { kind: 'realistic' })].map(String);
const EXPECTED = MESSAGES.map((message) => digestOf(Buffer.from(message)));

let path: string;

beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'mailferry-store-')), 'target');
});

afterEach(() => rmSync(join(path, '..'), { recursive: true }));

function store(form: StoredForm, messages: readonly string[]): void {
  if (form === 'maildir') {
    mkdirSync(join(path, 'new'), { recursive: true });
    for (const [index, message] of messages.entries())
      writeFileSync(join(path, 'new', String(index)), message);
  } else if (form === 'mbox') {
    writeFileSync(path, messages.map((message) => `From a Sat Nov  1 12:00:00 2025\n${message}\n`).join(''));
  } else {
    writeFileSync(path, messages.map((message) => `MAIL FROM:<a>\r\nDATA\r\n${crlf(message)}.\r\n`).join(''));
  }
}

const crlf = (text: string): string => text.replaceAll('\n', '\r\n');

describe.each(['maildir', 'mbox', 'bsmtp'] as const)('a store in the form of %s', (form) => {
  it('is complete with each message once, in whatever order', () => {
    store(form, [...MESSAGES].reverse());
    expect(describeCompleteness(EXPECTED, { path, form })).toBe(COMPLETE);
  });

  it('is not with one changed and one twice', () => {
    const [first = '', second = '', third = ''] = MESSAGES;
    store(form, [first, `${second}x\n`, third, third]);
    expect(describeCompleteness(EXPECTED, { path, form })).toBe('1 of 3 missing or changed, 2 unexpected');
  });

  it('shows by its fill that something was added', () => {
    const before = fillOf({ path, form });
    store(form, MESSAGES);
    expect(fillOf({ path, form })).not.toBe(before);
  });
});

it('a line that a program puts on top does not count, where the program is known for it', () => {
  store(
    'mbox',
    MESSAGES.map((message) => `Return-Path: <unknown>\n${message}`),
  );
  const stored = { path, form: 'mbox', addedLine: 'Return-Path: <unknown>\n' } as const;
  expect(describeCompleteness(EXPECTED, stored)).toBe(COMPLETE);
  expect(describeCompleteness(EXPECTED, { path, form: 'mbox' })).not.toBe(COMPLETE);
});
