/** What is paid before the first message: the start of the program, and a run that finds an empty maildrop. */
import { VERSION_ARGS } from '../contenders/mailferry.ts';
import { type Mail, userOf } from '../mail/maildrops.ts';
import { measure } from '../measure.ts';
import { type Contestant, takeTurns } from '../turns.ts';
import { FLOOR, SUBJECT } from './names.ts';
import type { Scenario } from './scenario.ts';

/** Single starts vary more than runs of seconds, and cost little. */
const STARTS_PER_ROUND = 4;
const EMPTY: Mail = { word: 'empty', messages: 0, sizes: { kind: 'fixed', octets: 1 } };

const LATER_RUN = `${SUBJECT}, state of an earlier run`;

export function startScenario(name: string): Scenario {
  const programs = [
    { name: SUBJECT, args: VERSION_ARGS },
    { name: FLOOR, args: ['-e', '0'] },
  ];
  return {
    name,
    title: 'start of the program: mailferry --version',
    users: [],
    async measure({ options }) {
      const contestants = programs.map((program) => ({
        name: program.name,
        isOptional: false,
        measure: async () => ({ ...(await measure('node', program)), serverCpuSeconds: 0 }),
      }));
      const turns = await takeTurns(contestants, {
        rounds: options.rounds * STARTS_PER_ROUND,
        patienceSeconds: options.patienceSeconds,
        onTurn: (text) => options.progress(`${name}: ${text}`),
      });
      return { messages: 0, octets: 0, ...turns, notes: [`${FLOOR} is the floor: Node itself.`] };
    },
  };
}

export function emptyScenario(name: string): Scenario {
  return {
    name,
    title: 'run on an empty maildrop, Maildir, clear text',
    users: [userOf(EMPTY)],
    async measure(bed) {
      const { user } = await bed.maildrop(EMPTY);
      const { contenders, rounds, patienceSeconds, progress } = bed.options;
      const taking = contenders.filter(({ role }) => role !== 'reference');
      const contestants = taking.flatMap((contender): Contestant[] => {
        const first = {
          name: contender.name,
          isOptional: false,
          measure: () =>
            bed.inFolder(async (folder) => (await bed.run(contender, await bed.setting(folder, user))).cost),
        };
        if (contender.role !== 'subject') return [first];
        const folder = bed.makeFolder();
        const later = async () => (await bed.run(contender, await bed.setting(folder, user))).cost;
        return [first, { name: LATER_RUN, isOptional: false, measure: later }];
      });
      const turns = await takeTurns(contestants, {
        rounds: rounds * STARTS_PER_ROUND,
        patienceSeconds,
        onTurn: (text) => progress(`${name}: ${text}`),
      });
      const note = 'Each run has a folder of its own, so mailferry makes its state folder and ledger.';
      return { messages: 0, octets: 0, ...turns, notes: [note] };
    },
  };
}
