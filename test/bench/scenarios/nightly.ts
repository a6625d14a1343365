/** The night on which nothing is new: how long a program takes to find out. Each has its state from an earlier run. */
import type { Bed } from '../bed.ts';
import type { Contender, Setting } from '../contender.ts';
import { COMPLETE, fillOf } from '../mail/completeness.ts';
import { type Mail, type Maildrop, userOf } from '../mail/maildrops.ts';
import { fetchUniqueIds } from '../references/pop3-session.ts';
import type { Failure } from '../result.ts';
import { type Contestant, takeTurns } from '../turns.ts';
import { isOptional, type Scenario } from './scenario.ts';

export function nightlyScenario(name: string, mail: Mail): Scenario {
  return {
    name,
    title: 'all known already, nothing new, 1 KB each, mbox, clear text',
    users: [userOf(mail)],
    async measure(bed) {
      const { rounds, patienceSeconds, progress, contenders } = bed.options;
      const maildrop = await bed.maildrop(mail);
      const failures: Failure[] = [];
      const contestants: Contestant[] = [];
      for (const contender of contenders.filter(({ role }) => role !== 'reference')) {
        progress(`${name}: state of ${contender.name}`);
        try {
          contestants.push(await prime(bed, maildrop, contender));
        } catch (error) {
          failures.push({ contender: contender.name, reason: `first run: ${error}` });
        }
      }
      const turns = await takeTurns(contestants, {
        ...{ rounds, patienceSeconds },
        onTurn: (text) => progress(`${name}: ${text}`),
      });
      const written = contenders.flatMap((one) => (one.writeState === undefined ? [] : [one.name]));
      const notes = [
        'messages/s are messages listed.',
        ...(written.length === 0
          ? []
          : [
              `The state of ${written.join(' and ')} was written for them, with the server’s unique-ids; that of the others is left by a first run.`,
            ]),
      ];
      return {
        ...{ messages: maildrop.messages, octets: maildrop.octets, rounds: turns.rounds },
        ...{ failures: [...failures, ...turns.failures], notes },
      };
    },
  };
}

/** The first run, outside of what is measured. Its folder stays, and goes with that of the whole bench. */
async function prime(bed: Bed, maildrop: Maildrop, contender: Contender): Promise<Contestant> {
  const folder = bed.makeFolder();
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
