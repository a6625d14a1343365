import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FailpointName } from '../../src/errors/failpoint.ts';
import { openQuarantine } from '../../src/message/quarantine.ts';
import type { FailedIdentity } from '../../src/message/quarantine-names.ts';
import { keptIn, type QuarantineNote } from '../../src/message/quarantine-note.ts';
import {
  NOTHING_RECEIVED,
  partOfBuffer,
  partOfFile,
  type ReceivedPart,
} from '../../src/message/received-part.ts';
import { openSpool } from '../../src/message/spool.ts';

let base: string;
let folder: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'mailferry-quarantine-'));
  folder = join(base, 'quarantine');
});

afterEach(() => rmSync(base, { recursive: true, force: true }));

const NOTE: QuarantineNote = {
  reason: { code: 'connection-silent', text: 'silence' },
  serverText: null,
  attempts: 1,
  isWhole: false,
  firstSeenAt: Date.UTC(2016, 0, 1),
  failedAt: Date.UTC(2016, 0, 2),
};
const AT = Date.UTC(2016, 0, 2);
const message = (uidl: string, account = 'alice'): FailedIdentity => ({ account, uidl, listedOctets: 9 });
const part = (text: string, limit = 1000): ReceivedPart => partOfBuffer(Buffer.from(text, 'latin1'), limit);

/** Every file below, relative to the test's folder. */
function files(): string[] {
  return readdirSync(base, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(base, join(entry.parentPath, entry.name)))
    .sort();
}

const keptText = (identity: FailedIdentity): string | undefined => {
  const path = keptIn(folder)(identity)?.partPath;
  return path == null ? undefined : readFileSync(path, 'latin1');
};

describe('quarantine', () => {
  it('keeps what arrived with a note beside it, for the owner alone', async () => {
    const quarantine = openQuarantine(folder);
    expect(existsSync(folder)).toBe(false);
    const path = await quarantine.keep(message('uid 1'), NOTE, part('Subject: x\r\n'), AT);
    const kept = keptIn(folder)(message('uid 1'));
    expect(kept).toMatchObject({ notePath: path, receivedOctets: 12 });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({
      account: 'alice',
      uidl: 'uid 1',
      listedOctets: 9,
      receivedOctets: 12,
      ranges: [{ start: 0, octets: 12 }],
      reason: NOTE.reason,
      attempts: 1,
      failedAt: '2016-01-02T00:00:00.000Z',
    });
    expect(keptText(message('uid 1'))).toBe('Subject: x\r\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it('keeps a note alone where nothing arrived', async () => {
    await openQuarantine(folder).keep(message('u'), NOTE, NOTHING_RECEIVED, AT);
    expect(keptIn(folder)(message('u'))).toMatchObject({ partPath: null, receivedOctets: 0 });
    expect(files()).toHaveLength(1);
  });

  it('puts a later attempt in place of the earlier one, also when the clock was set back', async () => {
    const quarantine = openQuarantine(folder);
    for (const [text, at] of [
      ['first', AT],
      ['second', AT],
      ['third', AT - 5000],
    ] as const) {
      await quarantine.keep(message('u'), NOTE, part(text), at);
    }
    expect(keptText(message('u'))).toBe('third');
    expect(files()).toHaveLength(2);
    await openQuarantine(folder).keep(message('u'), NOTE, part('fourth'), 0);
    expect(keptText(message('u'))).toBe('fourth');
    expect(files()).toHaveLength(2);
  });

  it('tells apart messages of equal readable names, sizes and accounts', async () => {
    const quarantine = openQuarantine(folder);
    const all = [
      message('a/b'),
      message('a.b'),
      message('a/b', 'alice/'),
      { ...message('a/b'), listedOctets: null },
    ];
    for (const [index, identity] of all.entries()) {
      await quarantine.keep(identity, NOTE, part(`text ${index}`), AT);
    }
    expect(all.map(keptText)).toEqual(['text 0', 'text 1', 'text 2', 'text 3']);
  });

  it('RFC-48: no account and no unique-id leaves the folder', async () => {
    const hostile = [
      '..',
      '.',
      '',
      '/',
      '../../etc/passwd',
      '\0',
      'C:\\x',
      '-rf',
      '\x1b[2J',
      '\x9b2J',
      'é'.repeat(500),
    ];
    const quarantine = openQuarantine(folder, { maxMessages: 10_000 });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' })),
        fc.oneof(fc.constantFrom(...hostile), fc.string({ unit: 'binary' })),
        async (account, uidl) => {
          const path = await quarantine.keep({ account, uidl, listedOctets: 1 }, NOTE, part('x'), AT);
          expect(relative(folder, path)).toMatch(
            /^[A-Za-z0-9@_-]{18,57}\/[A-Za-z0-9@_-]{18,57}\.[0-9]{15}\.json$/,
          );
          // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
          expect(readFileSync(path, 'utf8')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
          expect(keptText({ account, uidl, listedOctets: 1 })).toBe('x');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('removes what is kept of a message that got well, of those that are nobody’s trouble, and of nobody else', async () => {
    const quarantine = openQuarantine(folder);
    for (const uidl of ['a', 'b', 'c']) {
      await quarantine.keep(message(uidl), NOTE, part(uidl), AT);
    }
    await quarantine.keep(message('a', 'bob'), NOTE, part('bob'), AT);
    await quarantine.discard(message('a'));
    await quarantine.discard(message('never kept'));
    await quarantine.discardOthers('alice', [{ uidl: 'c', listedOctets: 9 }]);
    expect([message('a'), message('b'), message('c'), message('a', 'bob')].map(keptText)).toEqual([
      undefined,
      undefined,
      'c',
      'bob',
    ]);
    expect(files()).toHaveLength(4);
  });

  it('holds a bounded number of messages and of octets: the oldest give way, those of earlier processes too', async () => {
    const quarantine = openQuarantine(folder, { maxMessages: 3 });
    for (let index = 0; index < 5; index += 1) {
      await quarantine.keep(message(`u${index}`), NOTE, part('0123456789'), AT + index);
    }
    expect(['u0', 'u1', 'u2', 'u3', 'u4'].map((uidl) => keptText(message(uidl)) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
    await openQuarantine(folder, { maxOctets: 25 }).keep(message('u9'), NOTE, part('0123456789'), AT + 9);
    expect(files().filter((name) => name.endsWith('.part'))).toHaveLength(2);
    expect(keptText(message('u9'))).toBe('0123456789');
  });

  it.each<[FailpointName, string | undefined]>([
    ['quarantine.part-written', 'before'],
    ['quarantine.kept', 'before'],
  ])('stopped at %s, keeps what was kept before, and nothing by half', async (place, text) => {
    await openQuarantine(folder).keep(message('u'), NOTE, part('before'), AT);
    const failpoint = (name: FailpointName): void => {
      if (name === place) {
        throw new Error('stopped');
      }
    };
    const stopped = openQuarantine(folder, { failpoint });
    await expect(stopped.keep(message('u'), NOTE, part('after'), AT + 1)).rejects.toThrow('stopped');
    expect(keptText(message('u'))).toBe(text);
    expect(files()).toHaveLength(2);
  });

  it('says so where the folder that is there cannot be read', () => {
    writeFileSync(folder, 'a file');
    expect(() => openQuarantine(folder)).toThrow(
      expect.objectContaining({ code: 'quarantine-unreadable', scope: 'run' }),
    );
  });

  it('removes what a kill left when it is opened, and nothing that is not its own', async () => {
    const quarantine = openQuarantine(folder);
    const path = await quarantine.keep(message('u'), NOTE, part('first'), AT);
    const stem = path.replace(/\.[0-9]{15}\.json$/, '');
    const place = join(path, '..');
    const later = `${stem}.${String(AT + 1).padStart(15, '0')}`;
    writeFileSync(`${later}.part`, 'a part without a note');
    writeFileSync(`${later}.json.new`, '{"half');
    writeFileSync(join(place, 'README'), 'somebody’s own');
    mkdirSync(join(folder, 'empty'));
    openQuarantine(folder);
    expect(keptText(message('u'))).toBe('first');
    expect(files()).toHaveLength(3);
    // Killed between the new note and the removal of the old one.
    writeFileSync(`${later}.part`, 'second');
    writeFileSync(`${later}.json`, readFileSync(path));
    openQuarantine(folder);
    expect(keptText(message('u'))).toBe('second');
    expect(files()).toHaveLength(3);
  });
});

describe('a part of a message', () => {
  it('is all of it, or its first and last octets within the limit', async () => {
    expect(part('0123456789', 10)).toMatchObject({
      octets: 10,
      head: Buffer.from('0123456789'),
      tail: Buffer.alloc(0),
    });
    expect(part('0123456789', 5)).toMatchObject({
      octets: 10,
      head: Buffer.from('012'),
      tail: Buffer.from('89'),
    });
    expect(part('0123456789', 0)).toMatchObject({ octets: 10, head: Buffer.alloc(0), tail: Buffer.alloc(0) });
    const path = join(base, 'file');
    writeFileSync(path, '0123456789');
    expect(await partOfFile(path, 10, 5)).toEqual(part('0123456789', 5));
    expect(await partOfFile(path, 10, 11)).toEqual(part('0123456789', 11));
  });

  it('is had of a message in memory and of one in a spool file, which goes', async () => {
    for (const memoryLimitOctets of [1000, 3]) {
      const spool = openSpool(join(base, 'spool'), { memoryLimitOctets });
      const receiving = spool.receive();
      await receiving.write(Buffer.from('01234'));
      await receiving.write(Buffer.from('56789'));
      expect(await receiving.part(4)).toEqual(part('0123456789', 4));
      await receiving.abort();
      expect(files()).toEqual([]);
    }
  });
});
