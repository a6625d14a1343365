/** What is paid before the first message: the start of the program, and a run that finds an empty maildrop. */
import type { Bed, Run } from '../bed.ts';
import type { Contender } from '../contender.ts';
import { VERSION_ARGS } from '../contenders/mailferry.ts';
import { roomFor } from '../ground/room.ts';
import { type Mail, userOf } from '../mail/maildrops.ts';
import { measure } from '../measure.ts';
import { type Contestant, takeTurns } from '../turns.ts';
import { FLOOR, SUBJECT } from './names.ts';
import type { Measured, Scenario } from './scenario.ts';

/** Single starts vary more than runs of seconds, and cost little. */
const STARTS_PER_ROUND = 4;
const EMPTY: Mail = { word: 'empty', messages: 0, sizes: { kind: 'fixed', octets: 1 } };
const NO_MAIL = roomFor([], 'maildir');

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
      return await bed.inFolder(NO_MAIL, (laterFolder) => measureEmpty(bed, name, user, laterFolder));
    },
  };
}

/** @param laterFolder for the runs that know of earlier ones */
async function measureEmpty(bed: Bed, name: string, user: string, laterFolder: string): Promise<Measured> {
  const { contenders, rounds, patienceSeconds, progress } = bed.options;
  const runIn = async (contender: Contender, folder: string): Promise<Run['cost']> =>
    (await bed.run(contender, await bed.setting(folder, user))).cost;
  const taking = contenders.filter(({ role }) => role !== 'reference');
  const contestants = taking.flatMap((contender): Contestant[] => {
    const measureFirst = () => bed.inFolder(NO_MAIL, (folder) => runIn(contender, folder));
    const first = { name: contender.name, isOptional: false, measure: measureFirst };
    if (contender.role !== 'subject') return [first];
    return [first, { name: LATER_RUN, isOptional: false, measure: () => runIn(contender, laterFolder) }];
  });
  const turns = await takeTurns(contestants, {
    rounds: rounds * STARTS_PER_ROUND,
    patienceSeconds,
    onTurn: (text) => progress(`${name}: ${text}`),
  });
  const note = 'Each run has a folder of its own, so mailferry makes its state folder and ledger.';
  return { messages: 0, octets: 0, ...turns, notes: [note] };
}
