/** One account, fetched whole by each contender into a fresh folder, and checked by digest. */
import type { Bed } from '../bed.ts';
import type { Contender, Security, Setting, Store } from '../contender.ts';
import { roomFor } from '../ground/room.ts';
import { describeCompleteness } from '../mail/completeness.ts';
import { type Mail, type Maildrop, userOf } from '../mail/maildrops.ts';
import type { Measurement } from '../result.ts';
import { type Turns, takeTurns } from '../turns.ts';
import { isOptional, type Scenario } from './scenario.ts';

export interface FetchParts {
  readonly name: string;
  readonly title: string;
  readonly mail: Mail;
  readonly store: Store;
  readonly security: Security;
}

export function fetchScenario({ name, title, mail, store, security }: FetchParts): Scenario {
  return {
    name,
    title,
    users: [userOf(mail)],
    async measure(bed) {
      const maildrop = await bed.maildrop(mail);
      const { port, tlsPort } = await bed.dovecot();
      const change = { store, security, port: security === 'tls' ? tlsPort : port };
      const turns = await fetchInTurns(bed, name, maildrop, bed.options.contenders, change);
      return { messages: maildrop.messages, octets: maildrop.octets, ...turns, notes: [] };
    },
  };
}

/** `change` is what differs from the usual setting: clear text, straight to the server, into a Maildir. */
export function fetchInTurns(
  bed: Bed,
  name: string,
  maildrop: Maildrop,
  contenders: readonly Contender[],
  change: Partial<Setting>,
): Promise<Turns> {
  const { rounds, patienceSeconds, progress } = bed.options;
  const contestants = contenders.map((contender) => ({
    name: contender.name,
    isOptional: isOptional(contender),
    measure: () => fetchOnce(bed, maildrop, contender, change),
  }));
  return takeTurns(contestants, { rounds, patienceSeconds, onTurn: (text) => progress(`${name}: ${text}`) });
}

export function fetchOnce(
  bed: Bed,
  maildrop: Maildrop,
  contender: Contender,
  change: Partial<Setting>,
): Promise<Omit<Measurement, 'contender'>> {
  return bed.inFolder(roomFor([maildrop], change.store ?? 'maildir'), async (folder) => {
    const { cost, stored } = await bed.run(contender, {
      ...(await bed.setting(folder, maildrop.user)),
      ...change,
    });
    if (stored === undefined) return cost;
    return { ...cost, completeness: describeCompleteness(maildrop.digests, stored) };
  });
}
