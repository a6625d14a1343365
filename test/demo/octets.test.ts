import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CommandLines, LINE_LIMIT_OCTETS } from '../../src/demo/command-lines.ts';
import { asReceived, type Chunks, stuffed } from '../../src/demo/dot-stuffing.ts';
import { chunksOf, Mailbox } from '../../src/demo/mailbox.ts';
import { bulkMessages, sampleUsers } from '../../src/demo/sample-mail.ts';
import { topOf } from '../../src/demo/top.ts';

const whole = async (chunks: Chunks): Promise<Buffer> => {
  const all: Buffer[] = [];
  for await (const chunk of chunks) {
    all.push(chunk);
  }
  return Buffer.concat(all);
};

/** Every way to cut a text in two or three, and octet by octet. */
function* cuts(text: string): Generator<Buffer[]> {
  const octets = Buffer.from(text, 'latin1');
  yield [...octets].map((octet) => Buffer.from([octet]));
  for (let first = 0; first <= octets.length; first += 1) {
    for (let second = first; second <= octets.length; second += 1) {
      yield [octets.subarray(0, first), octets.subarray(first, second), octets.subarray(second)];
    }
  }
}

describe('stuffing', () => {
  it.each([
    ['', ''],
    ['.', '..\r\n'],
    ['.\r\n', '..\r\n'],
    ['a\r\n.\r\n', 'a\r\n..\r\n'],
    ['a\r\n..b', 'a\r\n...b\r\n'],
    ['\r\n.\r\n.\r\n', '\r\n..\r\n..\r\n'],
    ['a\n.\nb\r.\r\n', 'a\n.\nb\r.\r\n'],
    ['a\n.\r\n', 'a\n.\r\n'],
    ['a\r\r\n.b\r', 'a\r\r\n..b\r\r\n'],
    ['a.b.\r\nc.\n', 'a.b.\r\nc.\n\r\n'],
  ])('of %j is %j, however it is cut', async (message, wire) => {
    for (const chunks of cuts(message)) {
      expect((await whole(stuffed(chunks))).toString('latin1')).toBe(wire);
    }
    const unstuffed = wire.replace(/(^|\r\n)\./g, '$1');
    expect(asReceived(Buffer.from(message)).toString()).toBe(unstuffed);
  });
});

describe('TOP', () => {
  it.each([
    ['a: b\r\n\r\n1\r\n2\r\n', 0, 'a: b\r\n\r\n'],
    ['a: b\r\n\r\n1\r\n2\r\n', 1, 'a: b\r\n\r\n1\r\n'],
    ['a: b\n\n1\n2\n', 1, 'a: b\n\n1\n'],
    ['\r\n1\r\n', 0, '\r\n'],
    ['a: b\r\nc', 5, 'a: b\r\nc'],
    ['a: b\r\n\r\n1', 5, 'a: b\r\n\r\n1'],
  ])('of %j with %i lines is %j, however it is cut', async (message, lines, top) => {
    for (const chunks of cuts(message)) {
      expect((await whole(topOf(chunks, lines))).toString('latin1')).toBe(top);
    }
  });
});

describe('command lines', () => {
  it('are found however they are cut', () => {
    for (const chunks of cuts('STAT\r\n\r\nRETR 1\r\nx')) {
      const lines = new CommandLines();
      const found: string[] = [];
      for (const chunk of chunks) {
        lines.push(chunk);
        for (let line = lines.take(); line !== undefined; line = lines.take()) {
          found.push(line.kind === 'line' ? line.text : line.kind);
        }
      }
      expect(found).toEqual(['STAT', '', 'RETR 1']);
    }
  });

  it('are limited', () => {
    const lines = new CommandLines();
    lines.push(Buffer.alloc(LINE_LIMIT_OCTETS, 'x'));
    expect(lines.take()).toBeUndefined();
    lines.push(Buffer.from('x'));
    expect(lines.take()).toEqual({ kind: 'endless' });
  });
});

describe('sample mail', () => {
  const digest = async (seed: number): Promise<string> => {
    const hash = createHash('sha256');
    for (const { name, messages } of sampleUsers(seed)) {
      const mailbox = messages instanceof Mailbox ? messages : new Mailbox(messages);
      for (const { uidl, octets, content } of mailbox.entries) {
        const received = asReceived(await whole(chunksOf(content)));
        expect(received.length, `${name} ${uidl}`).toBe(octets);
        hash.update(received);
      }
    }
    return hash.digest('hex');
  };

  it('is the same for the same seed, on every machine', async () => {
    expect(await digest(1)).toMatchInlineSnapshot(
      `"832feb6f2b7ce2954e87cf555344014cf33b074fc57305e68fdda961a2505bd2"`,
    );
  });

  it('is other mail for another seed', async () => {
    expect(await digest(2)).not.toBe(await digest(1));
  });

  it('in bulk has the octets it says, each message other than the rest', async () => {
    const contents = await Promise.all(
      new Mailbox(bulkMessages(3, 4096)).entries.map(async ({ content }) =>
        (await whole(chunksOf(content))).toString(),
      ),
    );
    expect(contents.map(({ length }) => length)).toEqual([4096, 4096, 4096]);
    expect(new Set(contents).size).toBe(3);
  });
});
