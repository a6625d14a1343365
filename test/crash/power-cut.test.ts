/**
 * The power cut as the program enters each of its syncs: what was not synced is lost, unlike when a process is killed. Whatever the
 * program had said by then holds, and the next run ends as an undisturbed one does. MAILFERRY_POWER_CUTS=5 cuts each kind of night
 * only so often.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { env, execPath } from 'node:process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tellFigure } from '../support/figures.ts';
import { inLanes } from '../support/lanes.ts';
import { CutDisks, type EnteredSync, PowerCut, powerCutGate, whyNoDisk } from './cut-disks.ts';
import { type CutEnd, type MorningState, type Night, PowerCutBed } from './power-cut-bed.ts';
import { spread } from './spread.ts';

const MOST_CUTS = Number(env['MAILFERRY_POWER_CUTS'] ?? Number.POSITIVE_INFINITY);
const APART = ['state', 'maildir', 'mbox'];
const NIGHTS: Readonly<Record<string, Night>> = {
  'a first night': { isDeleting: false, isSecond: false, disks: [] },
  'a first night that deletes': { isDeleting: true, isSecond: false, disks: [] },
  'a second night that deletes': { isDeleting: true, isSecond: true, disks: [] },
  // On one disk each sync keeps all names that were given before it. Here a folder that nobody syncs is lost.
  'a first night that deletes, with a disk for each folder': {
    isDeleting: true,
    isSecond: false,
    disks: APART,
  },
  'a second night that deletes, with a disk for each folder': {
    isDeleting: true,
    isSecond: true,
    disks: APART,
  },
};

/** Writes two files and syncs the first, then makes a third and enters a second sync. */
const CARELESS = `
const { fsyncSync, openSync, writeSync } = require('node:fs');
const write = (name) => {
  const file = openSync(name, 'w');
  writeSync(file, 'x'.repeat(5000));
  return file;
};
const synced = write('synced');
write('unsynced');
fsyncSync(synced);
fsyncSync(write('late'));
`;

/** The syncs of a night, and what it comes to. */
async function spendUndisturbed(
  cut: PowerCut,
  night: Night,
): Promise<{ syncs: readonly EnteredSync[]; end: MorningState }> {
  await using bed = await PowerCutBed.make(cut, night);
  const syncs = await bed.countSyncs();
  return { syncs, end: await bed.settle() };
}

const reason = whyNoDisk();

if (reason !== undefined) {
  tellFigure(`power cuts: NONE, ${reason}`);
  describe.skip(`the power cut (skipped, ${reason})`, () => {
    it('is skipped', () => undefined);
  });
} else {
  powerCutGate.describe('the power cut', () => {
    let cut: PowerCut;

    beforeAll(() => {
      cut = new PowerCut();
    });
    afterAll(() => cut[Symbol.dispose]());

    it('loses what a careless program did not sync, and keeps what it did', () => {
      using disks = new CutDisks();
      const run = (): unknown =>
        execFileSync(execPath, ['-e', CARELESS], {
          cwd: disks.path,
          env: { ...env, ...disks.untilCut(cut, 2) },
        });
      expect(run).toThrow(expect.objectContaining({ signal: 'SIGKILL' }));
      disks.reboot();
      expect(readFileSync(join(disks.path, 'synced'), 'utf8')).toBe('x'.repeat(5000));
      expect(statSync(join(disks.path, 'unsynced')).size).toBe(0);
      expect(statSync(join(disks.path, 'late'), { throwIfNoEntry: false })).toBeUndefined();
    });

    it.each(Object.entries(NIGHTS))(
      'in %s: what was told holds, and the next run ends as if nothing had been',
      async (name, night) => {
        const { syncs, end } = await spendUndisturbed(cut, night);
        const ends: CutEnd[] = [];
        await inLanes(spread(syncs.length, Math.min(MOST_CUTS, syncs.length)), async (number) => {
          await using bed = await PowerCutBed.make(cut, night);
          try {
            ends.push(await bed.runUntilCut(number));
            expect(await bed.settle()).toEqual(end);
          } catch (thrown) {
            throw new Error(`cut at sync ${number}, of ${syncs[number - 1]?.path}`, { cause: thrown });
          }
        });
        const cuts = ends.filter(({ at }) => at !== undefined);
        const lost = cuts.filter(({ isLost }) => isLost).length;
        const told = cuts.reduce((sum, end) => sum + end.told, 0);
        tellFigure(
          `power cuts in ${name}: ${cuts.length} at ${syncs.length} syncs, ${lost} of them lost the file being synced, ` +
            `${told} messages told before`,
        );
        expect(cuts.length).toBeGreaterThan(ends.length * 0.9);
        expect(lost).toBeGreaterThan(0);
        expect(told).toBeGreaterThan(0);
      },
    );
  });
}
