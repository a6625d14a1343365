import { describe, expect, it } from 'vitest';
import { announced, withoutCapability } from '../../src/demo/misbehaviour.ts';
import { serverWarnings } from '../../src/pipeline/server-warnings.ts';
import { Capabilities } from '../../src/pop3/capabilities.ts';
import { JobBed, someMessages } from '../support/job-bed.ts';

const warnings = (lines: readonly string[], isDeleting = false): readonly string[] =>
  serverWarnings(new Capabilities(lines), { isDeleting });

describe('what a server says about keeping mail', () => {
  it.each([true, false])('Q40, RFC-61: EXPIRE 0 is warned of (job deletes: %s)', (isDeleting) => {
    expect(warnings(['EXPIRE 0'], isDeleting)).toEqual([expect.stringMatching(/EXPIRE 0.*may delete every/)]);
    expect(warnings(['expire 0 USER'], isDeleting)).toHaveLength(1);
  });

  it('Q40, RFC-62: EXPIRE n is warned of where the job leaves mail there', () => {
    expect(warnings(['EXPIRE 30'])).toEqual([expect.stringContaining('after 30 days')]);
    expect(warnings(['EXPIRE 30 USER'])).toHaveLength(1);
    expect(warnings(['EXPIRE 30'], true)).toEqual([]);
  });

  it.each(['EXPIRE NEVER', 'EXPIRE', 'EXPIRENEVER', 'EXPIRE soon', 'EXPIRE -1', 'UIDL'])(
    '%s is nothing to warn of',
    (line) => {
      expect(warnings([line])).toEqual([]);
    },
  );

  it('nothing is concluded without CAPA', () => {
    expect(serverWarnings(undefined, { isDeleting: false })).toEqual([]);
  });

  it('shows in a run, for each account', async () => {
    const misbehaviour = [withoutCapability('EXPIRE'), announced('EXPIRE 0')];
    const messages = someMessages(1);
    await using bed = await JobBed.make({
      users: [{ name: 'alice', password: 'secret', messages }],
      misbehaviour,
    });
    expect(await bed.run()).toMatchObject({ outcome: 'done' });
    expect(bed.eventsOf('logged')).toEqual([
      expect.objectContaining({ level: 'warn', account: 'alice', text: expect.stringContaining('EXPIRE 0') }),
    ]);
  });
});
