/** Many accounts, eight at a time: one mailferry beside eight mpop processes that are kept running over the same accounts. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed } from '../bed.ts';
import type { Store } from '../contender.ts';
import { mailferryCrowd } from '../contenders/mailferry-crowd.ts';
import { mpopAccount, writeMpopConfig } from '../contenders/mpop.ts';
import { roomFor } from '../ground/room.ts';
import { describeCrowdCompleteness } from '../mail/crowd-completeness.ts';
import type { Mail, Maildrop } from '../mail/maildrops.ts';
import { makeMaildir } from '../project.ts';
import type { Measurement } from '../result.ts';
import { takeTurns } from '../turns.ts';
import { SIDE_BY_SIDE, SUBJECT } from './names.ts';
import type { Scenario } from './scenario.ts';

/** Accounts at the same time. */
const WIDTH = 8;

export interface CrowdParts {
  readonly name: string;
  readonly accounts: number;
  /** Of each account. */
  readonly mail: Mail;
  readonly store: Store;
}

export function crowdScenario({ name, accounts, mail, store }: CrowdParts): Scenario {
  const users = Array.from({ length: accounts }, (_, index) => `crowd${index}`);
  return {
    name,
    title: `${accounts} accounts of ${mail.messages} messages of 4 KB, ${WIDTH} at a time, ${store === 'maildir' ? 'Maildir' : 'mbox'}, clear text`,
    users,
    async measure(bed) {
      const maildrops = await bed.maildrops(mail, users);
      const { rounds, patienceSeconds, progress, contenders } = bed.options;
      const contestants = [
        { name: SUBJECT, measure: () => fetchByMailferry(bed, maildrops, store) },
        { name: SIDE_BY_SIDE, measure: () => fetchByMpop(bed, maildrops, store) },
      ].filter((one) => contenders.some((contender) => one.name.includes(contender.name)));
      const turns = await takeTurns(
        contestants.map((one) => ({ ...one, isOptional: false })),
        { rounds, patienceSeconds, onTurn: (text) => progress(`${name}: ${text}`) },
      );
      const sum = (value: (one: Maildrop) => number) => maildrops.reduce((all, one) => all + value(one), 0);
      const note = `${SIDE_BY_SIDE}: kept running by xargs -P ${WIDTH}, one process an account; its peak is that of the largest process, and ${WIDTH} run at once.${store === 'maildir' ? ' Both find their Maildirs made: mpop makes none.' : ''}`;
      return {
        messages: sum(({ messages }) => messages),
        octets: sum(({ octets }) => octets),
        ...turns,
        notes: [note],
      };
    },
  };
}

type Measured = Omit<Measurement, 'contender'>;

function fetchByMailferry(bed: Bed, maildrops: readonly Maildrop[], store: Store): Promise<Measured> {
  return bed.inFolder(roomFor(maildrops, store), async (folder) => {
    const users = maildrops.map(({ user }) => user);
    // As for mpop, which makes none.
    for (const user of store === 'maildir' ? users : []) makeMaildir(join(folder, 'target', user));
    const command = mailferryCrowd({ ...(await bed.setting(folder, '')), store }, users, WIDTH);
    const { cost } = await bed.runCommand('node', command);
    return { ...cost, completeness: describeCrowdCompleteness(maildrops, store, join(folder, 'target')) };
  });
}

function fetchByMpop(bed: Bed, maildrops: readonly Maildrop[], store: Store): Promise<Measured> {
  return bed.inFolder(roomFor(maildrops, store), async (folder) => {
    const setting = { ...(await bed.setting(folder, '')), store };
    mkdirSync(join(folder, 'target'));
    const accounts = maildrops.flatMap(({ user }) =>
      mpopAccount(user, { ...setting, user }, join(folder, 'target', user), join(folder, `uidls-${user}`)),
    );
    const configPath = join(folder, 'mpoprc');
    writeMpopConfig(configPath, accounts);
    const listPath = join(folder, 'accounts');
    writeFileSync(listPath, maildrops.map(({ user }) => `${user}\n`).join(''));
    const driver = ['--arg-file', listPath, '--max-procs', String(WIDTH), '--max-args', '1'];
    const { cost } = await bed.runCommand('xargs', {
      args: [...driver, 'mpop', '--quiet', `--file=${configPath}`],
    });
    return { ...cost, completeness: describeCrowdCompleteness(maildrops, store, join(folder, 'target')) };
  });
}
