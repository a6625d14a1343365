import { describe, expect, it } from 'vitest';
import { NO_FAILPOINT, passWhile } from '../../src/errors/failpoint.ts';
import { MailferryError } from '../../src/errors/mailferry-error.ts';
import { FAILPOINT_VARIABLE, parseFailpoint } from '../../src/job/failpoint-switch.ts';

const parse = (text?: string) => parseFailpoint({ [FAILPOINT_VARIABLE]: text });

describe('MAILFERRY_FAILPOINT', () => {
  it.each([undefined, ''])('as %j switches nothing on', (text) => {
    expect(parse(text)).toBe(NO_FAILPOINT);
  });

  it('throw@N fails the N-th place that is passed, and no other', () => {
    const pass = parse('throw@3');
    pass('run.started');
    pass('dele.sent');
    expect(() => pass('quit.sent')).toThrow(/quit\.sent/);
    expect(() => pass('quit.sent')).not.toThrow();
  });

  it('throw@NAME:N counts the places of that name alone', () => {
    const pass = parse('throw@dele.sent:2');
    pass('dele.sent');
    pass('quit.sent');
    expect(() => pass('dele.sent')).toThrow(MailferryError);
  });

  it.each(['kill', 'kill@0', 'throw@x', 'throw@no.such-place:1', 'count@1', 'kill@1 '])(
    'as %j is refused with what was expected',
    (text) => {
      expect(() => parse(text)).toThrow(
        expect.objectContaining({ code: 'usage-failpoint', hint: expect.stringContaining('kill@NAME:N') }),
      );
    },
  );
});

describe('a failpoint while something is on its way', () => {
  it('gives what came, or the first failure, and leaves no rejection behind', async () => {
    expect(await passWhile(Promise.resolve(7), NO_FAILPOINT, 'dele.sent')).toBe(7);
    const failing = passWhile(Promise.reject(new Error('lost')), parse('throw@1'), 'dele.sent');
    await expect(failing).rejects.toThrow();
  });
});
