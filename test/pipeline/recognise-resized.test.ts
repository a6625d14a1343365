import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../src/demo/mailbox.ts';
import * as wrong from '../../src/demo/misbehaviour.ts';
import { headerDigest, storeFieldOctets } from '../../src/message/header-block.ts';
import { ListedInRun } from '../../src/pipeline/listed-in-run.ts';
import { isResized } from '../../src/pipeline/recognise-resized.ts';
import { JobBed, type RunOptions } from '../support/job-bed.ts';

const OWN = 'Subject: one\r\nMessage-ID: <1@example.test>\r\n';
const STORES = 'X-UIDL: 3140d443.1795257830.1\r\nX-UID: 1\r\nStatus: OR\r\n';
const message = (header: string, body = 'first\r\n'): Buffer => Buffer.from(`${header}\r\n${body}`, 'latin1');

const DELETING: RunOptions = {
  isReadingBack: true,
  deletion: {
    ageMs: 0,
    max: undefined,
    maxPercent: undefined,
    keepNewest: undefined,
    keepForMs: undefined,
    keepBelowOctets: undefined,
  },
};

describe('the fields that a mail store keeps for itself', () => {
  it.each([
    ['X-UIDL: abc\r\n', 'at the top'],
    ['Status: RO\r\n', 'a flag'],
    ['x-keywords: a\r\n b\r\n\tc\r\n', 'folded, in small letters'],
    ['X-IMAPbase: 1795257830                    3\r\nX-UID: 7\r\nX-Status: A\r\n', 'several'],
  ])('do not count for the header digest: %j (%s)', (fields) => {
    expect(headerDigest(message(OWN + fields))).toBe(headerDigest(message(OWN)));
    expect(headerDigest(message(fields + OWN))).toBe(headerDigest(message(OWN)));
    expect(storeFieldOctets(message(OWN + fields))).toBe(fields.length);
  });

  it.each(['X-Status-Report: a\r\n', 'Delivery-Status: a\r\n', 'X-UIDLs: a\r\n', 'X-Spam-Status: No\r\n'])(
    'are no others that look like them: %j',
    (field) => {
      expect(headerDigest(message(OWN + field))).not.toBe(headerDigest(message(OWN)));
      expect(storeFieldOctets(message(OWN + field))).toBe(0);
    },
  );
});

describe('a message is known under another size', () => {
  const archived = { headerSha256: headerDigest(message(OWN)), octets: message(OWN).length };
  const listedAs = (octets: number | null) => ({ listedOctets: octets });
  const grown = message(OWN + STORES);

  it('where the fields of the store account for it, now or before', () => {
    expect(isResized(listedAs(grown.length), grown, archived)).toBe(true);
    const before = { ...archived, octets: archived.octets + 'Status: O\r\n'.length };
    expect(isResized(listedAs(grown.length), grown, before)).toBe(true);
  });

  it.each([
    ['the body has grown as well', grown.length + 1, grown],
    ['there are no such fields', archived.octets + 1, message(OWN)],
    ['the header is another one', grown.length, message(`${OWN}To: b\r\n${STORES}`)],
    ['LIST gave no size', null, grown],
  ])('but not where %s', (_why, octets, header) => {
    expect(isResized(listedAs(octets), header, archived)).toBe(false);
  });
});

describe('what a run has shown', () => {
  const shown = (listedOctets: number) => ({ uidl: 'a', listedOctets });

  it('counts a message once, though its listed size changes from session to session', () => {
    const listed = new ListedInRun();
    expect(listed.add([shown(10)])).toBe(1);
    listed.resize(shown(20), 10);
    expect([listed.add([shown(20)]), listed.add([shown(20)])]).toEqual([0, 0]);
  });

  it('counts it the first time where the run before showed the other size', () => {
    const listed = new ListedInRun();
    listed.resize(shown(20), 10);
    expect(listed.add([shown(20)])).toBe(1);
  });
});

describe('a server that writes fields of its own into archived messages', () => {
  async function makeBed(): Promise<{ bed: JobBed; mailbox: Mailbox }> {
    const mailbox = new Mailbox([message(OWN), message('Subject: two\r\n')]);
    const users = [{ name: 'alice', password: 'secret', messages: mailbox }];
    return { bed: await JobBed.make({ users }), mailbox };
  }

  const grow = (mailbox: Mailbox, body?: string): void =>
    mailbox.replaceEntries((entries) =>
      entries.map((entry, index) => {
        const content = message((index === 0 ? OWN : 'Subject: two\r\n') + STORES, body);
        return { ...entry, content, octets: content.length };
      }),
    );

  it('Q16, Q37: is asked for the headers once, and nothing is fetched or stored again', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    await bed.run();
    grow(mailbox);
    expect((await bed.run()).counts).toMatchObject({ archivedNow: 0, archivedBefore: 2 });
    const asked = [bed.server.record.count('RETR'), bed.server.record.count('TOP')];
    expect(asked).toEqual([2, 2]);
    await bed.run();
    expect([bed.server.record.count('RETR'), bed.server.record.count('TOP')]).toEqual(asked);
  });

  it('may delete them in that run, as their headers agree', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    await bed.run({ isReadingBack: true });
    grow(mailbox);
    await bed.run(DELETING);
    expect(bed.server.record.count('RETR')).toBe(2);
    expect(mailbox.entries).toEqual([]);
  });

  it('Q13: gives one more body under the same header: it is fetched and stored', async () => {
    const { bed, mailbox } = await makeBed();
    await using _ = bed;
    await bed.run();
    grow(
      mailbox,
      'another body, and a longer one at that: longer than the fields account for, by some octets\r\n',
    );
    expect((await bed.run()).counts).toMatchObject({ archivedNow: 2, archivedBefore: 0 });
  });

  it('Q33: and has no TOP: what it shows is fetched and stored as it is now', async () => {
    const mailbox = new Mailbox([message(OWN)]);
    const users = [{ name: 'alice', password: 'secret', messages: mailbox }];
    await using bed = await JobBed.make({ users, misbehaviour: [wrong.refused({ verb: 'TOP' })] });
    await bed.run();
    grow(mailbox);
    expect((await bed.run()).counts).toMatchObject({ archivedNow: 1 });
  });
});
