/** The night on which nothing is new: how long a program takes to find out. Each has its state from an earlier run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from '../bed.ts';
import type { Contender, Setting } from '../contender.ts';
import { roomFor } from '../ground/room.ts';
import { COMPLETE, fillOf } from '../mail/completeness.ts';
import { type Mail, type Maildrop, userOf } from '../mail/maildrops.ts';
import { fetchUniqueIds } from '../references/pop3-session.ts';
import type { Failure } from '../result.ts';
import { type Contestant, takeTurns } from '../turns.ts';
import { isOptional, type Measured, type Scenario } from './scenario.ts';

export function nightlyScenario(name: string, mail: Mail): Scenario {
  return {
    name,
    title: 'all known already, nothing new, 1 KB each, mbox, clear text',
    users: [userOf(mail)],
    async measure(bed) {
      const maildrop = await bed.maildrop(mail);
      // One for all and for the whole scenario: nobody stores anything in the turns.
      const room = roomFor(
        bed.options.contenders.map(() => maildrop),
        'mbox',
      );
      return await bed.inFolder(room, (folder) => measureNights(bed, name, maildrop, folder));
    },
  };
}

async function measureNights(bed: Bed, name: string, maildrop: Maildrop, folder: string): Promise<Measured> {
  const { rounds, patienceSeconds, progress, contenders } = bed.options;
  const failures: Failure[] = [];
  const contestants: Contestant[] = [];
  for (const [index, contender] of contenders.entries()) {
    if (contender.role === 'reference') continue;
    progress(`${name}: state of ${contender.name}`);
    const ownFolder = join(folder, String(index));
    mkdirSync(ownFolder);
    try {
      contestants.push(await prime(bed, maildrop, contender, ownFolder));
    } catch (error) {
      failures.push({ contender: contender.name, reason: `first run: ${error}` });
    }
  }
  const turns = await takeTurns(contestants, {
    ...{ rounds, patienceSeconds },
    onTurn: (text) => progress(`${name}: ${text}`),
  });
  return {
    ...{ messages: maildrop.messages, octets: maildrop.octets, rounds: turns.rounds },
    ...{ failures: [...failures, ...turns.failures], notes: notesOn(contenders) },
  };
}

function notesOn(contenders: readonly Contender[]): string[] {
  const counted = 'messages/s are messages listed.';
  const written = contenders.flatMap((one) => (one.writeState === undefined ? [] : [one.name]));
  if (written.length === 0) return [counted];
  return [
    counted,
    `The state of ${written.join(' and ')} was written for them, with the server’s unique-ids; that of the others is left by a first run.`,
  ];
}

/** The first run, outside of what is measured. */
async function prime(
  bed: Bed,
  maildrop: Maildrop,
  contender: Contender,
  folder: string,
): Promise<Contestant> {
  const usual = await bed.setting(folder, maildrop.user);
  const setting: Setting = { ...usual, store: 'mbox', isOnlyNew: true };
  if (contender.writeState === undefined) await bed.run(contender, setting);
  else contender.writeState(setting, await fetchUniqueIds({ ...setting, caPath: undefined }));
  return {
    name: contender.name,
    isOptional: isOptional(contender),
    measure: async () => {
      const { stored } = contender.prepare(setting);
      const before = stored === undefined ? 0 : fillOf(stored);
      const { cost } = await bed.run(contender, setting);
      const hasFetched = stored !== undefined && fillOf(stored) !== before;
      return { ...cost, completeness: hasFetched ? 'fetched what it knew' : COMPLETE };
    },
  };
}
