/** The program killed between the sessions of an account whose server breaks them: at a message, and where commands are pipelined. */
import { expect, it } from 'vitest';
import * as wrong from '../../src/demo/misbehaviour.ts';
import type { Misbehaviour } from '../../src/demo/misbehaviour-switch.ts';
import { CrashBed, type EndState } from './crash-bed.ts';

async function endAfter(misbehaviour: Misbehaviour, failpoints: readonly string[]): Promise<EndState> {
  await using bed = await CrashBed.make();
  bed.server.misbehaviour.on(misbehaviour);
  for (const failpoint of failpoints) {
    expect(await bed.runAndDie(`kill@${failpoint}`)).toBe(true);
  }
  return await bed.settle();
}

it.each([
  ['session.broken:1', 'session.broken:1', 'batch.stored:1'],
  ['session.broken:1', 'pipelining.noted:1', 'quit.sent:1'],
  ['traffic.reserved:1', 'session.broken:1', 'quit.answered:1'],
])(
  'Q49, RFC-51: killed at %s, then %s, then %s: the end is that of an undisturbed run',
  async (...failpoints) => {
    const expected = await endAfter(wrong.pipeliningEnds(), []);
    expect(await endAfter(wrong.pipeliningEnds(), failpoints)).toEqual(expected);
  },
  120_000,
);
