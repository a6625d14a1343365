/** A server far away: what counts is how few round trips a program waits for. */
import { rawDrain } from '../contenders/bare-loop.ts';
import { type Mail, userOf } from '../mail/maildrops.ts';
import { openDelayingProxy } from '../servers/delaying-proxy.ts';
import { measureRoundTrip } from '../servers/round-trip.ts';
import { fetchInTurns, fetchOnce } from './fetch.ts';
import { IDEAL_STEPS, idealSeconds } from './ideal.ts';
import { isOptional, type Scenario } from './scenario.ts';

const MS_PER_SECOND = 1000;
const TRANSFERS = 3;

export interface DistantParts {
  readonly name: string;
  readonly mail: Mail;
  readonly roundTripMs: number;
  /** Whether programs that wait for each message take part: a round trip a message, which is long, and known beforehand. */
  readonly hasSlowPeers: boolean;
}

export function distantScenario({ name, mail, roundTripMs, hasSlowPeers }: DistantParts): Scenario {
  return {
    name,
    title: `4 KB each, ${roundTripMs} ms round trip, Maildir, clear text`,
    users: [userOf(mail)],
    async measure(bed) {
      const maildrop = await bed.maildrop(mail);
      const dovecot = await bed.dovecot();
      bed.options.progress(`${name}: transfer without delay`);
      const transfers: number[] = [];
      for (let number = 0; number < TRANSFERS; number++)
        transfers.push((await fetchOnce(bed, maildrop, rawDrain, {})).wallSeconds);
      const ideal = idealSeconds(roundTripMs, Math.min(...transfers));
      await using proxy = await openDelayingProxy({ target: dovecot.port, roundTripMs });
      const seenMs = await measureRoundTrip(roundTripMs);
      // The loops know beforehand what a server can do, and so could be faster than the ideal.
      const contenders = bed.options.contenders.filter(
        (one) => one.role !== 'reference' && (hasSlowPeers || !isOptional(one)),
      );
      const turns = await fetchInTurns(bed, name, maildrop, contenders, { port: proxy.port });
      const steps = IDEAL_STEPS.map(({ what, roundTrips }) => `${what} ${roundTrips}`).join(', ');
      const notes = [
        `Ideal: ${ideal.toFixed(2)} s, of it ${(ideal - Math.min(...transfers)).toFixed(2)} s for round trips (${steps}) ` +
          `and ${Math.min(...transfers).toFixed(2)} s for the transfer, as the raw drain takes without delay, start of its program included.`,
        `The proxy delays each direction by half of the round trip; measured through it: ${seenMs.toFixed(1)} ms.`,
        ...(hasSlowPeers
          ? []
          : [
              `Programs that wait for each message are left out: ${((maildrop.messages * roundTripMs) / MS_PER_SECOND).toFixed(0)} s and more by arithmetic.`,
            ]),
      ];
      return {
        messages: maildrop.messages,
        octets: maildrop.octets,
        idealSeconds: ideal,
        ...turns,
        notes,
      };
    },
  };
}
