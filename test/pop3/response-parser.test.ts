import { describe, expect, it } from 'vitest';
import { ResponseParser } from '../../src/pop3/response-parser.ts';

/** Reads answers of which the test says how many are due and whether each has a body; notes what comes out. */
function readAll(chunks: readonly string[], hasBody: readonly boolean[]): string[] {
  const said: string[] = [];
  let done = 0;
  let body = '';
  const parser = new ResponseParser({
    responsesDue: () => hasBody.length - done,
    onStatusLine: (line) => {
      said.push(line.toString('latin1'));
      body = '';
      return hasBody[done] === true;
    },
    onBody: (octets) => {
      body += octets.toString('latin1');
    },
    isMessage: () => false,
    onEnd: () => {
      if (hasBody[done] === true) {
        said.push(`[${body}]`);
      }
      done += 1;
    },
  });
  for (const chunk of chunks) {
    parser.push(Buffer.from(chunk, 'latin1'));
  }
  return said;
}

describe('ResponseParser', () => {
  it('Q20: reads pipelined answers in order at every cut (RFC-20, RFC-22, RFC-69)', () => {
    const wire = '+OK\r\na\r\n..\r\n.\r\n+OK two\r\n.\r\n-ERR no\r\n+OK\r\nz\r\n.\r\n';
    const kinds = [true, true, false, true];
    const expected = ['+OK', '[a\r\n.\r\n]', '+OK two', '[]', '-ERR no', '+OK', '[z\r\n]'];
    expect(readAll([wire], kinds)).toEqual(expected);
    expect(readAll(wire.split(''), kinds)).toEqual(expected);
    for (let cut = 1; cut < wire.length; cut += 1) {
      expect(readAll([wire.slice(0, cut), wire.slice(cut)], kinds)).toEqual(expected);
    }
  });

  it('Q21: takes LF for a line end only where the status line of that answer has it (RFC-23)', () => {
    expect(readAll(['+OK\na\n.\n'], [true])).toEqual(['+OK', '[a\n]']);
    expect(readAll(['+OK\r\na\n.\n'], [true])).toEqual(['+OK']);
    expect(readAll(['+OK\n+OK\r\na\n.\nb\r\n.\r\n'], [false, true])).toEqual(['+OK', '+OK', '[a\n.\nb\r\n]']);
  });

  it('Q35, Q61: refuses what nobody asked for, and does not count the answer before it', () => {
    const said: string[] = [];
    const parser = new ResponseParser({
      responsesDue: () => 1,
      onStatusLine: () => true,
      onBody: () => undefined,
      isMessage: () => false,
      onEnd: () => said.push('end'),
    });
    expect(() => parser.push(Buffer.from('+OK\r\nhalf\r\n.\r\nrest\r\n'))).toThrow(
      /no answer to any command/,
    );
    expect(() => parser.push(Buffer.from('+OK\r\na\r\n.\r\n+OK stray\r\n'))).toThrow(/no answer/);
    expect(said).toEqual([]);
    expect(() => readAll(['+OK\r\n', '+OK stray\r\n'], [false])).toThrow(/no answer to any command/);
    expect(() => readAll(['+OK\r\n.\r\ntext'], [true, true])).toThrow(/no answer to any command/);
  });

  it('Q29: accepts long status lines and refuses an endless one (RFC-16)', () => {
    expect(readAll([`+OK ${'x'.repeat(10_000)}\r\n`], [false])[0]).toHaveLength(10_004);
    const chunks = Array.from({ length: 100 }, () => 'x'.repeat(1_000));
    expect(() => readAll(chunks, [false])).toThrow(/without end/);
  });
});
