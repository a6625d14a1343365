import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CHUNK_OCTETS, readContent, readHead } from '../../src/message/content.ts';
import type { Message } from '../../src/message/message.ts';
import { messageFromBuffer } from '../../src/message/message-builder.ts';
import { PageStock } from '../../src/message/pages.ts';
import { partOfBuffer, partOfMessage } from '../../src/message/received-part.ts';
import { openSpool, type Spool } from '../../src/message/spool.ts';
import { cuts, hostileOctets } from './arbitraries.ts';
import { nastyMessages } from './nasty-messages.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mailferry-spool-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

async function receive(spool: Spool, chunks: readonly Buffer[]): Promise<Message> {
  const incoming = spool.receive();
  for (const chunk of chunks) {
    incoming.write(chunk);
  }
  return incoming.finish();
}

async function octetsOf(message: Message): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of readContent(message)) {
    expect(chunk.length).toBeLessThanOrEqual(CHUNK_OCTETS);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const thrownBy = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );

describe('a spooled message', () => {
  it('says the same of the same octets as one in memory, in any cut', async () => {
    const spool = openSpool(folder, { memoryLimitOctets: 3 });
    await fc.assert(
      fc.asyncProperty(hostileOctets(), cuts(), async (octets, cut) => {
        const { content, ...facts } = await receive(spool, cut(octets));
        const { content: _, ...expected } = messageFromBuffer(octets);
        expect(facts).toEqual(expected);
        expect((await octetsOf({ ...facts, content })).equals(octets)).toBe(true);
        await spool.removeContent({ ...facts, content });
      }),
      { numRuns: 50 },
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is in pages while there are any, the same in any cut, and in a file where they do not suffice', async () => {
    const pages = new PageStock(21, 7);
    const spool = openSpool(folder, { memoryLimitOctets: 3, pages });
    const check = async (octets: Buffer, chunks: readonly Buffer[]): Promise<string> => {
      const message = await receive(spool, chunks);
      const { content: _, ...expected } = messageFromBuffer(octets);
      expect(message).toMatchObject(expected);
      expect((await octetsOf(message)).equals(octets)).toBe(true);
      expect((await readHead(message, 5)).equals(octets.subarray(0, 5))).toBe(true);
      expect(await partOfMessage(message, 6)).toEqual(partOfBuffer(octets, 6));
      await spool.removeContent(message);
      await spool.removeContent(message);
      return message.content.kind;
    };
    const kinds: string[] = [];
    for (const length of [3, 4, 21, 22]) {
      const octets = Buffer.from('Subject: a ferry\r\n\r\nb\r\n').subarray(0, length);
      kinds.push(await check(octets, [octets.subarray(0, 2), octets.subarray(2)]));
    }
    expect(kinds).toEqual(['memory', 'pages', 'pages', 'spool']);
    await fc.assert(
      fc.asyncProperty(
        hostileOctets(),
        cuts(),
        async (octets, cut) => void (await check(octets, cut(octets))),
      ),
      { numRuns: 200 },
    );
    expect(pages.take(3)).toHaveLength(3);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('moves from pages to a file with all its octets, and gives the pages back at once', async () => {
    const pages = new PageStock(20, 10);
    const spool = openSpool(folder, { memoryLimitOctets: 0, pages });
    const first = await receive(spool, [Buffer.from('0123456789a')]);
    const second = spool.receive();
    second.write(Buffer.from('b'));
    const third = spool.receive();
    await spool.removeContent(first);
    third.write(Buffer.from('0123456789'));
    third.write(Buffer.from('abcdefghij'));
    expect(pages.take(1)).toBeUndefined();
    third.write(Buffer.from('k'));
    expect(pages.take(2)).toHaveLength(2);
    const messages = [second.finish(), third.finish()];
    expect(messages.map(({ content }) => content.kind)).toEqual(['spool', 'spool']);
    expect((await octetsOf(messages[1] as Message)).toString()).toBe('0123456789abcdefghijk');
  });

  it('gives its pages back when it is given up, and what came of it can be kept before', async () => {
    const pages = new PageStock(20, 10);
    const incoming = openSpool(folder, { memoryLimitOctets: 0, pages }).receive();
    incoming.write(Buffer.from('0123456789ab'));
    expect(await incoming.part(6)).toEqual(partOfBuffer(Buffer.from('0123456789ab'), 6));
    expect(pages.take(1)).toBeUndefined();
    await incoming.abort();
    expect(pages.take(2)).toHaveLength(2);
  });

  it('cannot be read any more once its pages are given back: another message may be there', async () => {
    const spool = openSpool(folder, { memoryLimitOctets: 0, pages: new PageStock(20, 10) });
    const message = await receive(spool, [Buffer.from('0123456789ab')]);
    const reading = readContent(message);
    const kept = await reading.next();
    await spool.removeContent(message);
    await receive(spool, [Buffer.from('another one')]);
    expect(String(kept.value)).toBe('0123456789');
    await expect(reading.next()).rejects.toThrow('released');
  });

  it.each(nastyMessages())('keeps every octet: $name', async ({ octets }) => {
    const spool = openSpool(folder, { memoryLimitOctets: 10 });
    const chunks = [octets.subarray(0, 11), octets.subarray(11, 70_000), octets.subarray(70_000)];
    const message = await receive(spool, chunks);
    expect(message.content.kind).toBe(octets.length > 10 ? 'spool' : 'memory');
    const { content: _, ...expected } = messageFromBuffer(octets);
    expect(message).toMatchObject(expected);
    expect((await octetsOf(message)).equals(octets)).toBe(true);
  });

  it('stays in memory up to the limit and goes to a private file beyond it', async () => {
    const spool = openSpool(folder, { memoryLimitOctets: 4 });
    expect((await receive(spool, [Buffer.from('abcd')])).content.kind).toBe('memory');
    const { content } = await receive(spool, [Buffer.from('abcde')]);
    expect(content.kind === 'spool' && statSync(content.path).mode & 0o777).toBe(0o600);
  });

  it('leaves nothing when it is given up, at whatever point', async () => {
    const spool = openSpool(folder, { memoryLimitOctets: 4 });
    for (const texts of [[], ['ab'], ['abcdef'], ['ab', 'cdef', 'gh']]) {
      const incoming = spool.receive();
      for (const text of texts) {
        incoming.write(Buffer.from(text));
      }
      await incoming.abort();
      await incoming.abort();
    }
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes nothing any more once it is finished', async () => {
    const incoming = openSpool(folder).receive();
    incoming.finish();
    expect(() => incoming.write(Buffer.from('a'))).toThrow('finished');
    expect(() => incoming.finish()).toThrow('finished');
  });

  it('that is given up while it is written leaves no file', async () => {
    const incoming = openSpool(folder, { memoryLimitOctets: 4 }).receive();
    incoming.write(Buffer.from('abcdef'));
    await incoming.abort();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that drips in single octets costs no object for each', async () => {
    const incoming = openSpool(folder).receive();
    const octet = Buffer.from('a');
    for (let i = 0; i < 1_000_000; i++) {
      incoming.write(octet);
    }
    expect(incoming.finish().octets).toBe(1_000_000);
  });
});

describe('the spool', () => {
  it('is made with its parents, readable by its owner alone', () => {
    const path = join(folder, 'a', 'b');
    openSpool(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it('is cleared of what a crash left, and of nothing else', async () => {
    await receive(openSpool(folder, { memoryLimitOctets: 0 }), [Buffer.from('left behind')]);
    writeFileSync(join(folder, 'precious'), '');
    openSpool(folder);
    expect(readdirSync(folder)).toEqual(['precious']);
  });

  it('refuses octets beyond its cap, and takes them again once there is room', async () => {
    const spool = openSpool(folder, { memoryLimitOctets: 0, capOctets: 10 });
    const first = await receive(spool, [Buffer.alloc(8)]);
    const second = spool.receive();
    const refusal = expect.objectContaining({ code: 'spool-full', scope: 'account', retry: 'later' });
    expect(() => second.write(Buffer.alloc(3))).toThrow(refusal);
    await second.abort();
    await spool.removeContent(first);
    await spool.removeContent(first);
    await spool.removeContent(await receive(spool, [Buffer.alloc(10)]));
    expect(readdirSync(folder)).toEqual([]);
  });

  it('that cannot be made is an error of the run', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => openSpool(join(folder, 'file', 'spool'))).toThrow(
      expect.objectContaining({ code: 'spool-unwritable', scope: 'run' }),
    );
  });

  it('that vanished is an error of the run when it is written', async () => {
    const path = join(folder, 'spool');
    const spool = openSpool(path, { memoryLimitOctets: 0 });
    rmSync(path, { recursive: true });
    const incoming = spool.receive();
    expect(() => incoming.write(Buffer.from('a'))).toThrow(expect.objectContaining({ scope: 'run' }));
    await incoming.abort();
    expect(existsSync(path)).toBe(false);
  });
});

describe('reading a message', () => {
  it('gives its head from memory and from a spool file alike', async () => {
    const message = await receive(openSpool(folder, { memoryLimitOctets: 0 }), [Buffer.from('abcdef')]);
    expect((await readHead(message, 3)).toString()).toBe('abc');
    expect((await readHead(message, 100)).toString()).toBe('abcdef');
    expect((await readHead(messageFromBuffer(Buffer.from('abcdef')), 3)).toString()).toBe('abc');
  });

  it('fails as that one message where its spool file is gone', async () => {
    const message = await receive(openSpool(folder, { memoryLimitOctets: 0 }), [Buffer.from('abcdef')]);
    if (message.content.kind === 'spool') {
      expect(readFileSync(message.content.path).toString()).toBe('abcdef');
      rmSync(message.content.path);
    }
    const expected = { code: 'message-unreadable', scope: 'message' };
    expect(await thrownBy(octetsOf(message))).toMatchObject(expected);
    expect(await thrownBy(readHead(message, 3))).toMatchObject(expected);
  });
});
